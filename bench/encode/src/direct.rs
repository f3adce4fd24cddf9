//! libjpeg-turbo as a program would call it that does nothing else: one handle, all memory made before, packed pixels
//! split into planes by a plain loop, and the JPEG left where the library wrote it.

use framecast_media::jpeg::Layout;
use turbojpeg::{Compressor, Image, PixelFormat, Subsamp, YuvPlanesImage, compressed_buf_len};

pub(crate) struct Direct {
    compressor: Compressor,
    width: usize,
    height: usize,
    luma: Vec<u8>,
    blue: Vec<u8>,
    red: Vec<u8>,
    out: Vec<u8>,
}

impl Direct {
    pub(crate) fn new(width: usize, height: usize, quality: u8) -> Self {
        let mut compressor = Compressor::new().unwrap();
        compressor.set_quality(quality.into()).unwrap();
        compressor.set_subsamp(Subsamp::Sub2x2).unwrap();
        Self {
            compressor,
            width,
            height,
            luma: vec![0; width * height],
            blue: vec![0; width / 2 * height],
            red: vec![0; width / 2 * height],
            out: vec![0; compressed_buf_len(width, height, Subsamp::None).unwrap()],
        }
    }

    /// Bytes that the JPEG has.
    pub(crate) fn encode(&mut self, layout: Layout, data: &[u8]) -> usize {
        let (width, height) = (self.width, self.height);
        let (pixels, quarter) = (width * height, width / 2 * (height / 2));
        match layout {
            Layout::Yuyv => {
                let chroma = self.blue.iter_mut().zip(&mut self.red);
                let out = self.luma.as_chunks_mut::<2>().0.iter_mut().zip(chroma);
                for (quad, (luma, (blue, red))) in data.as_chunks::<4>().0.iter().zip(out) {
                    *luma = [quad[0], quad[2]];
                    (*blue, *red) = (quad[1], quad[3]);
                }
                self.planes(Subsamp::Sub2x1, None, None)
            }
            Layout::Nv12 => {
                let out = self.blue.iter_mut().zip(&mut self.red);
                for (pair, (blue, red)) in data[pixels..].as_chunks::<2>().0.iter().zip(out) {
                    (*blue, *red) = (pair[0], pair[1]);
                }
                self.planes(Subsamp::Sub2x2, Some(data), None)
            }
            Layout::I420 => {
                let (blue, red) = data[pixels..].split_at(quarter);
                self.planes(Subsamp::Sub2x2, Some(data), Some((blue, red)))
            }
            _ => {
                let image = Image {
                    pixels: data,
                    width,
                    pitch: width * 3,
                    height,
                    format: PixelFormat::RGB,
                };
                self.compressor
                    .compress_to_slice(image, &mut self.out)
                    .unwrap()
            }
        }
    }

    fn planes(
        &mut self,
        subsamp: Subsamp,
        luma: Option<&[u8]>,
        chroma: Option<(&[u8], &[u8])>,
    ) -> usize {
        let (blue, red) = chroma.unwrap_or((&self.blue, &self.red));
        let image = YuvPlanesImage {
            y_plane: luma.unwrap_or(&self.luma),
            u_plane: blue,
            v_plane: red,
            width: self.width,
            height: self.height,
            y_stride: self.width,
            u_stride: self.width / 2,
            v_stride: self.width / 2,
            subsamp,
        };
        self.compressor
            .compress_yuv_planes_to_slice(&image, &mut self.out)
            .unwrap()
    }
}
