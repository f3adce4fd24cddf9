//! MP4 files of JPEGs (ISO/IEC 14496-12 and -14), with everything that a player looks for in front of the pictures.
//!
//! The tables have an entry for each picture, so that whoever writes a file needs no table in memory: [`Movie::head`], the
//! durations where they differ, [`Movie::sizes_head`], the sizes, [`Movie::places_head`], the places, and
//! [`Movie::media_head`], each with its entries as big-endian numbers; then the pictures one after the other. All lengths
//! follow from the number of pictures.
//!
//! What doesn't belong here: reading, sound, which pictures there are.

/// How long pictures are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Each for its own time: an entry of eight bytes for each, [`Movie::time`].
    Each,
    /// All for so many units.
    Every(u32),
}

/// What a file says of its pictures.
#[derive(Clone, Copy, Debug)]
pub struct Movie {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Units of time in a second.
    pub timescale: u32,
    /// How many pictures there are.
    pub pictures: u32,
    /// How long they are shown together, in units.
    pub duration: u64,
    /// Bytes of all pictures.
    pub bytes: u64,
    /// How long each is shown.
    pub times: Times,
    /// When the first was taken, in seconds since 1970.
    pub taken: u64,
}

/// From 1904, from when MP4 counts, to 1970.
const SINCE_1904: u64 = 2_082_844_800;
/// The type of a box and its size.
const BOX: usize = 8;
/// The places of the pictures are 64-bit, one for each.
const PLACE: u64 = 8;
const UNITY: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

impl Movie {
    /// Everything before the durations.
    pub fn head(&self) -> Vec<u8> {
        let mut stts = match self.times {
            Times::Each => numbers(&[0, self.pictures]),
            Times::Every(units) => numbers(&[0, 1, self.pictures, units]),
        };
        // Its entries are written by whoever calls.
        stts = sized(b"stts", stts, self.times_len());
        // One picture in each chunk.
        let stsc = boxed(b"stsc", numbers(&[0, 1, 1, 1, 1]));
        let stbl = [self.stsd(), stsc, stts].concat();
        let stbl = sized(b"stbl", stbl, self.behind());
        let vmhd = boxed(b"vmhd", numbers(&[1, 0, 0]));
        let url = boxed(b"url ", numbers(&[1]));
        let dref = boxed(b"dref", [numbers(&[0, 1]), url].concat());
        let dinf = boxed(b"dinf", dref);
        let minf = sized(b"minf", [vmhd, dinf, stbl].concat(), self.behind());
        let hdlr = [&numbers(&[0, 0])[..], b"vide", &[0; 12], b"pictures\0"].concat();
        let hdlr = boxed(b"hdlr", hdlr);
        // In no language.
        let mdhd = boxed(b"mdhd", [self.times(), numbers(&[0x55C4_0000])].concat());
        let mdia = sized(b"mdia", [mdhd, hdlr, minf].concat(), self.behind());
        let trak = sized(b"trak", [self.tkhd(), mdia].concat(), self.behind());
        let moov = sized(b"moov", [self.mvhd(), trak].concat(), self.behind());
        let ftyp = [&b"isom"[..], &[0, 0, 2, 0], b"isomiso2mp41"].concat();
        [boxed(b"ftyp", ftyp), moov].concat()
    }

    /// Bytes of all durations.
    pub fn times_len(&self) -> u64 {
        match self.times {
            Times::Each => 8 * u64::from(self.pictures),
            Times::Every(_) => 0,
        }
    }

    /// How long one picture is shown, in units.
    pub fn time(units: u32) -> [u8; 8] {
        let mut entry = [0; 8];
        entry[..4].copy_from_slice(&1_u32.to_be_bytes());
        entry[4..].copy_from_slice(&units.to_be_bytes());
        entry
    }

    /// What stands before the sizes, which are four bytes each.
    pub fn sizes_head(&self) -> Vec<u8> {
        sized(b"stsz", numbers(&[0, 0, self.pictures]), self.sizes_len())
    }

    /// Bytes of all sizes.
    pub fn sizes_len(&self) -> u64 {
        4 * u64::from(self.pictures)
    }

    /// What stands before the places, which are eight bytes each, counted from the start of the file.
    pub fn places_head(&self) -> Vec<u8> {
        sized(b"co64", numbers(&[0, self.pictures]), self.places_len())
    }

    /// Bytes of all places.
    pub fn places_len(&self) -> u64 {
        PLACE * u64::from(self.pictures)
    }

    /// What stands before the pictures.
    pub fn media_head(&self) -> Vec<u8> {
        // A size of 1 says that it follows in eight bytes.
        let mut out = vec![0, 0, 0, 1];
        out.extend_from_slice(b"mdat");
        out.extend_from_slice(&(self.bytes + 16).to_be_bytes());
        out
    }

