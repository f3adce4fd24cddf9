use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memmem};

use super::Error;
use crate::jpeg::marker::{self, InScan, in_scan};

/// Cuts JPEGs out of a stream where they lie end to end, in whatever pieces it comes.
///
/// Follows the markers of ITU-T T.81 annex B, so that a thumbnail inside a segment doesn't end a picture. What can't
/// be a picture is skipped and counted: anything between two pictures, and a picture whose markers break off.
///
/// Takes time linear in the bytes pushed. Holds at most one picture and what was pushed since the last call of
/// [`next`](Self::next) that returned `None`.
#[derive(Debug)]
pub struct Splitter {
    limit: usize,
    buffer: BytesMut,
    /// What lies before this in `buffer` was looked at already.
    at: usize,
    place: Place,
    skipped: u64,
}

/// What is expected at `Splitter::at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A picture's first bytes; what precedes them is garbage.
    Outside,
    /// A marker, before the first scan or behind one.
    Marker {
        scanned: bool,
    },
    /// Entropy-coded data.
    Scan,
    Failed,
}

enum Step {
    On,
    Wait,
    /// A picture ends here.
    Picture(usize),
}

impl Splitter {
    /// A splitter for pictures of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: BytesMut::new(),
            at: 0,
            place: Place::Outside,
            skipped: 0,
        }
    }

    /// Takes in the bytes that came next. Call [`next`](Self::next) until it returns `None` after each.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.place != Place::Failed {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next complete picture, `None` if more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] if a picture exceeds the limit; from then on always.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator can't say that there is nothing yet"
    )]
    pub fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let step = match self.place {
                Place::Outside => self.outside(),
                Place::Marker { scanned } => self.marker(scanned),
                Place::Scan => self.scan(),
                Place::Failed => return Err(Error::TooLarge(self.limit)),
            };
            if self.at > self.limit {
                self.place = Place::Failed;
                self.buffer = BytesMut::new();
                continue;
            }
            match step {
                Step::On => {}
                Step::Wait => return Ok(None),
                Step::Picture(end) => {
                    self.at = 0;
                    self.place = Place::Outside;
                    return Ok(Some(self.buffer.split_to(end).freeze()));
                }
            }
        }
    }

    /// Bytes that were skipped because they belong to no complete picture.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Bytes that are being held.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    fn outside(&mut self) -> Step {
        if let Some(start) = memmem::find(&self.buffer, b"\xFF\xD8\xFF") {
            self.skip(start);
            self.at = 2;
            self.place = Place::Marker { scanned: false };
            return Step::On;
        }
        // What may be the first bytes of a picture stays.
        let begun = [&b"\xFF\xD8"[..], b"\xFF"]
            .into_iter()
            .find(|it| self.buffer.ends_with(it))
            .map_or(0, <[u8]>::len);
        self.skip(self.buffer.len() - begun);
        Step::Wait
    }

    fn marker(&mut self, scanned: bool) -> Step {
        // A segment may reach beyond what has come.
        let code = match self.buffer.get(self.at..) {
            None | Some([] | [0xFF]) => return Step::Wait,
            Some([0xFF, code, ..]) => *code,
            Some(_) => return self.resynchronise(),
        };
        match code {
            0xFF => self.at += 1,
            marker::EOI if scanned => {
                self.at += 2;
                return Step::Picture(self.at);
            }
            marker::SOF0..=marker::SOF15 | marker::SOS..=marker::APP15 | marker::COM => {
                let Some(&[high, low]) = self.buffer.get(self.at + 2..self.at + 4) else {
                    return Step::Wait;
                };
                let length = usize::from(u16::from_be_bytes([high, low]));
                if length < 2 {
                    return self.resynchronise();
                }
                self.at += 2 + length;
                if code == marker::SOS {
                    self.place = Place::Scan;
                }
            }
            _ => return self.resynchronise(),
        }
        Step::On
    }

    fn scan(&mut self) -> Step {
        while let Some(next) = self
            .buffer
            .get(self.at..)
            .and_then(|rest| memchr(0xFF, rest))
        {
            self.at += next;
            let Some(&code) = self.buffer.get(self.at + 1) else {
                return Step::Wait;
            };
            match in_scan(code) {
                InScan::Data | InScan::Damage => self.at += 2,
                InScan::Fill => self.at += 1,
                InScan::End | InScan::Start | InScan::Segment => {
                    self.place = Place::Marker { scanned: true };
                    return Step::On;
                }
            }
        }
        self.at = self.at.max(self.buffer.len());
        Step::Wait
    }

    /// Gives up the picture at hand and looks for the next from here on, not from its beginning, so that no byte is
    /// looked at twice however the stream is made.
    fn resynchronise(&mut self) -> Step {
        self.skip(self.at);
        self.place = Place::Outside;
        Step::On
    }

    fn skip(&mut self, bytes: usize) {
        self.buffer.advance(bytes);
        self.skipped += bytes as u64;
        self.at = 0;
    }
}
