//! Compression by libjpeg-turbo, the C library.

use turbojpeg::{
    Compressor, Error, Image, PixelFormat, Subsamp, YuvPlanesImage, compressed_buf_len,
};

use super::{
    CodecError, Layout, Pixels, Range,
    encode::Compress,
    planes::{Needs, Planes, Scratch},
};

/// The library's compressor and the memory that it writes to, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Turbo {
    compressor: Option<Compressor>,
    out: Vec<u8>,
}

impl Turbo {
    /// What is needed for a picture of this size, whatever is in it.
    fn ready(
        &mut self,
        (width, height): (usize, usize),
        sampling: Subsamp,
        quality: u8,
    ) -> Result<(&mut Compressor, &mut [u8]), Error> {
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new()?),
        };
        compressor.set_quality(i32::from(quality))?;
        compressor.set_subsamp(sampling)?;
        let most = compressed_buf_len(width, height, sampling)?;
        if self.out.len() < most {
            // Anew and not grown: the system gives zeroed memory for nothing, and what isn't written to takes no room.
            self.out = vec![0; most];
        }
        Ok((compressor, &mut self.out))
    }
}

impl Compress for Turbo {
    const NEEDS: Needs = Needs::Even;

    fn planes(&mut self, planes: &Planes<'_>, quality: u8) -> Result<Vec<u8>, CodecError> {
        let subsamp = if planes.halved {
            Subsamp::Sub2x2
        } else {
            Subsamp::Sub2x1
        };
        let (compressor, out) = self.ready(planes.size, subsamp, quality).map_err(refused)?;
        let [blue, red] = planes.chroma;
        let image = YuvPlanesImage {
            y_plane: planes.luma.data,
            u_plane: blue.data,
            v_plane: red.data,
            width: planes.size.0,
            height: planes.size.1,
            y_stride: planes.luma.stride,
            u_stride: blue.stride,
            v_stride: red.stride,
            subsamp,
        };
        let written = compressor
            .compress_yuv_planes_to_slice(&image, out)
            .map_err(refused)?;
        Ok(out[..written].to_vec())
    }

    fn whole(
        &mut self,
        pixels: &Pixels<'_>,
        scratch: &mut Scratch,
        full_colour: bool,
        quality: u8,
    ) -> Result<Vec<u8>, CodecError> {
        let (format, channels, sampling) = match pixels.layout {
            Layout::Rgb24 => (PixelFormat::RGB, 3, sampling(full_colour)),
            Layout::Bgr24 => (PixelFormat::BGR, 3, sampling(full_colour)),
            _ => (PixelFormat::GRAY, 1, Subsamp::Gray),
        };
        let (data, pitch) = match pixels.range {
            Range::Full => (pixels.data, pixels.stride),
            Range::Limited => {
                let lines = scratch.tight(pixels, channels);
                (lines.data, lines.stride)
            }
        };
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        let image = Image {
            pixels: data,
            width,
            pitch,
            height,
            format,
        };
        let (compressor, out) = self
            .ready((width, height), sampling, quality)
            .map_err(refused)?;
        let written = compressor.compress_to_slice(image, out).map_err(refused)?;
        Ok(out[..written].to_vec())
    }
}

fn sampling(full_colour: bool) -> Subsamp {
    if full_colour {
        Subsamp::None
    } else {
        Subsamp::Sub2x2
    }
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes values")]
fn refused(error: Error) -> CodecError {
    CodecError::Encode(error.to_string())
}
