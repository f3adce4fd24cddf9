//! Raw pixels as the compressors want them: a plane each of luma, blue and red difference.

use super::{Layout, Pixels, Range, range};

/// One component of a picture: lines of bytes, one a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plane<'a> {
    pub(super) data: &'a [u8],
    /// Bytes from one line to the next.
    pub(super) stride: usize,
}

/// A picture with chroma of a lower resolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planes<'a> {
    /// Pixels in a line and number of lines.
    pub(super) size: (usize, usize),
    /// Whether chroma has half the lines too.
    pub(super) halved: bool,
    pub(super) luma: Plane<'a>,
    /// Blue and red difference, tight.
    pub(super) chroma: [Plane<'a>; 2],
}

/// What planes a compressor can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Without a gap between lines.
    #[cfg_attr(
        feature = "turbojpeg",
        allow(dead_code, reason = "what the C library doesn't need")
    )]
    Tight,
    /// Luma with an even number of lines and of pixels in each, as many as chroma covers.
    Even,
}

/// Memory for the planes that can't be used where they lie, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    luma: Vec<u8>,
    chroma: [Vec<u8>; 2],
}

impl Scratch {
    /// The planes of pixels that have passed [`Pixels::check`] and are neither grey nor RGB.
    pub(super) fn planes<'a>(&'a mut self, pixels: &Pixels<'a>, needs: Needs) -> Planes<'a> {
        match pixels.range {
            Range::Full => self.split(pixels, needs, |luma| luma, |chroma| chroma),
            Range::Limited => self.split(pixels, needs, range::luma, range::chroma),
        }
    }

    fn split<'a>(
        &'a mut self,
        pixels: &Pixels<'a>,
        needs: Needs,
        luma: impl Fn(u8) -> u8 + Copy,
        chroma: impl Fn(u8) -> u8 + Copy,
    ) -> Planes<'a> {
        let shape = Shape::of(pixels, needs);
        for plane in &mut self.chroma {
            plane.resize(shape.pairs * shape.lines, 0);
        }
        let in_place = shape.halved && pixels.range == Range::Full && shape.suits(pixels, needs);
        if !in_place {
            self.luma.resize(shape.luma.0 * shape.luma.1, 0);
        }
        if shape.halved {
            if !in_place {
                shape.copy(pixels, &mut self.luma, luma);
            }
            shape.gather(pixels, &mut self.chroma, chroma);
        } else {
            shape.unpack(pixels, &mut self.luma, &mut self.chroma, luma, chroma);
        }
        let luma = if in_place {
            Plane {
                data: pixels.data,
                stride: pixels.stride,
            }
        } else {
            Plane {
                data: &self.luma,
                stride: shape.luma.0,
            }
        };
        let chroma = self.chroma.each_ref().map(|data| Plane {
            data,
            stride: shape.pairs,
        });
        Planes {
            size: (shape.width, shape.height),
            halved: shape.halved,
            luma,
            chroma,
        }
    }

    /// Lines of bytes for `width` samples of `channels` each, full range, with no gap between them.
    pub(super) fn tight<'a>(&'a mut self, pixels: &Pixels<'a>, channels: usize) -> Plane<'a> {
        let (height, row) = (pixels.height as usize, pixels.width as usize * channels);
        if pixels.range == Range::Full && pixels.stride == row {
            return Plane {
                data: pixels.data,
                stride: row,
            };
        }
        self.luma.resize(row * height, 0);
        let lines = pixels.data.chunks(pixels.stride).take(height);
        for (line, out) in lines.zip(self.luma.chunks_exact_mut(row)) {
            match pixels.range {
                Range::Full => out.copy_from_slice(&line[..row]),
                Range::Limited => map(&line[..row], out, range::luma),
            }
        }
        Plane {
            data: &self.luma,
            stride: row,
        }
    }
}

/// The sizes of a picture's planes.
#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    height: usize,
    /// Whether chroma has half the lines.
    halved: bool,
    /// Samples in a line of chroma, and its lines.
    pairs: usize,
    lines: usize,
    /// Samples in a line of luma, and its lines, as the compressor needs it.
    luma: (usize, usize),
}

impl Shape {
    fn of(pixels: &Pixels<'_>, needs: Needs) -> Self {
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        let halved = !matches!(pixels.layout, Layout::Yuyv | Layout::Uyvy);
        let pairs = width.div_ceil(2);
        let lines = if halved { height.div_ceil(2) } else { height };
        let luma = match needs {
            Needs::Tight => (width, height),
            Needs::Even if halved => (pairs * 2, lines * 2),
            Needs::Even => (pairs * 2, height),
        };
        Self {
            width,
            height,
            halved,
            pairs,
            lines,
            luma,
        }
    }

