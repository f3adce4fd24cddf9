//! JPEG: checked at the door, made from pixels, read back, scaled.
//!
//! Every JPEG that comes from outside passes [`admit`] once. Behind it the rest of the program relies on what
//! [`Admitted`] promises; nothing else walks markers of foreign pictures. Of the codecs only the sequence of bytes is
//! ours: compression is by `libjpeg-turbo-rs`, or with the feature `turbojpeg` by the C library libjpeg-turbo, which
//! writes the same bytes in less time; decompression by `zune-jpeg`, scaling by `fast_image_resize`.
//!
//! What doesn't belong here: finding pictures in a byte stream ([`crate::stream`], [`crate::multipart`]).

mod admit;
mod decode;
mod defect;
mod edits;
mod encode;
mod exif;
mod frame;
mod huffman;
pub(crate) mod marker;
mod mended;
mod pixels;
mod planes;
#[cfg(any(test, not(feature = "turbojpeg")))]
mod portable;
mod quantisation;
mod range;
mod resize;
#[cfg(test)]
mod tests;
#[cfg(feature = "turbojpeg")]
mod turbo;

pub use admit::{Admitted, LEADING_GARBAGE, Lenience, admit};
pub use decode::{Image, decode};
pub use defect::{CodecError, Defect};
pub use encode::encode;
pub use mended::Mended;
pub use pixels::{Layout, Pixels};
pub use range::Range;
pub use resize::{Encoded, Resize, transcode};

/// The most pixels a picture may have: 64 megapixels, enough for 8192x8192.
pub const MAX_PIXELS: u32 = 64 * 1024 * 1024;
