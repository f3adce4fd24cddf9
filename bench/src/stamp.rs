//! The birth of a frame, which travels inside of it.
//!
//! A comment segment right behind SOI: `BORN`, the frame's number and the nanoseconds since 1970, as 16 hexadecimal digits
//! each. The fake webcam writes the same one in C, the Flask peer in Python.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use memchr::memmem;

const TAG: &[u8] = b"BORN";
/// A server may put something of its own before the comment, but not much.
const SEARCHED: usize = 1024;

/// A picture with its birth in it.
pub(crate) fn stamped(jpeg: &[u8], number: u64, born: SystemTime) -> Vec<u8> {
    let mut frame = Vec::with_capacity(jpeg.len() + 40);
    frame.extend_from_slice(b"\xFF\xD8\xFF\xFE\x00\x26");
    let text = format!("BORN{number:016x}{:016x}", nanoseconds(born));
    frame.extend_from_slice(text.as_bytes());
    frame.extend_from_slice(jpeg.get(2..).unwrap_or_default());
    frame
}

/// Number and birth of a frame; `None` if it has none.
pub(crate) fn read(frame: &[u8]) -> Option<(u64, SystemTime)> {
    let head = &frame[..frame.len().min(SEARCHED)];
    let at = memmem::find(head, TAG)? + TAG.len();
    let digits = |from: usize| {
        let text = std::str::from_utf8(head.get(from..from + 16)?).ok()?;
        u64::from_str_radix(text, 16).ok()
    };
    Some((
        digits(at)?,
        UNIX_EPOCH + Duration::from_nanos(digits(at + 16)?),
    ))
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_is_read_as_it_was_written() {
        let born = UNIX_EPOCH + Duration::from_nanos(1_763_667_893_123_456_789);
        let frame = stamped(b"\xFF\xD8rest\xFF\xD9", 0xABC, born);
        assert_eq!(read(&frame), Some((0xABC, born)));
        assert!(frame.starts_with(b"\xFF\xD8\xFF\xFE\x00\x26BORN"));
        assert!(frame.ends_with(b"rest\xFF\xD9"));
    }

    #[test]
    fn what_was_never_stamped_has_no_birth() {
        assert_eq!(read(b"\xFF\xD8\xFF\xD9"), None);
        assert_eq!(read(b"\xFF\xD8\xFF\xFE\x00\x26BORN0123"), None);
        assert_eq!(read(b"BORN000000000000000x0000000000000000"), None);
    }
}
