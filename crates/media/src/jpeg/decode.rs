use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use super::pixels::size;
use super::{CodecError, Layout, Pixels, Range, exif};

/// The most scans a progressive picture may have; encoders write about ten.
const MAX_SCANS: usize = 64;

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Pixels in a line.
    pub width: u32,
    /// Number of lines.
    pub height: u32,
    /// `R G B` for each pixel, `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}

impl Image {
    /// The picture as [`encode`](super::encode) takes it.
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
}

/// Decodes a baseline or progressive JPEG; grey and CMYK pictures come out as RGB too.
///
/// Damaged picture data doesn't fail: what can't be read stays grey. An Exif orientation isn't applied.
///
/// # Errors
///
/// [`CodecError::Size`] before anything is allocated if there are more than [`MAX_PIXELS`](super::MAX_PIXELS),
/// [`CodecError::Decode`] for what isn't a JPEG or one of a kind that isn't supported.
pub fn decode(data: &[u8]) -> Result<Image, CodecError> {
    decode_oriented(data).map(|(image, _)| image)
}

/// [`decode`] with the orientation (1 to 8) that the picture is to be shown in.
pub(super) fn decode_oriented(data: &[u8]) -> Result<(Image, u8), CodecError> {
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .set_strict_mode(false)
        .jpeg_set_max_scans(MAX_SCANS)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
    decoder.decode_headers().map_err(refused)?;
    let info = decoder
        .info()
        .ok_or_else(|| CodecError::Decode("it has no frame header".to_owned()))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    size(width, height)?;
    let rgb = decoder.decode().map_err(refused)?;
    let expected = Layout::Rgb24.len(width, height, 0);
    if rgb.len() != expected {
        return Err(CodecError::Decode(format!(
            "{} bytes came out instead of {expected}",
            rgb.len()
        )));
    }
    let orientation = info
        .exif_data
        .as_deref()
        .and_then(exif::orientation)
        .unwrap_or(1);
    Ok((Image { width, height, rgb }, orientation))
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes values")]
fn refused(error: DecodeErrors) -> CodecError {
    CodecError::Decode(error.to_string())
}