    /// Whether the luma of planar pixels can be used where it lies.
    fn suits(&self, pixels: &Pixels<'_>, needs: Needs) -> bool {
        let whole = self.luma == (self.width, self.height);
        whole && (needs == Needs::Even || pixels.stride == self.width)
    }

    /// Copies the luma of planar pixels; what is beyond its edges repeats them.
    fn copy(&self, pixels: &Pixels<'_>, out: &mut [u8], luma: impl Fn(u8) -> u8) {
        for (row, out) in out.chunks_exact_mut(self.luma.0).enumerate() {
            let start = row.min(self.height - 1) * pixels.stride;
            let (whole, beyond) = out.split_at_mut(self.width);
            map(&pixels.data[start..start + self.width], whole, &luma);
            beyond.fill(whole[self.width - 1]);
        }
    }

    /// Copies the chroma of planar pixels.
    fn gather(
        &self,
        pixels: &Pixels<'_>,
        [blue, red]: &mut [Vec<u8>; 2],
        chroma: impl Fn(u8) -> u8,
    ) {
        let below = &pixels.data[pixels.stride * self.height..];
        // As they come in memory.
        let (first, second) = match pixels.layout {
            Layout::Nv21 | Layout::Yv12 => (red, blue),
            _ => (blue, red),
        };
        if let Layout::Nv12 | Layout::Nv21 = pixels.layout {
            let lines = below.chunks(pixels.stride).take(self.lines);
            let second = second.chunks_exact_mut(self.pairs);
            let out = first.chunks_exact_mut(self.pairs).zip(second);
            for (line, (first, second)) in lines.zip(out) {
                let pairs = line[..self.pairs * 2].as_chunks().0;
                let out = first.iter_mut().zip(second.iter_mut());
                for ([a, b], (first, second)) in pairs.iter().zip(out) {
                    (*first, *second) = (chroma(*a), chroma(*b));
                }
            }
            return;
        }
        let half = pixels.stride / 2;
        for (start, plane) in [(0, first), (half * self.lines, second)] {
            let lines = below[start..].chunks(half).take(self.lines);
            for (line, out) in lines.zip(plane.chunks_exact_mut(self.pairs)) {
                map(&line[..self.pairs], out, &chroma);
            }
        }
    }

    /// Takes packed pixels apart.
    fn unpack(
        &self,
        pixels: &Pixels<'_>,
        out: &mut [u8],
        [blue, red]: &mut [Vec<u8>; 2],
        luma: impl Fn(u8) -> u8,
        chroma: impl Fn(u8) -> u8,
    ) {
        let lines = pixels.data.chunks(pixels.stride).take(self.height);
        let red = red.chunks_exact_mut(self.pairs);
        let colours = blue.chunks_exact_mut(self.pairs).zip(red);
        let out = out.chunks_exact_mut(self.luma.0).zip(colours);
        for (line, (out, (blue, red))) in lines.zip(out) {
            let line = &line[..self.pairs * 4];
            if pixels.layout == Layout::Yuyv {
                unpack::<0>(line, out, blue, red, &luma, &chroma);
            } else {
                unpack::<1>(line, out, blue, red, &luma, &chroma);
            }
            // The second half of a last pair that the picture has only one pixel of.
            if let [.., last, beyond] = out
                && self.luma.0 > self.width
            {
                *beyond = *last;
            }
        }
    }
}

fn map(from: &[u8], to: &mut [u8], change: impl Fn(u8) -> u8) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = change(*from);
    }
}

/// A line of packed pixels; `LUMA` is where luma is in each pair of bytes. `out` is as wide as the pixels or one narrower.
#[inline]
fn unpack<const LUMA: usize>(
    line: &[u8],
    out: &mut [u8],
    blue: &mut [u8],
    red: &mut [u8],
    luma: impl Fn(u8) -> u8,
    chroma: impl Fn(u8) -> u8,
) {
    let (pairs, odd) = out.as_chunks_mut::<2>();
    let quads = line.as_chunks::<4>().0;
    let out = pairs.iter_mut().zip(blue.iter_mut().zip(red.iter_mut()));
    for (quad, (pair, (blue, red))) in quads.iter().zip(out) {
        *pair = [luma(quad[LUMA]), luma(quad[LUMA + 2])];
        (*blue, *red) = (chroma(quad[1 - LUMA]), chroma(quad[3 - LUMA]));
    }
    if let ([last], [.., quad], [.., blue], [.., red]) = (odd, quads, blue, red) {
        *last = luma(quad[LUMA]);
        (*blue, *red) = (chroma(quad[1 - LUMA]), chroma(quad[3 - LUMA]));
    }
}