    /// Where the first picture begins.
    pub fn media_at(&self) -> u64 {
        let head = self.head().len() + self.media_head().len();
        head as u64 + self.behind()
    }

    /// Bytes of the tables behind [`head`](Self::head).
    fn behind(&self) -> u64 {
        let heads = (BOX + 12) + (BOX + 8);
        self.times_len() + heads as u64 + self.sizes_len() + self.places_len()
    }

    /// What the headers of the movie and the media begin with.
    fn times(&self) -> Vec<u8> {
        let taken = self.taken + SINCE_1904;
        [
            &numbers(&[0x0100_0000])[..],
            &taken.to_be_bytes(),
            &taken.to_be_bytes(),
            &self.timescale.to_be_bytes(),
            &self.duration.to_be_bytes(),
        ]
        .concat()
    }

    fn mvhd(&self) -> Vec<u8> {
        // Normal rate and volume.
        let tail = [
            &numbers(&[0x1_0000, 0x0100_0000, 0, 0])[..],
            &numbers(&UNITY),
            &[0; 24],
            &numbers(&[2]),
        ];
        boxed(b"mvhd", [self.times(), tail.concat()].concat())
    }

    fn tkhd(&self) -> Vec<u8> {
        let taken = self.taken + SINCE_1904;
        // Enabled, in the movie, in its preview.
        let body = [
            &numbers(&[0x0100_0007])[..],
            &taken.to_be_bytes(),
            &taken.to_be_bytes(),
            &numbers(&[1, 0]),
            &self.duration.to_be_bytes(),
            &[0; 16],
            &numbers(&UNITY),
            &numbers(&[self.width << 16, self.height << 16]),
        ];
        boxed(b"tkhd", body.concat())
    }

    /// That the pictures are JPEGs, as MPEG-4 says it (object type 0x6C).
    fn stsd(&self) -> Vec<u8> {
        let decoder = [&[0x6C, 0x11][..], &[0; 11]].concat();
        let stream = [&[0, 1, 0][..], &described(4, &decoder), &described(6, &[2])].concat();
        let esds = boxed(b"esds", [numbers(&[0]), described(3, &stream)].concat());
        let side = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX).to_be_bytes();
        let entry = [
            &[0, 0, 0, 0, 0, 0, 0, 1][..],
            &[0; 16],
            &side(self.width),
            &side(self.height),
            // 72 dots an inch, a picture in each sample, no name, 24 bits.
            &numbers(&[0x48_0000, 0x48_0000, 0]),
            &[0, 1],
            &[0; 32],
            &[0, 24, 0xFF, 0xFF],
            &esds,
        ];
        let entry = boxed(b"mp4v", entry.concat());
        boxed(b"stsd", [numbers(&[0, 1]), entry].concat())
    }
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|it| it.to_be_bytes()).collect()
}

fn boxed(kind: &[u8; 4], body: impl AsRef<[u8]>) -> Vec<u8> {
    sized(kind, body, 0)
}

/// A box of which so many bytes are still to come.
fn sized(kind: &[u8; 4], body: impl AsRef<[u8]>, more: u64) -> Vec<u8> {
    let body = body.as_ref();
    let size = (BOX + body.len()) as u64 + more;
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    [&size.to_be_bytes()[..], kind, body].concat()
}

/// An MPEG-4 descriptor.
fn described(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag, body.len() as u8][..], body].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(bytes: &[u8], at: usize) -> u64 {
        u32::from_be_bytes(*bytes[at..].first_chunk().unwrap()).into()
    }

    proptest! {
        #[test]
        fn pictures_begin_where_the_boxes_say(pictures in 1u32..100_000_000, each: bool, bytes in 0u64..1 << 50) {
            let movie = Movie {
                width: 640,
                height: 480,
                timescale: 10_000,
                pictures,
                duration: u64::from(pictures) * 400,
                bytes,
                times: if each { Times::Each } else { Times::Every(400) },
                taken: 1_700_000_000,
            };
            let head = movie.head();
            let ftyp = size(&head, 0);
            prop_assert_eq!(&head[ftyp as usize + 4..ftyp as usize + 8], b"moov");
            let moov = size(&head, ftyp as usize);
            prop_assert_eq!(movie.media_at(), ftyp + moov + movie.media_head().len() as u64);
            let tables = movie.sizes_head().len() + movie.places_head().len();
            let tables = tables as u64 + movie.times_len() + movie.sizes_len() + movie.places_len();
            prop_assert_eq!(head.len() as u64 + tables, ftyp + moov);
        }
    }
}
