//! Compression in Rust alone.

use libjpeg_turbo_rs::{JpegError, PixelFormat, Subsampling, compress, compress_raw};

use super::{
    CodecError, Layout, Pixels,
    encode::Compress,
    planes::{Needs, Planes, Scratch},
};

/// Keeps nothing from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Portable;

impl Compress for Portable {
    const NEEDS: Needs = Needs::Tight;

    fn planes(&mut self, planes: &Planes<'_>, quality: u8) -> Result<Vec<u8>, CodecError> {
        let (width, height) = planes.size;
        // It takes no strides.
        debug_assert_eq!(planes.luma.stride, width);
        let (sampling, lines) = if planes.halved {
            (Subsampling::S420, height.div_ceil(2))
        } else {
            (Subsampling::S422, height)
        };
        let [blue, red] = planes.chroma;
        let pairs = width.div_ceil(2);
        compress_raw(
            &[planes.luma.data, blue.data, red.data],
            &[width, pairs, pairs],
            &[height, lines, lines],
            width,
            height,
            quality,
            sampling,
        )
        .map_err(refused)
    }

    fn whole(
        &mut self,
        pixels: &Pixels<'_>,
        scratch: &mut Scratch,
        full_colour: bool,
        quality: u8,
    ) -> Result<Vec<u8>, CodecError> {
        let (format, channels, sampling) = match pixels.layout {
            Layout::Rgb24 => (PixelFormat::Rgb, 3, sampling(full_colour)),
            Layout::Bgr24 => (PixelFormat::Bgr, 3, sampling(full_colour)),
            _ => (PixelFormat::Grayscale, 1, Subsampling::S444),
        };
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        let lines = scratch.tight(pixels, channels);
        compress(lines.data, width, height, format, quality, sampling).map_err(refused)
    }
}

fn sampling(full_colour: bool) -> Subsampling {
    if full_colour {
        Subsampling::S444
    } else {
        Subsampling::S420
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes values")]
fn refused(error: JpegError) -> CodecError {
    CodecError::Encode(error.to_string())
}
