//! The binary form beneath Matroska: elements of an identifier, a size and a body (RFC 8794).

/// Identifiers of the elements that are written or looked at (RFC 9559, section 5).
pub(super) mod id {
    pub(in super::super) const EBML: u32 = 0x1A45_DFA3;
    pub(in super::super) const EBML_VERSION: u32 = 0x4286;
    pub(in super::super) const EBML_READ_VERSION: u32 = 0x42F7;
    pub(in super::super) const EBML_MAX_ID_LENGTH: u32 = 0x42F2;
    pub(in super::super) const EBML_MAX_SIZE_LENGTH: u32 = 0x42F3;
    pub(in super::super) const DOC_TYPE: u32 = 0x4282;
    pub(in super::super) const DOC_TYPE_VERSION: u32 = 0x4287;
    pub(in super::super) const DOC_TYPE_READ_VERSION: u32 = 0x4285;
    pub(in super::super) const VOID: u32 = 0xEC;
    pub(in super::super) const SEGMENT: u32 = 0x1853_8067;
    pub(in super::super) const SEEK_HEAD: u32 = 0x114D_9B74;
    pub(in super::super) const SEEK: u32 = 0x4DBB;
    pub(in super::super) const SEEK_ID: u32 = 0x53AB;
    pub(in super::super) const SEEK_POSITION: u32 = 0x53AC;
    pub(in super::super) const INFO: u32 = 0x1549_A966;
    pub(in super::super) const SEGMENT_UUID: u32 = 0x73A4;
    pub(in super::super) const TIMESTAMP_SCALE: u32 = 0x002A_D7B1;
    pub(in super::super) const DURATION: u32 = 0x4489;
    pub(in super::super) const DATE_UTC: u32 = 0x4461;
    pub(in super::super) const TITLE: u32 = 0x7BA9;
    pub(in super::super) const MUXING_APP: u32 = 0x4D80;
    pub(in super::super) const WRITING_APP: u32 = 0x5741;
    pub(in super::super) const TRACKS: u32 = 0x1654_AE6B;
    pub(in super::super) const TRACK_ENTRY: u32 = 0xAE;
    pub(in super::super) const TRACK_NUMBER: u32 = 0xD7;
    pub(in super::super) const TRACK_UID: u32 = 0x73C5;
    pub(in super::super) const TRACK_TYPE: u32 = 0x83;
    pub(in super::super) const FLAG_LACING: u32 = 0x9C;
    pub(in super::super) const CODEC_ID: u32 = 0x86;
    pub(in super::super) const VIDEO: u32 = 0xE0;
    pub(in super::super) const PIXEL_WIDTH: u32 = 0xB0;
    pub(in super::super) const PIXEL_HEIGHT: u32 = 0xBA;
    pub(in super::super) const TAGS: u32 = 0x1254_C367;
    pub(in super::super) const TAG: u32 = 0x7373;
    pub(in super::super) const TARGETS: u32 = 0x63C0;
    pub(in super::super) const SIMPLE_TAG: u32 = 0x67C8;
    pub(in super::super) const TAG_NAME: u32 = 0x45A3;
    pub(in super::super) const TAG_STRING: u32 = 0x4487;
    pub(in super::super) const CLUSTER: u32 = 0x1F43_B675;
    pub(in super::super) const TIMESTAMP: u32 = 0xE7;
    pub(in super::super) const SIMPLE_BLOCK: u32 = 0xA3;
    pub(in super::super) const CUES: u32 = 0x1C53_BB6B;
    pub(in super::super) const CUE_POINT: u32 = 0xBB;
    pub(in super::super) const CUE_TIME: u32 = 0xB3;
    pub(in super::super) const CUE_TRACK_POSITIONS: u32 = 0xB7;
    pub(in super::super) const CUE_TRACK: u32 = 0xF7;
    pub(in super::super) const CUE_CLUSTER_POSITION: u32 = 0xF1;
    pub(in super::super) const CUE_RELATIVE_POSITION: u32 = 0xF0;
    pub(in super::super) const CHAPTERS: u32 = 0x1043_A770;
    pub(in super::super) const ATTACHMENTS: u32 = 0x1941_A469;
}

/// A size that nobody knows yet, in eight bytes, so that the true one fits in its place.
pub(super) const UNKNOWN: [u8; 8] = [1, 255, 255, 255, 255, 255, 255, 255];

