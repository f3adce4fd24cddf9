//! A range of a file's bytes: what is outside is counted and not made.

use std::{io, ops::Range};

use bytes::{Bytes, BytesMut};

use super::Error;

/// What is smaller is handed on together.
const TOGETHER: usize = 64 << 10;

/// Takes all parts of a file in their order and hands on what is in the range.
pub(super) struct Cut<'a> {
    at: u64,
    range: Range<u64>,
    waiting: BytesMut,
    out: &'a mut dyn FnMut(Bytes) -> io::Result<()>,
}

impl<'a> Cut<'a> {
    pub(super) fn new(range: Range<u64>, out: &'a mut dyn FnMut(Bytes) -> io::Result<()>) -> Self {
        Self {
            at: 0,
            range,
            waiting: BytesMut::new(),
            out,
        }
    }

    /// Where the next byte goes.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Steps over the next bytes if none of them is wanted.
    pub(super) fn pass(&mut self, len: u64) -> bool {
        let end = self.at.saturating_add(len);
        let is_outside = end <= self.range.start || self.at >= self.range.end;
        if is_outside {
            self.at = end;
        }
        is_outside
    }

    /// The next bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.make(bytes.len() as u64, || Ok(Bytes::copy_from_slice(bytes)))
    }

    /// The next bytes, of a known length, which are made only if one of them is wanted.
    pub(super) fn make(
        &mut self,
        len: u64,
        make: impl FnOnce() -> Result<Bytes, Error>,
    ) -> Result<(), Error> {
        if self.pass(len) {
            return Ok(());
        }
        let bytes = make()?;
        let (start, end) = (self.at, self.at + len);
        if bytes.len() as u64 != len {
            return Err(Error::Changed("a picture has another length".to_owned()));
        }
        let from = self.range.start.saturating_sub(start) as usize;
        let to = (self.range.end.min(end) - start) as usize;
        let wanted = bytes.slice(from..to);
        self.at = end;
        if self.waiting.len() + wanted.len() > TOGETHER {
            self.flush()?;
        }
        match wanted.len() > TOGETHER {
            true => (self.out)(wanted)?,
            false => self.waiting.extend_from_slice(&wanted),
        }
        Ok(())
    }

    /// Hands on what waits, and says how long the file is.
    pub(super) fn finish(mut self) -> Result<u64, Error> {
        self.flush()?;
        Ok(self.at)
    }

    fn flush(&mut self) -> Result<(), Error> {
        if !self.waiting.is_empty() {
            (self.out)(self.waiting.split().freeze())?;
        }
        Ok(())
    }
}
