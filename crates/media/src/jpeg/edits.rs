use std::ops::Range;

/// A copy of some bytes with cuts and insertions, which is only made once there is one in the middle.
///
/// Edits come in ascending order. Holds at most the input and what was inserted.
#[derive(Debug)]
pub(super) struct Edits<'a> {
    data: &'a [u8],
    /// Everything before this is in `out` or was cut.
    from: usize,
    out: Vec<u8>,
}

impl<'a> Edits<'a> {
    /// Keeps `data[start..]` until told otherwise.
    pub(super) fn new(data: &'a [u8], start: usize) -> Self {
        Self {
            data,
            from: start,
            out: Vec::new(),
        }
    }

    /// Puts `bytes` in place of `range`; either may be empty.
    pub(super) fn replace(&mut self, range: Range<usize>, bytes: &[u8]) {
        self.keep(range.start);
        self.out.extend_from_slice(bytes);
        self.from = range.end;
    }

    /// Ends at `end`, followed by `tail`: the copy, or the range of the input that it would equal.
    pub(super) fn finish(mut self, end: usize, tail: &[u8]) -> Result<Vec<u8>, Range<usize>> {
        if self.out.is_empty() && tail.is_empty() {
            return Err(self.from..end);
        }
        self.keep(end);
        self.out.extend_from_slice(tail);
        Ok(self.out)
    }

    fn keep(&mut self, to: usize) {
        if self.out.is_empty() {
            // One allocation: what comes is at most the rest, the standard tables and a small Exif.
            self.out.reserve(self.data.len() - self.from + 512);
        }
        self.out.extend_from_slice(&self.data[self.from..to]);
        self.from = to;
    }
}
