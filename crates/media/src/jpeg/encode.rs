use std::cell::RefCell;

use super::{
    CodecError, Layout, Pixels, exif,
    marker::APP0,
    planes::{Needs, Planes, Scratch},
    quantisation,
};

/// From this quality on the colours of RGB pictures keep their full resolution.
const FULL_COLOUR: u8 = 90;

#[cfg(not(feature = "turbojpeg"))]
pub(super) type Fastest = super::portable::Portable;
#[cfg(feature = "turbojpeg")]
pub(super) type Fastest = super::turbo::Turbo;

/// What makes a baseline JPEG of sound pixels, and may keep memory from one to the next.
pub(super) trait Compress: Default {
    /// What planes it can take.
    const NEEDS: Needs;

    /// Compresses a picture in planes.
    fn planes(&mut self, planes: &Planes<'_>, quality: u8) -> Result<Vec<u8>, CodecError>;

    /// Compresses a grey or RGB picture.
    fn whole(
        &mut self,
        pixels: &Pixels<'_>,
        scratch: &mut Scratch,
        full_colour: bool,
        quality: u8,
    ) -> Result<Vec<u8>, CodecError>;
}

/// A compressor with what it needs beside it.
#[derive(Debug, Default)]
pub(super) struct Press<C> {
    compressor: C,
    scratch: Scratch,
}

thread_local! {
    /// One a thread, so that threads which encode one frame after the other use the same memory for all of them.
    static PRESS: RefCell<Press<Fastest>> = RefCell::default();
}

/// Encodes raw pixels as a baseline JPEG that [`admit`](super::admit) lets through unchanged.
///
/// `quality` goes from 1 to 100; what is outside is brought inside. Chroma keeps the resolution it has in the layout:
/// 4:2:2 for YUYV and UYVY, 4:2:0 for the planar ones; RGB becomes 4:2:0, from quality 90 on 4:4:4. Limited range is
/// widened to the full one. Strides are honoured, sizes may be odd.
///
/// A thread that has encoded keeps a few megabytes of memory for its next picture.
///
/// # Errors
///
/// [`CodecError::Size`], [`CodecError::Stride`] or [`CodecError::Buffer`] if the description and the buffer don't fit
/// each other, before anything is read.
pub fn encode(pixels: &Pixels<'_>, quality: u8) -> Result<Vec<u8>, CodecError> {
    PRESS.with_borrow_mut(|press| press.encode(pixels, quality))
}

/// [`encode`] with an Exif orientation, written unless it is 1.
pub(super) fn encode_oriented(
    pixels: &Pixels<'_>,
    quality: u8,
    orientation: u8,
) -> Result<Vec<u8>, CodecError> {
    let mut jpeg = encode(pixels, quality)?;
    if orientation != 1 {
        let at = behind_jfif(&jpeg);
        jpeg.splice(at..at, exif::segment(orientation));
    }
    Ok(jpeg)
}

impl<C: Compress> Press<C> {
    pub(super) fn encode(
        &mut self,
        pixels: &Pixels<'_>,
        quality: u8,
    ) -> Result<Vec<u8>, CodecError> {
        pixels.check()?;
        let quality = quality.clamp(1, 100);
        let mut jpeg = match pixels.layout {
            Layout::Grey | Layout::Rgb24 | Layout::Bgr24 => {
                let full_colour = quality >= FULL_COLOUR;
                self.compressor
                    .whole(pixels, &mut self.scratch, full_colour, quality)?
            }
            _ => {
                let planes = self.scratch.planes(pixels, C::NEEDS);
                self.compressor.planes(&planes, quality)?
            }
        };
        quantisation::soften_header(&mut jpeg);
        Ok(jpeg)
    }
}

/// Where a JFIF segment ends, which must be the first.
fn behind_jfif(jpeg: &[u8]) -> usize {
    match jpeg {
        [_, _, 0xFF, APP0, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        _ => 2,
    }
}