/// The longest header of an element: an identifier of four bytes and a size of eight.
pub(super) const LONGEST_HEADER: usize = 12;

/// The largest number that a size of `width` bytes can say. All ones mean "unknown".
const fn most(width: usize) -> u64 {
    (1 << (7 * width)) - 2
}

/// A size in `width` bytes, which must hold it.
fn sized(size: u64, width: usize) -> [u8; 8] {
    let mut bytes = size.to_be_bytes();
    bytes[8 - width] |= 1 << (8 - width);
    bytes
}

/// Writes a size in the fewest bytes that are at least `least` of them.
pub(super) fn put_size(into: &mut Vec<u8>, size: u64, least: usize) {
    let width = (least..8).find(|width| size <= most(*width)).unwrap_or(8);
    into.extend_from_slice(&sized(size, width)[8 - width..]);
}

/// A size in eight bytes, to be written over [`UNKNOWN`].
pub(super) fn size_in_eight(size: u64) -> [u8; 8] {
    sized(size, 8)
}

/// Writes an identifier, which carries its own length.
pub(super) fn put_id(into: &mut Vec<u8>, id: u32) {
    let skip = id.leading_zeros() as usize / 8;
    into.extend_from_slice(&id.to_be_bytes()[skip..]);
}

/// Writes an element.
pub(super) fn put(into: &mut Vec<u8>, id: u32, body: &[u8]) {
    put_id(into, id);
    put_size(into, body.len() as u64, 1);
    into.extend_from_slice(body);
}

/// Writes a number in as few bytes as it needs.
pub(super) fn put_uint(into: &mut Vec<u8>, id: u32, value: u64) {
    let skip = (value.leading_zeros() as usize / 8).min(7);
    put(into, id, &value.to_be_bytes()[skip..]);
}

/// What stands before an element's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u32,
    /// Bytes of the header itself.
    pub(super) len: u64,
    /// Bytes of the body; `None` where the writer did not know.
    pub(super) size: Option<u64>,
}

/// Reads the header that `bytes` begin with; `None` if they are no header or break off in it.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let id_width = width(*bytes.first()?, 4)?;
    let id = number(bytes.get(..id_width)?);
    let rest = &bytes[id_width..];
    let size_width = width(*rest.first()?, 8)?;
    let size = number(rest.get(..size_width)?) & (u64::MAX >> (64 - 7 * size_width));
    Some(Header {
        id: u32::try_from(id).ok()?,
        len: (id_width + size_width) as u64,
        size: (size <= most(size_width)).then_some(size),
    })
}

/// Reads a number as block headers have it: with its width in front, as a size.
pub(super) fn vint(bytes: &[u8]) -> Option<(u64, usize)> {
    let width = width(*bytes.first()?, 8)?;
    let value = number(bytes.get(..width)?) & (u64::MAX >> (64 - 7 * width));
    Some((value, width))
}

fn width(first: u8, most: usize) -> Option<usize> {
    let width = first.leading_zeros() as usize + 1;
    (width <= most).then_some(width)
}

/// The number that up to eight bytes are, the highest first.
pub(super) fn number(bytes: &[u8]) -> u64 {
    let bytes = &bytes[bytes.len().saturating_sub(8)..];
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The elements of a body that is in memory, up to the first that breaks off.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a> {
    body: &'a [u8],
    at: usize,
}

/// One element of a body in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) id: u32,
    pub(super) body: &'a [u8],
    /// Where the element begins, counted from the start of the body that it is in.
    pub(super) at: usize,
    /// Header and body together.
    pub(super) len: usize,
}

pub(super) fn elements(body: &[u8]) -> Elements<'_> {
    Elements { body, at: 0 }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let rest = &self.body[self.at..];
        let header = header(rest)?;
        let start = usize::try_from(header.len).ok()?;
        let end = start.checked_add(usize::try_from(header.size?).ok()?)?;
        let element = Element {
            id: header.id,
            body: rest.get(start..end)?,
            at: self.at,
            len: end,
        };
        self.at += end;
        Some(element)
    }
}

impl Element<'_> {
    /// The body as a text; what is no UTF-8 in it is replaced.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8_lossy(self.body);
        text.trim_end_matches('\0').to_owned()
    }
}
