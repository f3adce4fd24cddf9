use super::raw::{LAYOUTS, raw, ycc};
use super::*;

/// Smooth colours, the left half different from the right and the top from the bottom.
fn colour(x: u32, y: u32, width: u32, height: u32) -> [f32; 3] {
    [
        if x < width / 2 { 200.0 } else { 60.0 },
        40.0 + 150.0 * y as f32 / height as f32,
        if y < height / 2 { 180.0 } else { 50.0 },
    ]
}

/// How far a decoded picture is from the colours, on average and in one channel.
fn error(layout: Layout, image: &Image) -> f32 {
    let mut sum = 0.0;
    for (pixel, index) in image.rgb.chunks_exact(3).zip(0..) {
        let rgb = colour(
            index % image.width,
            index / image.width,
            image.width,
            image.height,
        );
        let expected = if layout == Layout::Grey {
            [f32::from(ycc(rgb)[0]); 3]
        } else {
            rgb
        };
        sum += pixel
            .iter()
            .zip(expected)
            .map(|(&found, wanted)| (f32::from(found) - wanted).abs())
            .sum::<f32>();
    }
    sum / image.rgb.len() as f32
}

#[test]
fn every_layout_keeps_its_colours_at_any_size_and_stride() {
    for layout in LAYOUTS {
        for (width, height) in [
            (64, 48),
            (63, 47),
            (17, 33),
            (16, 16),
            (130, 2),
            (1, 1),
            (2, 3),
        ] {
            for padding in [0, 2, 14, 64] {
                for quality in [85, 95] {
                    let (stride, data) = raw(layout, width, height, padding, colour);
                    let pixels = Pixels {
                        layout,
                        width,
                        height,
                        stride,
                        range: Range::Full,
                        data: &data,
                    };
                    let image = decode(&encode(&pixels, quality).unwrap()).unwrap();
                    assert_eq!((image.width, image.height), (width, height));
                    let error = error(layout, &image);
                    // In the smallest pictures most pixels share their chroma with one of the other half.
                    let tolerance = if width.min(height) < 16 { 60.0 } else { 6.0 };
                    assert!(
                        error < tolerance,
                        "{layout:?} {width}x{height} +{padding} q{quality}: off by {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn chroma_keeps_the_resolution_of_its_layout() {
    let sampling = |layout, quality| {
        let (stride, data) = raw(layout, 32, 32, 0, colour);
        let jpeg = encode(
            &Pixels {
                layout,
                width: 32,
                height: 32,
                stride,
                range: Range::Full,
                data: &data,
            },
            quality,
        )
        .unwrap();
        segments(&jpeg)
            .0
            .iter()
            .find(|it| it[1] == marker::SOF0)
            .unwrap()[11]
    };
    assert_eq!(sampling(Layout::Yuyv, 95), 0x21);
    assert_eq!(sampling(Layout::Nv12, 95), 0x22);
    assert_eq!(sampling(Layout::Rgb24, 89), 0x22);
    assert_eq!(sampling(Layout::Rgb24, 90), 0x11);
}

#[test]
fn a_buffer_that_is_too_short_is_refused_and_one_that_suffices_is_not() {
    for layout in LAYOUTS {
        let (stride, data) = raw(layout, 33, 7, 4, colour);
        let pixels = |data| Pixels {
            layout,
            width: 33,
            height: 7,
            stride,
            range: Range::Full,
            data,
        };
        assert!(encode(&pixels(&data), 80).is_ok());
        let short = encode(&pixels(&data[1..]), 80);
        assert_eq!(
            short,
            Err(CodecError::Buffer {
                found: data.len() - 1,
                needed: data.len()
            })
        );
    }
}

#[test]
fn a_stride_shorter_than_a_line_is_refused() {
    for layout in LAYOUTS {
        let stride = layout.stride(32) - 1;
        let data = vec![0; layout.len(32, 32, 0)];
        let refused = encode(
            &Pixels {
                layout,
                width: 32,
                height: 32,
                stride,
                range: Range::Full,
                data: &data,
            },
            80,
        );
        assert!(
            matches!(refused, Err(CodecError::Stride { .. })),
            "{layout:?}: {refused:?}"
        );
    }
}

#[test]
fn sizes_a_jpeg_cannot_have_are_refused() {
    for (width, height) in [
        (0, 1),
        (1, 0),
        (65536, 1),
        (1, u32::MAX),
        (65535, 65535),
        (u32::MAX, u32::MAX),
    ] {
        let pixels = Pixels {
            layout: Layout::I420,
            width,
            height,
            stride: usize::MAX,
            range: Range::Full,
            data: &[],
        };
        assert_eq!(encode(&pixels, 80), Err(CodecError::Size { width, height }));
    }
    assert_eq!(Layout::I420.len(u32::MAX, u32::MAX, usize::MAX), usize::MAX);
}

#[test]
fn what_is_encoded_holds_no_marker_inside_at_any_quality() {
    let picture = picture(40, 30);
    for quality in 0..=101 {
        let data = encode(&picture.pixels(), quality).unwrap();
        assert_eq!(markers(&data), [0, data.len() - 2], "quality {quality}");
        assert!(!admit(data.into(), Lenience::Strict).unwrap().mended.any());
    }
}

#[test]
fn grey_progressive_and_cmyk_pictures_come_out_as_rgb() {
    let mut cmyk = Vec::new();
    let ink = vec![0; 32 * 32 * 4];
    jpeg_encoder::Encoder::new(&mut cmyk, 90)
        .encode(&ink, 32, 32, jpeg_encoder::ColorType::Cmyk)
        .unwrap();
    let mut grey = Vec::new();
    jpeg_encoder::Encoder::new(&mut grey, 90)
        .encode(&[77; 1024], 32, 32, jpeg_encoder::ColorType::Luma)
        .unwrap();
    let progressive = special(32, 32, |it| it.set_progressive(true));
    for data in [&cmyk, &grey, &progressive] {
        assert_eq!(
            admit(data.clone().into(), Lenience::Strict).unwrap().data,
            data
        );
        assert_eq!(decode(data).unwrap().rgb.len(), 32 * 32 * 3);
    }
    assert!(
        decode(&grey)
            .unwrap()
            .rgb
            .iter()
            .all(|&value| value.abs_diff(77) < 2)
    );
    let plain = decode(&special(32, 32, |_| {})).unwrap();
    let apart = decode(&progressive)
        .unwrap()
        .rgb
        .iter()
        .zip(&plain.rgb)
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    assert!(apart < Some(3));
}

#[test]
fn a_picture_that_is_too_large_is_refused_before_it_is_decoded() {
    let data = with_frame(&jpeg(64, 48), |it| it[1..5].fill(0x7F));
    assert_eq!(
        decode(&data),
        Err(CodecError::Size {
            width: 0x7F7F,
            height: 0x7F7F
        })
    );
}

#[test]
fn what_is_no_jpeg_is_refused() {
    for data in [&b""[..], b"\xFF\xD8", b"GIF89a", &[0; 100]] {
        assert!(matches!(decode(data), Err(CodecError::Decode(_))));
    }
}
