//! Our own streams, byte by byte.

/// The boundary of our streams.
pub const BOUNDARY: &str = "framecast";

/// The content type of our streams.
pub const CONTENT_TYPE: &str = "multipart/x-mixed-replace; boundary=framecast";

/// What goes between a JPEG and the headers of the next part.
pub const DELIMITER: &[u8] = b"\r\n--framecast\r\n";

/// What ends a stream, behind its last JPEG.
pub const CLOSE: &[u8] = b"\r\n--framecast--\r\n";

/// The longest line [`part_headers`] writes, in bytes without its line end. ffmpeg reads lines into 128 bytes.
pub const MAX_LINE: usize = 126;

/// What a stream begins with, before the headers of its first part.
#[must_use]
pub fn opening() -> &'static [u8] {
    &DELIMITER[2..]
}

/// The header block of a part that carries a JPEG, with the blank line that ends it.
///
/// `content_length` is the size of the JPEG in bytes, `None` where it isn't known yet. An extra header that would make
/// a line longer than [`MAX_LINE`] or that isn't printable ASCII is left out, since a part of a value is a wrong
/// value.
#[must_use]
pub fn part_headers(content_length: Option<usize>, extra: &[(&str, String)]) -> Vec<u8> {
    let mut block = b"Content-Type: image/jpeg\r\n".to_vec();
    let length = content_length.map(|length| ("Content-Length", length.to_string()));
    let extra = extra.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in length
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain(extra)
    {
        let clean = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if name.len() + 2 + value.len() <= MAX_LINE && clean(name) && clean(value) {
            block.extend_from_slice(name.as_bytes());
            block.extend_from_slice(b": ");
            block.extend_from_slice(value.as_bytes());
            block.extend_from_slice(b"\r\n");
        }
    }
    block.extend_from_slice(b"\r\n");
    block
}
