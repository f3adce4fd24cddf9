//! The one thing of Exif that changes how a picture looks: its orientation (CIPA DC-008, tag 0x0112).

/// What an Exif APP1 payload starts with.
pub(super) const PREFIX: &[u8] = b"Exif\0\0";

const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;

/// The orientation (1 to 8) in a TIFF block, `None` if it has none or is malformed.
pub(super) fn orientation(tiff: &[u8]) -> Option<u8> {
    let big = match tiff.get(..2)? {
        b"MM" => true,
        b"II" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let pair = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        })
    };
    let quad = tiff.get(4..8)?.try_into().ok()?;
    let directory = if big {
        u32::from_be_bytes(quad)
    } else {
        u32::from_le_bytes(quad)
    };
    let directory = usize::try_from(directory).ok()?;
    if short(2)? != 42 {
        return None;
    }
    let entries = usize::from(short(directory)?);
    let entry = (0..entries)
        .map_while(|index| directory.checked_add(2 + 12 * index))
        .take_while(|&at| at < tiff.len())
        .find(|&at| short(at) == Some(ORIENTATION))?;
    let value = short(entry.checked_add(8)?)?;
    let known = short(entry + 2)? == SHORT && (1..=8).contains(&value);
    if known {
        u8::try_from(value).ok()
    } else {
        None
    }
}

/// The smallest TIFF block that carries an orientation.
pub(super) fn tiff(orientation: u8) -> [u8; 26] {
    let mut block = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    block[19] = orientation;
    block
}

/// The smallest Exif APP1 segment that carries an orientation, marker included.
pub(super) fn segment(orientation: u8) -> [u8; 36] {
    let mut segment = [0; 36];
    segment[..4].copy_from_slice(&[0xFF, super::marker::APP1, 0, 34]);
    segment[4..10].copy_from_slice(PREFIX);
    segment[10..].copy_from_slice(&tiff(orientation));
    segment
}
