//! The line between two parts, and how to find it.

use memchr::memmem::Finder;

/// RFC 2046 allows 70 characters.
const MAX_BOUNDARY: usize = 256;

/// What a line is, as far as boundaries go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Another part follows.
    Delimiter,
    /// There are no more parts.
    Close,
    /// Not a boundary.
    Other,
}

/// A boundary line inside a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The line begins here; whether its end has come doesn't matter.
    At(usize),
    /// Nothing before this place.
    NotBefore(usize),
}

/// What boundary lines begin with.
#[derive(Debug, Clone)]
pub(super) struct Delimiter {
    /// Without the dashes that may or may not precede it.
    needle: Vec<u8>,
    finder: Finder<'static>,
    /// A boundary that was declared with its dashes: lines may have two more of them.
    dashed: bool,
}

impl Delimiter {
    /// For the boundary that a content type declares. By RFC 2046 two dashes precede it; some cameras count them in.
    pub(super) fn declared(boundary: &str) -> Option<Self> {
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY {
            return None;
        }
        Some(if boundary.len() > 2 && boundary.starts_with("--") {
            Self::new(boundary.as_bytes().to_vec(), true)
        } else {
            Self::new([b"--", boundary.as_bytes()].concat(), false)
        })
    }

    /// For a stream whose first line is this one, if it can be a boundary line.
    pub(super) fn learned(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii_end();
        (line.len() > 2 && line.len() <= MAX_BOUNDARY && line.starts_with(b"--"))
            .then(|| Self::new(line.to_vec(), false))
    }

    fn new(needle: Vec<u8>, dashed: bool) -> Self {
        Self {
            finder: Finder::new(&needle).into_owned(),
            needle,
            dashed,
        }
    }

    /// Sorts a line, given without its line feed.
    pub(super) fn sort(&self, line: &[u8]) -> Line {
        let line = line.trim_ascii_end();
        let rest = line.strip_prefix(self.needle.as_slice());
        let dashed = || {
            line.strip_prefix(b"--")?
                .strip_prefix(self.needle.as_slice())
        };
        match rest.or_else(|| self.dashed.then(dashed).flatten()) {
            Some(b"") => Line::Delimiter,
            Some(b"--") => Line::Close,
            _ => Line::Other,
        }
    }

    /// Looks for a boundary line in `data` from `from` on; `data` begins at the beginning of a line.
    pub(super) fn find(&self, data: &[u8], from: usize) -> Found {
        let mut from = from;
        while let Some(next) = self.finder.find(&data[from..]) {
            let at = from + next;
            let start = if self.dashed && data[..at].ends_with(b"--") {
                at - 2
            } else {
                at
            };
            if start == 0 || data[start - 1] == b'\n' {
                // Only what tells it from longer words is waited for: the end of the line may come much later.
                match &data[at + self.needle.len()..] {
                    [] | [b'-'] => return Found::NotBefore(at),
                    [b'\r' | b'\n' | b' ' | b'\t', ..] | [b'-', b'-', ..] => {
                        return Found::At(start);
                    }
                    _ => {}
                }
            }
            from = at + 1;
        }
        Found::NotBefore(data.len().saturating_sub(self.needle.len() - 1).max(from))
    }
}
