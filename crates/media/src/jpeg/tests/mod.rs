mod admit;
mod codec;
mod properties;
mod raw;
mod resize;

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

/// The picture as the encoder makes it when told otherwise.
fn special(
    width: u16,
    height: u16,
    change: impl FnOnce(&mut jpeg_encoder::Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut data = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut data, 80);
    change(&mut encoder);
    let picture = picture(width.into(), height.into());
    encoder
        .encode(&picture.rgb, width, height, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    data
}

/// Where `FF D8` or `FF D9` stand.
fn markers(data: &[u8]) -> Vec<usize> {
    data.windows(2)
        .enumerate()
        .filter(|(_, pair)| matches!(pair, [0xFF, 0xD8 | 0xD9]))
        .map(|(at, _)| at)
        .collect()
}

/// The header's segments, marker included, and the rest from the first scan's data on.
fn segments(data: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
    let (mut found, mut at) = (Vec::new(), 2);
    loop {
        let end = at + 2 + usize::from(u16::from_be_bytes([data[at + 2], data[at + 3]]));
        found.push(data[at..end].to_vec());
        at = end;
        if found.last().unwrap()[1] == marker::SOS {
            return (found, &data[at..]);
        }
    }
}

/// Puts a JPEG together again.
fn assemble(segments: &[Vec<u8>], rest: &[u8]) -> Vec<u8> {
    [b"\xFF\xD8", segments.concat().as_slice(), rest].concat()
}

/// The JPEG without its segments of one kind.
fn without(data: &[u8], code: u8) -> Vec<u8> {
    let (mut segments, rest) = segments(data);
    segments.retain(|segment| segment[1] != code);
    assemble(&segments, rest)
}

/// The JPEG with a segment more, right behind its start.
fn with(data: &[u8], code: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
    [&data[..2], &[0xFF, code], &length, payload, &data[2..]].concat()
}

/// The JPEG with its frame header changed, given without the marker.
fn with_frame(data: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
    let (mut segments, rest) = segments(data);
    for segment in segments
        .iter_mut()
        .filter(|segment| segment[1] == marker::SOF0)
    {
        change(&mut segment[4..]);
    }
    assemble(&segments, rest)
}
