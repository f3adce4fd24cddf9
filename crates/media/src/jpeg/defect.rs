use thiserror::Error;

use super::Layout;

/// Why [`admit`](super::admit) turned a JPEG away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Defect {
    /// No `FF D8 FF` within the first [`LEADING_GARBAGE`](super::LEADING_GARBAGE) bytes.
    #[error("no start of a JPEG was found")]
    NoStart,
    /// The data ends, or another picture begins, before the end marker.
    #[error("the JPEG is cut off before its end marker")]
    Truncated,
    /// A segment's length or content breaks ITU-T T.81 annex B, or something else stands where a marker must.
    #[error("the JPEG has a malformed segment (marker {0:#04x})")]
    Segment(u8),
    /// A coding process browsers can't show: lossless, hierarchical, arithmetic.
    #[error("the JPEG uses an unsupported coding process (marker {0:#04x})")]
    Process(u8),
    /// Samples of other than 8 bits.
    #[error("the JPEG has {0} bit samples instead of 8")]
    Precision(u8),
    /// Other than 1, 3 or 4 components.
    #[error("the JPEG has {0} colour components")]
    Components(u8),
    /// Width or height is zero.
    #[error("the JPEG has no width or no height")]
    Empty,
    /// More than [`MAX_PIXELS`](super::MAX_PIXELS).
    #[error("the JPEG is too large ({width}x{height})")]
    TooLarge {
        /// Pixels in a line.
        width: u16,
        /// Number of lines.
        height: u16,
    },
    /// A scan comes before the frame header.
    #[error("the JPEG has no frame header before its first scan")]
    NoFrame,
    /// A scan needs a quantisation table that was not given.
    #[error("the JPEG lacks a quantisation table")]
    NoQuantisation,
    /// A scan needs a Huffman table that was not given and isn't one of the standard ones.
    #[error("the JPEG lacks a Huffman table")]
    NoHuffman,
    /// There is no scan, or it is empty.
    #[error("the JPEG has no picture data")]
    NoScan,
    /// The picture data holds a marker that can't stand there (only with [`Lenience::Strict`](super::Lenience)).
    #[error("the JPEG's picture data is damaged")]
    Damaged,
    /// A table or a size holds `FF D8` or `FF D9`, which would mislead readers that search for these bytes.
    #[error("the JPEG hides a start or end marker in a segment (marker {0:#04x})")]
    HiddenMarker(u8),
}

impl Defect {
    /// A fixed word for metrics, such as `truncated`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::NoStart => "no_start",
            Self::Truncated => "truncated",
            Self::Segment(_) => "segment",
            Self::Process(_) => "process",
            Self::Precision(_) => "precision",
            Self::Components(_) => "components",
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::NoFrame => "no_frame",
            Self::NoQuantisation => "no_quantisation",
            Self::NoHuffman => "no_huffman",
            Self::NoScan => "no_scan",
            Self::Damaged => "damaged",
            Self::HiddenMarker(_) => "hidden_marker",
        }
    }
}

/// Why pixels couldn't become a JPEG or a JPEG couldn't become pixels.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// Width or height is zero, over 65535, or there are more than [`MAX_PIXELS`](super::MAX_PIXELS).
    #[error("a picture of {width}x{height} pixels can't be handled")]
    Size {
        /// Pixels in a line.
        width: u32,
        /// Number of lines.
        height: u32,
    },
    /// A line doesn't fit into the given stride.
    #[error(
        "a stride of {stride} bytes is too short for {width} pixels of {layout:?}, which take {needed}"
    )]
    Stride {
        /// The layout of the pixels.
        layout: Layout,
        /// Pixels in a line.
        width: u32,
        /// The stride that was given, in bytes.
        stride: usize,
        /// The smallest stride that would do, in bytes.
        needed: usize,
    },
    /// The buffer is shorter than the picture.
    #[error("a buffer of {found} bytes is too short for the picture, which takes {needed}")]
    Buffer {
        /// Bytes that were given.
        found: usize,
        /// Bytes that the picture takes.
        needed: usize,
    },
    /// The encoder refused.
    #[error("the picture can't be encoded: {0}")]
    Encode(String),
    /// The decoder refused.
    #[error("the JPEG can't be decoded: {0}")]
    Decode(String),
    /// The scaler refused.
    #[error("the picture can't be scaled: {0}")]
    Scale(String),
}
