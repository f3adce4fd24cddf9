use super::{CodecError, MAX_PIXELS, Range};

/// How raw pixels lie in memory, named as V4L2 names them.
///
/// Planar layouts are packed as in V4L2's single-planar API: one plane directly behind the other, `height` lines of
/// luma, then half as many (rounded up) of chroma.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// 4:2:2, `Y0 Cb Y1 Cr` for two pixels.
    Yuyv,
    /// 4:2:2, `Cb Y0 Cr Y1` for two pixels.
    Uyvy,
    /// 4:2:0, luma, then a plane of `Cb Cr` pairs with the same stride.
    Nv12,
    /// 4:2:0, luma, then a plane of `Cr Cb` pairs with the same stride.
    Nv21,
    /// 4:2:0, luma, then a plane of `Cb` and one of `Cr`, each with half the stride.
    I420,
    /// 4:2:0, luma, then a plane of `Cr` and one of `Cb`, each with half the stride.
    Yv12,
    /// `R G B` for each pixel.
    Rgb24,
    /// `B G R` for each pixel.
    Bgr24,
    /// Luma only, a byte for each pixel.
    Grey,
}

impl Layout {
    /// The smallest stride for `width` pixels, in bytes.
    #[must_use]
    pub fn stride(self, width: u32) -> usize {
        let width = usize::try_from(width).unwrap_or(usize::MAX);
        let even = width.div_ceil(2).saturating_mul(2);
        match self {
            Self::Yuyv | Self::Uyvy => even.saturating_mul(2),
            Self::Nv12 | Self::Nv21 | Self::I420 | Self::Yv12 => even,
            Self::Rgb24 | Self::Bgr24 => width.saturating_mul(3),
            Self::Grey => width,
        }
    }

    /// The bytes that `height` lines of `stride` bytes take with all their planes.
    ///
    /// The width matters only by [`stride`](Self::stride), below which a stride can't be; a size beyond all memory
    /// comes out as `usize::MAX`.
    #[must_use]
    pub fn len(self, width: u32, height: u32, stride: usize) -> usize {
        let stride = stride.max(self.stride(width));
        let height = usize::try_from(height).unwrap_or(usize::MAX);
        let luma = stride.saturating_mul(height);
        let lines = height.div_ceil(2);
        match self {
            Self::Yuyv | Self::Uyvy | Self::Rgb24 | Self::Bgr24 | Self::Grey => luma,
            Self::Nv12 | Self::Nv21 => luma.saturating_add(stride.saturating_mul(lines)),
            Self::I420 | Self::Yv12 => {
                luma.saturating_add((stride / 2).saturating_mul(lines).saturating_mul(2))
            }
        }
    }
}

/// A raw picture somebody else holds.
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a> {
    /// How the bytes lie.
    pub layout: Layout,
    /// Pixels in a line.
    pub width: u32,
    /// Number of lines.
    pub height: u32,
    /// Bytes from one line of the first plane to the next.
    pub stride: usize,
    /// Which values the samples take.
    pub range: Range,
    /// The bytes, [`Layout::len`] or more.
    pub data: &'a [u8],
}

impl Pixels<'_> {
    /// Checks that the sizes are sane and the buffer holds the picture.
    pub(super) fn check(&self) -> Result<(), CodecError> {
        size(self.width, self.height)?;
        let needed = self.layout.stride(self.width);
        if self.stride < needed {
            return Err(CodecError::Stride {
                layout: self.layout,
                width: self.width,
                stride: self.stride,
                needed,
            });
        }
        let needed = self.layout.len(self.width, self.height, self.stride);
        if self.data.len() < needed {
            return Err(CodecError::Buffer {
                found: self.data.len(),
                needed,
            });
        }
        Ok(())
    }
}

/// Whether a JPEG can state this size and this crate handles it.
pub(super) fn size(width: u32, height: u32) -> Result<(), CodecError> {
    let sides = (u16::try_from(width), u16::try_from(height));
    match sides {
        (Ok(1..), Ok(1..)) if width * height <= MAX_PIXELS => Ok(()),
        _ => Err(CodecError::Size { width, height }),
    }
}
