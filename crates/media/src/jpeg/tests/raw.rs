//! Raw pixels of every layout, size, stride and range: what comes out of a JPEG is what went into it, whichever
//! compressor made it.

use proptest::prelude::*;

use super::super::{
    encode::{Fastest, Press},
    portable::Portable,
};
use super::*;

pub(super) const LAYOUTS: [Layout; 9] = [
    Layout::Yuyv,
    Layout::Uyvy,
    Layout::Nv12,
    Layout::Nv21,
    Layout::I420,
    Layout::Yv12,
    Layout::Rgb24,
    Layout::Bgr24,
    Layout::Grey,
];

/// Full-range BT.601, as JFIF has it.
pub(super) fn ycc([r, g, b]: [f32; 3]) -> [u8; 3] {
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    [y, 128.0 + (b - y) / 1.772, 128.0 + (r - y) / 1.402].map(|value| value.round() as u8)
}

/// The colours in a layout, with lines `padding` bytes longer than they need be and that filled with noise.
pub(super) fn raw(
    layout: Layout,
    width: u32,
    height: u32,
    padding: usize,
    colour: impl Fn(u32, u32, u32, u32) -> [f32; 3],
) -> (usize, Vec<u8>) {
    let stride = layout.stride(width) + padding;
    let mut data = vec![0xA5; layout.len(width, height, stride)];
    let luma = stride * height as usize;
    for y in 0..height {
        for x in 0..width {
            let rgb = colour(x, y, width, height);
            let [l, cb, cr] = ycc(rgb);
            let rgb = rgb.map(|value| value.round() as u8);
            let (column, row) = (x as usize, y as usize);
            let line = row * stride;
            let (pair, half) = (column / 2, row / 2);
            let mut put = |at: usize, value: u8| data[at] = value;
            match layout {
                Layout::Yuyv | Layout::Uyvy => {
                    let luma = usize::from(layout == Layout::Uyvy);
                    put(line + column * 2 + luma, l);
                    put(line + pair * 4 + 1 - luma, cb);
                    put(line + pair * 4 + 3 - luma, cr);
                }
                Layout::Nv12 | Layout::Nv21 => {
                    put(line + column, l);
                    let swapped = usize::from(layout == Layout::Nv21);
                    put(luma + half * stride + pair * 2 + swapped, cb);
                    put(luma + half * stride + pair * 2 + 1 - swapped, cr);
                }
                Layout::I420 | Layout::Yv12 => {
                    put(line + column, l);
                    let plane = stride / 2 * (height as usize).div_ceil(2);
                    let swapped = usize::from(layout == Layout::Yv12);
                    put(luma + swapped * plane + half * (stride / 2) + pair, cb);
                    put(
                        luma + (1 - swapped) * plane + half * (stride / 2) + pair,
                        cr,
                    );
                }
                Layout::Rgb24 => {
                    (0..3).for_each(|channel| put(line + column * 3 + channel, rgb[channel]))
                }
                Layout::Bgr24 => {
                    (0..3).for_each(|channel| put(line + column * 3 + channel, rgb[2 - channel]))
                }
                Layout::Grey => put(line + column, l),
            }
        }
    }
    (stride, data)
}

/// Colours that change slowly, so that sharing them between pixels costs little.
fn smooth(x: u32, y: u32, _width: u32, _height: u32) -> [f32; 3] {
    let (x, y) = (x as f32, y as f32);
    [
        128.0 + 90.0 * (x / 25.0).sin(),
        128.0 + 80.0 * (y / 20.0).cos(),
        128.0 + 70.0 * ((x + y) / 30.0).sin(),
    ]
}

/// What limited samples of the same picture would be.
fn limited(layout: Layout, data: &[u8], stride: usize, width: u32, height: u32) -> Vec<u8> {
    let luma = |sample: u8| (16.0 + f32::from(sample) * 219.0 / 255.0).round() as u8;
    let chroma = |sample: u8| (128.0 + (f32::from(sample) - 128.0) * 224.0 / 255.0).round() as u8;
    let is_luma = |at: usize| match layout {
        Layout::Yuyv => (at % stride).is_multiple_of(2),
        Layout::Uyvy => !(at % stride).is_multiple_of(2),
        Layout::Nv12 | Layout::Nv21 | Layout::I420 | Layout::Yv12 => at < stride * height as usize,
        Layout::Rgb24 | Layout::Bgr24 | Layout::Grey => true,
    };
    assert!(stride >= layout.stride(width));
    let samples = data.iter().enumerate();
    samples
        .map(|(at, sample)| {
            if is_luma(at) {
                luma(*sample)
            } else {
                chroma(*sample)
            }
        })
        .collect()
}

