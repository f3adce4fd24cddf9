//! Bytes in, bytes out: everything framecast knows about pictures and the formats that carry them.
//!
//! The map, in reading order:
//!
//! - [`jpeg`]: the check at the door for every JPEG ([`jpeg::admit`]), raw pixels to JPEG ([`jpeg::encode`]),
//!   JPEG to pixels ([`jpeg::decode`]) and a smaller copy of a JPEG ([`jpeg::transcode`]).
//! - [`multipart`]: `multipart/x-mixed-replace`, read as leniently as cameras need and written as strictly as
//!   viewers need.
//! - [`stream`]: frames out of a byte stream, whether it is multipart or JPEGs laid end to end.
//! - [`matroska`]: files of pictures, written frame by frame and readable at any moment.
//! - [`mp4`] and [`zip`]: files to hand out, of lengths that are known before a picture is read.
//! - [`picture`]: drawn pictures, the test card and "no signal".
//!
//! What doesn't belong here: a clock (texts that show the time are arguments), files, sockets, threads, an async
//! runtime, configuration, metrics (only their labels), HTTP beyond the multipart framing, and any idea of a camera
//! or a viewer. Bad input is an error value, never a panic, and what is kept in memory is bounded by a limit that
//! the caller gives or by [`jpeg::MAX_PIXELS`].

pub mod jpeg;
pub mod matroska;
pub mod mp4;
pub mod multipart;
pub mod picture;
pub mod stream;
pub mod zip;
