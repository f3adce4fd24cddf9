use fast_image_resize::images::{Image as Scaled, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::decode::decode_oriented;
use super::encode::encode_oriented;
use super::{CodecError, Image};

/// The size a copy is wanted in, in pixels.
///
/// With one side given the other follows from the aspect ratio; with both the picture fits inside; with none it keeps
/// its size. Pictures are never enlarged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Resize {
    /// At most so many pixels in a line.
    pub width: Option<u32>,
    /// At most so many lines.
    pub height: Option<u32>,
}

impl Resize {
    /// The size that a picture of size `source` (width, height) gets.
    ///
    /// Sides that change come out even where they can, as chroma is stored for pairs of pixels; none is ever 0.
    #[must_use]
    pub fn target(self, source: (u32, u32)) -> (u32, u32) {
        let (width, height) = (source.0.max(1), source.1.max(1));
        // The wanted size as a ratio: the smaller of width / source width and height / source height.
        let wide = self
            .width
            .filter(|&wanted| wanted < width)
            .map(|wanted| (wanted.max(1), width));
        let high = self
            .height
            .filter(|&wanted| wanted < height)
            .map(|wanted| (wanted.max(1), height));
        let product = |(a, _): (u32, u32), (_, b): (u32, u32)| u64::from(a) * u64::from(b);
        let (wanted, whole) = match (wide, high) {
            (None, None) => return (width, height),
            (Some(ratio), None) | (None, Some(ratio)) => ratio,
            (Some(wide), Some(high)) if product(wide, high) <= product(high, wide) => wide,
            (Some(_), Some(high)) => high,
        };
        let scale = |side: u32| {
            let exact = (u64::from(side) * u64::from(wanted) * 2 + u64::from(whole))
                / (u64::from(whole) * 2);
            let side = u32::try_from(exact).unwrap_or(side);
            if side < 2 { 1 } else { side & !1 }
        };
        (scale(width), scale(height))
    }
}

/// A JPEG this crate made, and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The JPEG.
    pub data: Vec<u8>,
    /// Pixels in a line.
    pub width: u32,
    /// Number of lines.
    pub height: u32,
}

/// Decodes a JPEG, scales it down and encodes it again with `quality` (1 to 100).
///
/// An Exif orientation is carried over, and `resize` means the picture as it is shown: for one that lies on its side
/// width and height change places.
///
/// # Errors
///
/// Those of [`decode`](super::decode) and [`encode`](super::encode).
pub fn transcode(data: &[u8], resize: Resize, quality: u8) -> Result<Encoded, CodecError> {
    let (image, orientation) = decode_oriented(data)?;
    let resize = match orientation {
        5..=8 => Resize {
            width: resize.height,
            height: resize.width,
        },
        _ => resize,
    };
    let image = scale(image, resize)?;
    let data = encode_oriented(&image.pixels(), quality, orientation)?;
    Ok(Encoded {
        data,
        width: image.width,
        height: image.height,
    })
}

fn scale(image: Image, resize: Resize) -> Result<Image, CodecError> {
    let (width, height) = resize.target((image.width, image.height));
    if (width, height) == (image.width, image.height) {
        return Ok(image);
    }
    let refused = |error: &dyn std::error::Error| CodecError::Scale(error.to_string());
    let source = ImageRef::new(image.width, image.height, &image.rgb, PixelType::U8x3)
        .map_err(|error| refused(&error))?;
    let mut scaled = Scaled::new(width, height, PixelType::U8x3);
    // A convolution takes every source pixel into account, so that shrinking doesn't flicker.
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new()
        .resize(&source, &mut scaled, &options)
        .map_err(|error| refused(&error))?;
    Ok(Image {
        width,
        height,
        rgb: scaled.into_vec(),
    })
}
