//! `multipart/x-mixed-replace`: the framing of MJPEG over HTTP (RFC 2046 §5.1), read and written.
//!
//! Reading is lenient, because cameras are not: see [`Parser`]. Writing is strict and small, because viewers are
//! picky; which parts go out when is the sink's business, here are only the bytes.
//!
//! What doesn't belong here: sockets, the choice of a dialect for a viewer, and what is inside a part.

mod delimiter;
mod headers;
mod parser;
#[cfg(test)]
mod tests;
mod write;

use thiserror::Error;

pub use headers::Headers;
pub use parser::{Parser, Part};
pub use write::{BOUNDARY, CLOSE, CONTENT_TYPE, DELIMITER, MAX_LINE, opening, part_headers};

/// How much one part may take, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The body of a part.
    pub part: usize,
    /// The header block of a part, and what may precede the first part.
    pub header: usize,
}

/// Why a stream can't be read on. It isn't worth going on after one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A part is larger than [`Limits::part`].
    #[error("a part is larger than {0} bytes")]
    Part(usize),
    /// A header block, or what precedes the first part, is larger than [`Limits::header`].
    #[error("the headers of a part are larger than {0} bytes")]
    Header(usize),
    /// Neither the content type nor the stream tells where parts end.
    #[error("the stream has no boundary and its parts no length")]
    NoBoundary,
}