/// The ratio of the strongest signal to the noise, in decibels.
fn psnr(layout: Layout, image: &Image) -> f32 {
    let mut sum = 0.0;
    for (pixel, index) in image.rgb.chunks_exact(3).zip(0..) {
        let rgb = smooth(index % image.width, index / image.width, 0, 0);
        let expected = match layout {
            Layout::Grey => [f32::from(ycc(rgb)[0]); 3],
            _ => rgb,
        };
        let apart = |(&found, wanted): (&u8, f32)| (f32::from(found) - wanted).powi(2);
        sum += pixel.iter().zip(expected).map(apart).sum::<f32>();
    }
    10.0 * (255.0_f32.powi(2) / (sum / image.rgb.len() as f32)).log10()
}

/// A picture of any layout, size, stride, range and quality.
fn any() -> impl Strategy<Value = (Layout, u32, u32, usize, Range, u8)> {
    (
        prop::sample::select(&LAYOUTS[..]),
        1..70_u32,
        1..50_u32,
        0..40_usize,
        prop_oneof![Just(Range::Full), Just(Range::Limited)],
        85..=100_u8,
    )
}

proptest! {
    #[test]
    fn a_picture_comes_out_as_it_went_in((layout, width, height, padding, range, quality) in any()) {
        let (stride, mut data) = raw(layout, width, height, padding, smooth);
        if range == Range::Limited {
            data = limited(layout, &data, stride, width, height);
        }
        let pixels = Pixels { layout, width, height, stride, range, data: &data };
        let jpeg = encode(&pixels, quality).unwrap();
        let image = decode(&jpeg).unwrap();
        prop_assert_eq!((image.width, image.height), (width, height));
        let psnr = psnr(layout, &image);
        prop_assert!(psnr > 30.0, "{psnr} dB");
        prop_assert!(!admit(jpeg.into(), Lenience::Strict).unwrap().mended.any());
    }

    #[test]
    fn bytes_beyond_the_picture_and_at_the_ends_of_lines_change_nothing(
        (layout, width, height, padding, range, quality) in any(), more in 0..100_usize,
    ) {
        let (stride, data) = raw(layout, width, height, 0, smooth);
        let pixels = Pixels { layout, width, height, stride, range, data: &data };
        let plain = encode(&pixels, quality).unwrap();
        let (stride, mut data) = raw(layout, width, height, padding, smooth);
        data.resize(data.len() + more, 0x11);
        let padded = encode(&Pixels { stride, data: &data, ..pixels }, quality).unwrap();
        prop_assert!(plain == padded, "the padding shows");
    }

    #[test]
    fn both_compressors_write_the_same_bytes((layout, width, height, padding, range, quality) in any()) {
        let (stride, data) = raw(layout, width, height, padding, smooth);
        let pixels = Pixels { layout, width, height, stride, range, data: &data };
        let portable = Press::<Portable>::default().encode(&pixels, quality).unwrap();
        let fastest = encode(&pixels, quality).unwrap();
        prop_assert!(portable == fastest, "{} and {} bytes", portable.len(), fastest.len());
    }
}

#[test]
fn black_and_white_of_video_are_black_and_white() {
    for layout in LAYOUTS {
        for (sample, expected) in [(16, 0), (235, 255), (0, 0), (255, 255)] {
            let mut data = vec![128; layout.len(16, 16, 0)];
            let (stride, rows) = (layout.stride(16), 16);
            let (from, step) = match layout {
                Layout::Yuyv => (0, 2),
                Layout::Uyvy => (1, 2),
                _ => (0, 1),
            };
            let luma = data[..stride * rows].iter_mut().skip(from).step_by(step);
            luma.for_each(|luma| *luma = sample);
            let pixels = Pixels {
                layout,
                width: 16,
                height: 16,
                stride,
                range: Range::Limited,
                data: &data,
            };
            let image = decode(&encode(&pixels, 95).unwrap()).unwrap();
            let off = image.rgb.iter().map(|it| it.abs_diff(expected)).max();
            assert!(off <= Some(2), "{layout:?} {sample}: {off:?}");
        }
    }
}

#[test]
fn a_thread_that_encodes_pictures_of_many_sizes_mixes_nothing_up() {
    for (width, height) in [(70, 50), (8, 8), (64, 48), (1, 1), (70, 50)] {
        for layout in LAYOUTS {
            let (stride, data) = raw(layout, width, height, 2, smooth);
            let pixels = Pixels {
                layout,
                width,
                height,
                stride,
                range: Range::Full,
                data: &data,
            };
            let again = encode(&pixels, 85).unwrap();
            let anew = Press::<Fastest>::default().encode(&pixels, 85).unwrap();
            assert!(again == anew, "{layout:?} {width}x{height}");
        }
    }
}
