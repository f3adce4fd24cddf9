use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memmem};

use super::edits::Edits;
use super::frame::Frame;
use super::huffman::Tables;
use super::marker::{self, InScan, hides_marker};
use super::{Defect, Mended, exif, quantisation};

/// How far into the data a JPEG may begin, in bytes.
pub const LEADING_GARBAGE: usize = 64 * 1024;

/// What to do with a picture that is sound up to a point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lenience {
    /// Turn it away.
    #[default]
    Strict,
    /// Let it pass if its header is sound and there is picture data, with an end marker added where it breaks off.
    Pass,
}

/// A JPEG that any viewer can be given.
///
/// Its first two bytes are the only `FF D8` in it and its last two the only `FF D9`; its header can be decoded; the
/// Huffman tables are there; there are no thumbnails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The JPEG, a slice of what came in wherever nothing had to be changed in the middle.
    pub data: Bytes,
    /// Pixels in a line.
    pub width: u16,
    /// Number of lines.
    pub height: u16,
    /// What was repaired.
    pub mended: Mended,
}

/// Checks a JPEG at the door, and mends what can be mended without decoding it.
///
/// Follows the segments as ITU-T T.81 annex B lays them out. Cut away: what precedes and follows the picture, Exif but
/// for an orientation, JFIF and JFXX thumbnails, MPF, and every application segment or comment that holds `FF D8` or
/// `FF D9`. Added: the Huffman tables of annex K where Motion JPEG leaves them out. Takes one pass and at most one
/// copy of the picture.
///
/// # Errors
///
/// The first [`Defect`] that is met. With [`Lenience::Pass`] only those before the end of the first scan's data.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a frame is handed in, and comes back admitted"
)]
pub fn admit(data: Bytes, lenience: Lenience) -> Result<Admitted, Defect> {
    let reach = data.len().min(LEADING_GARBAGE + 3);
    let start = memmem::find(&data[..reach], b"\xFF\xD8\xFF").ok_or(Defect::NoStart)?;
    let mut walk = Walk {
        data: &data,
        at: start + 2,
        lenience,
        frame: None,
        quantisation: 0,
        huffman: Tables::default(),
        oriented: false,
        scans: 0,
        edits: Edits::new(&data, start),
        mended: Mended::default(),
    };
    let end = walk.run()?;
    let Walk {
        frame,
        edits,
        mut mended,
        ..
    } = walk;
    let frame = frame.ok_or(Defect::NoFrame)?;
    let tail: &[u8] = if mended.end_added {
        &[0xFF, marker::EOI]
    } else {
        &[]
    };
    mended.trimmed = start > 0 || end < data.len();
    let data = match edits.finish(end, tail) {
        Ok(copy) => Bytes::from(copy),
        Err(range) => data.slice(range),
    };
    Ok(Admitted {
        data,
        width: frame.width,
        height: frame.height,
        mended,
    })
}

/// A segment's marker and where it lies.
struct Segment {
    marker: u8,
    /// From its first `FF` to behind its payload.
    whole: Range<usize>,
    payload: Range<usize>,
}

struct Walk<'a> {
    data: &'a [u8],
    at: usize,
    lenience: Lenience,
    frame: Option<Frame>,
    quantisation: u8,
    huffman: Tables,
    oriented: bool,
    scans: u32,
    edits: Edits<'a>,
    mended: Mended,
}

