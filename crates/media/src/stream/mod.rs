//! Frames out of a byte stream, whatever it turns out to be.
//!
//! [`Splitter`] takes JPEGs that lie end to end, [`Intake`] takes those or multipart and finds out which. Both only
//! find where pictures begin and end; whether a picture is any good is for [`crate::jpeg::admit`] to say.
//!
//! What doesn't belong here: reading the stream, and video formats whose pictures depend on each other.

mod intake;
mod splitter;
#[cfg(test)]
mod tests;

pub use intake::Intake;
pub use splitter::Splitter;

use thiserror::Error;

use crate::multipart;

/// Why a stream can't be read on. It isn't worth going on after one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A picture is larger than this limit, in bytes.
    #[error("a picture is larger than {0} bytes")]
    TooLarge(usize),
    /// The multipart framing is beyond repair.
    #[error(transparent)]
    Multipart(#[from] multipart::Error),
}
