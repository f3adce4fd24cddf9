use bytes::Bytes;

use super::*;

/// A picture with edges and colours, different at each pixel.
fn picture(width: u32, height: u32) -> Image {
    let rgb = (0..height)
        .flat_map(|y| {
            (0..width).flat_map(move |x| [x * 255 / width, y * 255 / height, (x ^ y) * 4 % 256])
        })
        .map(|value| u8::try_from(value).unwrap())
        .collect();
    Image { width, height, rgb }
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encode(&picture(width, height).pixels(), 80).unwrap()
}

fn markers(data: &[u8]) -> Vec<usize> {
    data.windows(2)
        .enumerate()
        .filter(|(_, pair)| matches!(pair, [0xFF, 0xD8 | 0xD9]))
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn a_sound_jpeg_is_admitted_without_a_copy() {
    let data = Bytes::from(jpeg(64, 48));
    let admitted = admit(data.clone(), Lenience::Strict).unwrap();
    assert_eq!(admitted.data, data);
    assert_eq!(admitted.data.as_ptr(), data.as_ptr());
    assert_eq!((admitted.width, admitted.height), (64, 48));
    assert!(!admitted.mended.any());
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