impl Walk<'_> {
    /// Walks to the end of the picture and returns where that is.
    fn run(&mut self) -> Result<usize, Defect> {
        loop {
            match self.step() {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => {}
                Err(_) if self.scans > 0 && self.lenience == Lenience::Pass => {
                    self.mended.end_added = true;
                    return Ok(self.at);
                }
                Err(defect) => return Err(defect),
            }
        }
    }

    /// Takes in one segment, and the picture data behind it if it opens a scan. Moves on only if it is sound.
    fn step(&mut self) -> Result<Option<usize>, Defect> {
        let segment = self.segment()?;
        let payload = &self.data[segment.payload.clone()];
        match segment.marker {
            marker::EOI if self.scans > 0 => return Ok(Some(segment.whole.end)),
            marker::EOI => return Err(Defect::NoScan),
            marker::SOS => return self.scan(&segment).map(|()| None),
            marker::DQT => self.quantisation(&segment)?,
            marker::DHT => {
                self.huffman
                    .add(Tables::read(payload).ok_or(Defect::Segment(marker::DHT))?);
                self.keep(&segment)?;
            }
            marker::DRI if payload.len() == 2 => self.keep(&segment)?,
            marker::DNL | marker::DAC => self.replace(&segment, &[]),
            marker::DHP | marker::EXP | marker::JPG => return Err(Defect::Process(segment.marker)),
            marker::SOF0..=marker::SOF15 if self.frame.is_none() => {
                self.frame = Some(Frame::read(segment.marker, payload)?);
                self.keep(&segment)?;
            }
            marker::APP0..=marker::APP15 | marker::COM => self.metadata(&segment),
            other => return Err(Defect::Segment(other)),
        }
        self.at = segment.whole.end;
        Ok(None)
    }

    /// The segment at `self.at`.
    fn segment(&self) -> Result<Segment, Defect> {
        let rest = &self.data[self.at..];
        let fill = rest.iter().take_while(|&&byte| byte == 0xFF).count();
        let code = *rest.get(fill).ok_or(Defect::Truncated)?;
        if fill == 0 {
            return Err(Defect::Segment(code));
        }
        let behind = self.at + fill + 1;
        if code == marker::EOI {
            return Ok(Segment {
                marker: code,
                whole: self.at..behind,
                payload: behind..behind,
            });
        }
        if code == marker::SOI {
            return Err(Defect::Truncated);
        }
        if !matches!(code, marker::SOF0..=marker::SOF15 | marker::SOS..=marker::APP15 | marker::COM)
        {
            return Err(Defect::Segment(code));
        }
        let length = self.data.get(behind..behind + 2).ok_or(Defect::Truncated)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        if length < 2 {
            return Err(Defect::Segment(code));
        }
        let end = behind + length;
        if end > self.data.len() {
            return Err(Defect::Truncated);
        }
        Ok(Segment {
            marker: code,
            whole: self.at..end,
            payload: behind + 2..end,
        })
    }

    fn keep(&self, segment: &Segment) -> Result<(), Defect> {
        if hides_marker(&self.data[segment.whole.clone()]) {
            return Err(Defect::HiddenMarker(segment.marker));
        }
        Ok(())
    }

    fn replace(&mut self, segment: &Segment, bytes: &[u8]) {
        self.edits.replace(segment.whole.clone(), bytes);
        self.mended.metadata_dropped = true;
    }

    /// Application segments and comments: thumbnails go, and whatever would mislead a reader that looks for markers.
    fn metadata(&mut self, segment: &Segment) {
        let whole = &self.data[segment.whole.clone()];
        let payload = &self.data[segment.payload.clone()];
        match segment.marker {
            marker::APP1 if payload.starts_with(exif::PREFIX) => {
                let found = exif::orientation(&payload[exif::PREFIX.len()..]);
                match found.filter(|&found| found != 1 && !self.oriented) {
                    Some(found) => {
                        self.oriented = true;
                        let small = exif::segment(found);
                        if whole != small {
                            self.replace(segment, &small);
                        }
                    }
                    None => self.replace(segment, &[]),
                }
            }
            marker::APP0 if payload.starts_with(b"JFXX\0") => self.replace(segment, &[]),
            marker::APP2 if payload.starts_with(b"MPF\0") => self.replace(segment, &[]),
            _ if hides_marker(whole) => self.replace(segment, &[]),
            marker::APP0 if payload.starts_with(b"JFIF\0") && payload.len() > 14 => {
                let mut plain = [0; 18];
                plain[..4].copy_from_slice(&[0xFF, marker::APP0, 0, 16]);
                plain[4..16].copy_from_slice(&payload[..12]);
                self.replace(segment, &plain);
            }
            _ => {}
        }
    }

    fn quantisation(&mut self, segment: &Segment) -> Result<(), Defect> {
        let malformed = Defect::Segment(marker::DQT);
        self.quantisation |=
            quantisation::read(&self.data[segment.payload.clone()]).ok_or(malformed)?;
        let whole = &self.data[segment.whole.clone()];
        if hides_marker(whole) {
            let mut softened = whole.to_vec();
            quantisation::soften(&mut softened[segment.payload.start - segment.whole.start..]);
            if hides_marker(&softened) {
                return Err(Defect::HiddenMarker(marker::DQT));
            }
            self.edits.replace(segment.whole.clone(), &softened);
            self.mended.table_softened = true;
        }
        Ok(())
    }

    /// A scan: its header (ITU-T T.81 §B.2.3), the tables it needs and its entropy-coded data.
    fn scan(&mut self, segment: &Segment) -> Result<(), Defect> {
        let frame = self.frame.ok_or(Defect::NoFrame)?;
        let needs = frame.scan(&self.data[segment.payload.clone()])?;
        self.keep(segment)?;
        if needs.quantisation & !self.quantisation != 0 {
            return Err(Defect::NoQuantisation);
        }
        let missing = needs.huffman.missing(self.huffman);
        let tables = if missing.is_empty() {
            Vec::new()
        } else if frame.progressive() {
            return Err(Defect::NoHuffman);
        } else {
            missing.standard().ok_or(Defect::NoHuffman)?
        };
        let end = self.entropy_coded(segment.whole.end)?;
        if end == segment.whole.end {
            return Err(Defect::NoScan);
        }
        if !missing.is_empty() {
            self.edits
                .replace(segment.whole.start..segment.whole.start, &tables);
            self.huffman.add(missing);
            self.mended.tables_added = true;
        }
        self.scans += 1;
        self.at = end;
        Ok(())
    }

    /// Where the entropy-coded data that begins at `begin` ends: at a marker, or where everything ends.
    fn entropy_coded(&self, begin: usize) -> Result<usize, Defect> {
        let mut at = begin;
        while let Some(next) = memchr(0xFF, &self.data[at..]) {
            at += next;
            let Some(&code) = self.data.get(at + 1) else {
                return Ok(at);
            };
            match marker::in_scan(code) {
                InScan::Data => at += 2,
                InScan::Fill => at += 1,
                InScan::End | InScan::Start | InScan::Segment => return Ok(at),
                InScan::Damage if self.lenience == Lenience::Pass => at += 2,
                InScan::Damage => return Err(Defect::Damaged),
            }
        }
        // A capture buffer that was not filled ends in zeros.
        let data = &self.data[begin..];
        Ok(begin
            + data
                .iter()
                .rposition(|&byte| byte != 0)
                .map_or(0, |last| last + 1))
    }
}
