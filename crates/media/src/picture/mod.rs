//! Drawn pictures: the [`TestCard`], and what viewers see while a camera is lost ([`no_signal`]).
//!
//! Everything is drawn from arguments; texts that tell the time are made by the caller. Any size up to [`MAX_SIDE`]
//! is fine, down to a single pixel: what doesn't fit is left out. The fonts hold Latin-1; other letters show as `?`.
//!
//! What doesn't belong here: photographs, clocks, and drawing onto a camera's frames.

mod canvas;
mod card;
mod no_signal;
#[cfg(test)]
mod tests;
mod text;

pub use card::TestCard;
pub use no_signal::no_signal;

use crate::jpeg::{Layout, Pixels, Range};

/// The most pixels a side of a drawn picture has; a size that is asked for is brought into 1 to this.
pub const MAX_SIDE: u32 = 8192;

/// A drawn picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a line.
    pub width: u32,
    /// Number of lines.
    pub height: u32,
    /// `R G B` for each pixel, `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// The picture as [`encode`](crate::jpeg::encode) takes it.
    #[must_use]
    pub fn pixels(&self) -> Pixels<'_> {
        Pixels {
            layout: Layout::Rgb24,
            width: self.width,
            height: self.height,
            stride: Layout::Rgb24.stride(self.width),
            range: Range::Full,
            data: &self.rgb,
        }
    }

    /// A black picture.
    fn black(width: u32, height: u32) -> Self {
        let (width, height) = (width.clamp(1, MAX_SIDE), height.clamp(1, MAX_SIDE));
        Self {
            width,
            height,
            rgb: vec![0; Layout::Rgb24.len(width, height, 0)],
        }
    }
}
