//! ZIP archives of stored files, whose length is known before any of the files is read (APPNOTE 6.3).
//!
//! An archive is, for each file, a [`local`] header and its bytes; then for each file a [`central`] header; then the [`end`].
//! All of it can be written in one go, with nothing to go back to. Numbers that 32 bits can't say are written as ZIP64 has
//! them. Files are below 4 GiB.
//!
//! What doesn't belong here: compression (JPEGs don't get smaller), reading, which files there are.

/// A file of an archive.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its name: plain ASCII.
    pub name: &'a str,
    /// When it was changed last: years since 1980, month, day, hour, minute, second.
    pub changed: [u8; 6],
    /// The [checksum](crc) of its bytes.
    pub crc: u32,
    /// Its bytes.
    pub len: u32,
}

/// What 32 bits say of a number that stands elsewhere.
const ELSEWHERE: u32 = u32::MAX;
/// Made by a Unix system, readable by version 4.5 (ZIP64).
const VERSION: u16 = 45;

/// The checksum of a file's bytes.
pub fn crc(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// Bytes of a local header.
pub const fn local_len(name: usize) -> u64 {
    30 + name as u64
}

/// What stands before a file's bytes.
pub fn local(entry: &Entry<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(30 + entry.name.len());
    out.extend_from_slice(b"PK\x03\x04");
    common(&mut out, entry, 0);
    out.extend_from_slice(entry.name.as_bytes());
    out
}

/// Bytes of a file's header in the directory, when its local header is at `at`.
pub const fn central_len(name: usize, at: u64) -> u64 {
    let extra = if is_small(at) { 0 } else { 12 };
    46 + name as u64 + extra
}

/// Whether 32 bits can say it.
pub const fn is_small(at: u64) -> bool {
    at < ELSEWHERE as u64
}

/// A file's header in the directory; `at` is where its local header is.
pub fn central(entry: &Entry<'_>, at: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(58 + entry.name.len());
    out.extend_from_slice(b"PK\x01\x02");
    put(&mut out, &(3 << 8 | VERSION).to_le_bytes());
    let small = u32::try_from(at).ok().filter(|at| *at != ELSEWHERE);
    common(&mut out, entry, if small.is_some() { 0 } else { 12 });
    // Comment, disk, internal attributes; then a plain file with the usual rights.
    put(&mut out, &[0; 6]);
    put(&mut out, &(0o100_644_u32 << 16).to_le_bytes());
    put(&mut out, &small.unwrap_or(ELSEWHERE).to_le_bytes());
    put(&mut out, entry.name.as_bytes());
    if small.is_none() {
        put(&mut out, &[1, 0, 8, 0]);
        put(&mut out, &at.to_le_bytes());
    }
    out
}

/// What both headers of a file have in common.
fn common(out: &mut Vec<u8>, entry: &Entry<'_>, extra: u16) {
    let [year, month, day, hour, minute, second] = entry.changed.map(u16::from);
    put(out, &VERSION.to_le_bytes());
    // No flags, stored.
    put(out, &[0; 4]);
    put(
        out,
        &(hour << 11 | minute << 5 | (second / 2)).to_le_bytes(),
    );
    put(out, &(year << 9 | month << 5 | day).to_le_bytes());
    put(out, &entry.crc.to_le_bytes());
    put(out, &entry.len.to_le_bytes());
    put(out, &entry.len.to_le_bytes());
    put(out, &(entry.name.len() as u16).to_le_bytes());
    put(out, &extra.to_le_bytes());
}

/// The end of an archive of so many files, whose directory begins at `at` and has `len` bytes.
pub fn end(files: u64, at: u64, len: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(98);
    let count = u16::try_from(files).ok().filter(|count| *count != u16::MAX);
    if count.is_none() || !is_small(at) || !is_small(len) {
        out.extend_from_slice(b"PK\x06\x06");
        put(&mut out, &44_u64.to_le_bytes());
        put(&mut out, &(3 << 8 | VERSION).to_le_bytes());
        put(&mut out, &VERSION.to_le_bytes());
        put(&mut out, &[0; 8]);
        for number in [files, files, len, at] {
            put(&mut out, &number.to_le_bytes());
        }
        out.extend_from_slice(b"PK\x06\x07\0\0\0\0");
        put(&mut out, &at.saturating_add(len).to_le_bytes());
        put(&mut out, &1_u32.to_le_bytes());
    }
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    let count = count.unwrap_or(u16::MAX).to_le_bytes();
    put(&mut out, &count);
    put(&mut out, &count);
    for number in [len, at] {
        let number = u32::try_from(number).unwrap_or(ELSEWHERE);
        put(&mut out, &number.to_le_bytes());
    }
    put(&mut out, &[0; 2]);
    out
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn headers_are_as_long_as_was_said(name in "[a-z]{1,40}", at: u64, len: u32, files: u64) {
            for at in [at, at % (1 << 33), u64::from(u32::MAX)] {
                let entry = Entry { name: &name, changed: [46, 11, 20, 12, 0, 0], crc: 7, len };
                prop_assert_eq!(local(&entry).len() as u64, local_len(name.len()));
                prop_assert_eq!(central(&entry, at).len() as u64, central_len(name.len(), at));
                prop_assert!([22, 98].contains(&end(files, at, u64::from(len)).len()));
            }
        }
    }
}
