//! Raw pixels, read line by line as the encoder wants them: luma, blue and red difference, one byte a pixel each.

use jpeg_encoder::{ImageBuffer, JpegColorType, rgb_to_ycbcr};

use super::{Layout, Pixels};

/// Pixels that have passed [`Pixels::check`].
pub(super) struct Planes<'a> {
    pub(super) pixels: Pixels<'a>,
    pub(super) width: u16,
    pub(super) height: u16,
}

impl Planes<'_> {
    /// `length` bytes of a line that begins at `start`; the check has made sure they are there.
    fn line(&self, start: usize, length: usize) -> &[u8] {
        &self.pixels.data[start..start + length]
    }
}

impl ImageBuffer for Planes<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        match self.pixels.layout {
            Layout::Grey => JpegColorType::Luma,
            _ => JpegColorType::Ycbcr,
        }
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let (y, width, height) = (
            usize::from(y),
            usize::from(self.width),
            usize::from(self.height),
        );
        let pairs = width.div_ceil(2);
        let stride = self.pixels.stride;
        let (start, luma_size) = (y * stride, height * stride);
        let [luma, blue, red, _] = buffers;
        match self.pixels.layout {
            Layout::Grey => luma.extend_from_slice(self.line(start, width)),
            Layout::Rgb24 | Layout::Bgr24 => {
                let (r, b) = if self.pixels.layout == Layout::Rgb24 {
                    (0, 2)
                } else {
                    (2, 0)
                };
                for pixel in self.line(start, width * 3).chunks_exact(3) {
                    let (y, cb, cr) = rgb_to_ycbcr(pixel[r], pixel[1], pixel[b]);
                    luma.push(y);
                    blue.push(cb);
                    red.push(cr);
                }
            }
            Layout::Yuyv => {
                let line = self.line(start, pairs * 4);
                luma.extend(line[..width * 2].chunks_exact(2).map(|pair| pair[0]));
                twice(blue, width, line[1..].iter().step_by(4));
                twice(red, width, line[3..].iter().step_by(4));
            }
            Layout::Uyvy => {
                let line = self.line(start, pairs * 4);
                luma.extend(line[..width * 2].chunks_exact(2).map(|pair| pair[1]));
                twice(blue, width, line.iter().step_by(4));
                twice(red, width, line[2..].iter().step_by(4));
            }
            Layout::Nv12 | Layout::Nv21 => {
                luma.extend_from_slice(self.line(start, width));
                let line = self.line(luma_size + y / 2 * stride, pairs * 2);
                let (first, second) = if self.pixels.layout == Layout::Nv12 {
                    (blue, red)
                } else {
                    (red, blue)
                };
                twice(first, width, line.iter().step_by(2));
                twice(second, width, line[1..].iter().step_by(2));
            }
            Layout::I420 | Layout::Yv12 => {
                luma.extend_from_slice(self.line(start, width));
                let (stride, lines) = (stride / 2, height.div_ceil(2));
                let start = luma_size + y / 2 * stride;
                let (first, second) = if self.pixels.layout == Layout::I420 {
                    (blue, red)
                } else {
                    (red, blue)
                };
                twice(first, width, self.line(start, pairs).iter());
                twice(
                    second,
                    width,
                    self.line(start + lines * stride, pairs).iter(),
                );
            }
        }
    }
}

/// Appends each sample twice, `width` of them in all.
fn twice<'s>(buffer: &mut Vec<u8>, width: usize, samples: impl Iterator<Item = &'s u8>) {
    let start = buffer.len();
    buffer.resize(start + width.next_multiple_of(2), 0);
    for (pair, &sample) in buffer[start..].chunks_exact_mut(2).zip(samples) {
        pair.fill(sample);
    }
    buffer.truncate(start + width);
}
