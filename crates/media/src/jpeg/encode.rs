use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, SamplingFactor};

use super::planes::Planes;
use super::{CodecError, Layout, Pixels, exif, quantisation};

/// From this quality on the colours of RGB pictures keep their full resolution.
const FULL_COLOUR: u8 = 90;

/// Encodes raw pixels as a baseline JPEG that [`admit`](super::admit) lets through unchanged.
///
/// `quality` goes from 1 to 100; what is outside is brought inside. Chroma keeps the resolution it has in the layout:
/// 4:2:2 for YUYV and UYVY, 4:2:0 for the planar ones; RGB becomes 4:2:0, from quality 90 on 4:4:4. Lines are read in
/// place, strides are honoured, sizes may be odd.
///
/// # Errors
///
/// [`CodecError::Size`], [`CodecError::Stride`] or [`CodecError::Buffer`] if the description and the buffer don't fit
/// each other, before anything is read.
pub fn encode(pixels: &Pixels<'_>, quality: u8) -> Result<Vec<u8>, CodecError> {
    encode_oriented(pixels, quality, 1)
}

/// [`encode`] with an Exif orientation, written unless it is 1.
pub(super) fn encode_oriented(
    pixels: &Pixels<'_>,
    quality: u8,
    orientation: u8,
) -> Result<Vec<u8>, CodecError> {
    let (width, height) = pixels.check()?;
    let quality = quality.clamp(1, 100);
    // A guess that saves most of the growing: two bits a pixel.
    let mut jpeg = Vec::with_capacity(1024 + usize::from(width) * usize::from(height) / 4);
    let mut encoder = Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(match pixels.layout {
        Layout::Yuyv | Layout::Uyvy => SamplingFactor::R_4_2_2,
        Layout::Rgb24 | Layout::Bgr24 if quality >= FULL_COLOUR => SamplingFactor::R_4_4_4,
        _ => SamplingFactor::R_4_2_0,
    });
    if orientation != 1 {
        encoder
            .add_exif_metadata(&exif::tiff(orientation))
            .map_err(refused)?;
    }
    let tight = pixels.stride == pixels.layout.stride(pixels.width);
    match pixels.layout {
        // Lines without padding can take the encoder's own, vectorised colour conversion.
        Layout::Rgb24 | Layout::Bgr24 => {
            encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
            let colour = if pixels.layout == Layout::Rgb24 {
                ColorType::Rgb
            } else {
                ColorType::Bgr
            };
            if tight {
                encoder.encode(pixels.data, width, height, colour)
            } else {
                encoder.encode_image(Planes {
                    pixels: *pixels,
                    width,
                    height,
                })
            }
        }
        _ => encoder.encode_image(Planes {
            pixels: *pixels,
            width,
            height,
        }),
    }
    .map_err(refused)?;
    quantisation::soften_header(&mut jpeg);
    Ok(jpeg)
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes values")]
fn refused(error: EncodingError) -> CodecError {
    CodecError::Encode(error.to_string())
}
