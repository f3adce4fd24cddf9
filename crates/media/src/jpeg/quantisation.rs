//! Quantisation tables (ITU-T T.81 §B.2.4.1).

use super::marker::{DQT, SOS, hides_marker};

/// Reads a DQT payload: one bit for each table it defines, `None` if it is malformed.
pub(super) fn read(mut payload: &[u8]) -> Option<u8> {
    let mut defined = 0;
    while let Some((&id, rest)) = payload.split_first() {
        let (precision, destination) = (id >> 4, id & 0x0F);
        if precision > 1 || destination > 3 {
            return None;
        }
        defined |= 1 << destination;
        payload = rest.get(if precision == 0 { 64 } else { 128 }..)?;
    }
    Some(defined)
}

/// Takes the markers out of a well-formed DQT payload.
///
/// At a low quality a step of 255 may be followed by one of 216 or 217, which reads as `FF D8` or `FF D9`. Such a 255
/// becomes 254, which nobody can see. Tables of 16 bit steps are left as they are: changing a high byte would show.
pub(super) fn soften(payload: &mut [u8]) {
    let mut at = 0;
    while let Some(&id) = payload.get(at) {
        let size = if id >> 4 == 0 { 64 } else { 128 };
        let steps = at + 1..(at + 1 + size).min(payload.len());
        if size == 64 {
            for step in steps.clone().skip(1) {
                if hides_marker(&payload[step - 1..=step]) {
                    payload[step - 1] = 0xFE;
                }
            }
        }
        at = steps.end;
    }
}

/// Softens all tables in the header of a JPEG that is known to be sound.
pub(super) fn soften_header(jpeg: &mut [u8]) {
    let mut at = 2;
    while let Some(&[0xFF, code, high, low]) = jpeg.get(at..at + 4)
        && code != SOS
    {
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        if code == DQT
            && let Some(payload) = jpeg.get_mut(at + 4..end)
        {
            soften(payload);
        }
        at = end;
    }
}
