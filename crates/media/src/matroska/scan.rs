//! Reading: from block to block, without the pictures.

use std::{io, ops::Range};

use thiserror::Error;

use super::{
    Cue, Head, TICK,
    ebml::{self, LONGEST_HEADER, elements, id},
    head::Slots,
};

/// How much of a file is taken into memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the largest element of the head.
    pub head: u64,
    /// Bytes of the largest table of cues: a frame takes about 25.
    pub cues: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 1 << 20,
            cues: 64 << 20,
        }
    }
}

/// The bytes are no Matroska file, or its head breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is no Matroska file, or one that breaks off before its first picture")]
pub struct NotMatroska;

impl From<NotMatroska> for io::Error {
    fn from(error: NotMatroska) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// A frame in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// When and where it is.
    pub cue: Cue,
    /// Whether it can be decoded without the frames before it.
    pub key: bool,
    /// Where its own bytes are.
    pub data: Range<u64>,
}

/// Goes through a file that is `len` bytes long, from block to block. `read` fills a buffer from an offset on and says how
/// many bytes it got.
///
/// Whatever the bytes are, it comes to an end: each step leads further into the file, and what breaks off or makes no
/// sense is taken for the end.
#[derive(Debug)]
pub struct Scanner<R> {
    read: R,
    len: u64,
    head: Head,
    slots: Slots,
    /// Where the cues are, as the table of contents says.
    cues: Option<u64>,
    /// Whether the file says how long it is.
    complete: bool,
    /// What comes next.
    at: u64,
    cluster: Option<Cluster>,
    /// Behind the last whole block.
    end: u64,
}

#[derive(Clone, Copy, Debug)]
struct Cluster {
    at: u64,
    time: Option<u64>,
    /// Where it ends; `None` where its writer did not get to say so.
    end: Option<u64>,
}

/// Enough for a cluster's header and time and a block's header in one read.
const PEEK: usize = 64;

impl<R> Scanner<R> {
    /// What the file says of itself.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Behind the last whole block so far: once [`next`](Self::next) has found no more, what follows is no frame.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Whether the file was completed: its writer came to its end, or what broke off was mended.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn slots(&self) -> Slots {
        self.slots
    }
}

impl<R: FnMut(u64, &mut [u8]) -> io::Result<usize>> Scanner<R> {
    /// Reads a file's head.
    ///
    /// # Errors
    /// What `read` says, or `InvalidData` with [`NotMatroska`].
    pub fn open(read: R, len: u64, limits: Limits) -> io::Result<Self> {
        let mut scanner = Self {
            read,
            len,
            head: Head::default(),
            slots: Slots::default(),
            cues: None,
            complete: false,
            at: 0,
            cluster: None,
            end: 0,
        };
        let (ebml, _) = scanner.header()?.ok_or(NotMatroska)?;
        let size = ebml.size.filter(|size| *size <= limits.head);
        if ebml.id != id::EBML {
            return Err(NotMatroska.into());
        }
        let body = scanner.body(ebml.len, size.ok_or(NotMatroska)?)?;
        let doc_type = elements(&body).find(|element| element.id == id::DOC_TYPE);
        if doc_type.is_none_or(|it| !matches!(it.text().as_str(), "matroska" | "webm")) {
            return Err(NotMatroska.into());
        }
        scanner.at += ebml.len + body.len() as u64;
        let (segment, _) = scanner.header()?.ok_or(NotMatroska)?;
        // Only a size of eight bytes can be written over; other writers' files are read all the same.
        if segment.id != id::SEGMENT {
            return Err(NotMatroska.into());
        }
        scanner.complete = segment.size.is_some();
        scanner.at += segment.len;
        scanner.slots.body = scanner.at;
        scanner.read_head(limits)?;
        scanner.end = scanner.at;
        Ok(scanner)
    }

    /// Takes in what stands before the first cluster.
    fn read_head(&mut self, limits: Limits) -> io::Result<()> {
        let mut scale = 1_000_000;
        while let Some((header, _)) = self.header()? {
            if header.id == id::CLUSTER {
                break;
            }
            // What breaks off here leaves a file without pictures.
            let Some(size) = header.size else { break };
            let Some(next) = self.within(self.at + header.len, size) else {
                break;
            };
            if matches!(header.id, id::INFO | id::SEEK_HEAD | id::TRACKS | id::TAGS) {
                if size > limits.head {
                    return Err(NotMatroska.into());
                }
                let body = self.body(header.len, size)?;
                let at = self.at + header.len;
                match header.id {
                    id::INFO => {
                        let said = self.head.read_info(&body, at, &mut self.slots);
                        scale = said.unwrap_or(scale);
                    }
                    id::SEEK_HEAD => {
                        self.cues = Head::read_contents(&body, at, &mut self.slots)
                            .and_then(|position| self.slots.body.checked_add(position));
                    }
                    id::TRACKS => self.head.read_tracks(&body),
                    _ => self.head.read_tags(&body),
                }
            }
            self.at = next;
        }
        // Times are handed on in ticks.
        if u128::from(scale) != TICK.as_nanos() || self.head.tracks.is_empty() {
            return Err(NotMatroska.into());
        }
        Ok(())
    }

    /// The next whole block.
    ///
    /// # Errors
    /// What `read` says.
    #[allow(clippy::should_implement_trait, reason = "the end may fail too")]
    pub fn next(&mut self) -> io::Result<Option<Block>> {
        while let Some((header, peek)) = self.header()? {
            if let Some(cluster) = self.cluster {
                let over = match cluster.end {
                    Some(end) => self.at >= end,
                    None => top_level(header.id),
                };
                if over {
                    self.cluster = None;
                }
            }
            let body = self.at + header.len;
            let Some(cluster) = &mut self.cluster else {
                if header.id == id::CLUSTER {
                    self.cluster = Some(Cluster {
                        at: self.at,
                        time: None,
                        end: header.size.and_then(|size| body.checked_add(size)),
                    });
                    self.at = body;
                    continue;
                }
                // Anything else may stand between clusters; the cues do not end the file where it was written on.
                match header.size.and_then(|size| self.within(body, size)) {
                    Some(next) if top_level(header.id) || header.id == id::VOID => self.at = next,
                    _ => return Ok(None),
                }
                continue;
            };
            let (inside, time, at_cluster) = (cluster.end, cluster.time, cluster.at);
            let next = header.size.and_then(|size| self.within(body, size));
            let Some(next) = next.filter(|next| inside.is_none_or(|end| *next <= end)) else {
                return Ok(None);
            };
            let start = &peek[usize::try_from(header.len).unwrap_or(PEEK).min(peek.len())..];
            match header.id {
                id::TIMESTAMP => {
                    let time = start.get(..(next - body).min(8) as usize).map(ebml::number);
                    if let Some(cluster) = &mut self.cluster {
                        cluster.time = time;
                    }
                }
                id::SIMPLE_BLOCK => {
                    let Some(time) = time else { return Ok(None) };
                    let Some(block) = block(start, self.at, body..next, time, at_cluster) else {
                        return Ok(None);
                    };
                    self.at = next;
                    self.end = next;
                    return Ok(Some(block));
                }
                _ => {}
            }
            self.at = next;
        }
        Ok(None)
    }

    /// All frames that the file's own table names, in order, and the offset of that table, which no frame reaches; `None` where there is none, or none that makes sense. What it
    /// says is a claim: [`Block::read`] checks it.
    ///
    /// # Errors
    /// What `read` says.
    pub fn cues(&mut self, limits: Limits) -> io::Result<Option<(Vec<Cue>, u64)>> {
        let Some(at) = self.cues.filter(|at| *at < self.len) else {
            return Ok(None);
        };
        let before = std::mem::replace(&mut self.at, at);
        let header = self.header()?;
        let size = header
            .filter(|(header, _)| header.id == id::CUES)
            .and_then(|(header, _)| Some((header.len, header.size?)))
            .filter(|(len, size)| *size <= limits.cues && self.within(at + len, *size).is_some());
        let body = size.map(|(len, size)| self.body(len, size));
        self.at = before;
        Ok(body
            .transpose()?
            .map(|body| (cues(&body, self.slots.body), at)))
    }

    /// The header of the element that comes next, and the first bytes of the element; `None` at the end of what can be
    /// read.
    fn header(&mut self) -> io::Result<Option<(ebml::Header, [u8; PEEK])>> {
        let mut peek = [0; PEEK];
        let room = usize::try_from(self.len.saturating_sub(self.at)).unwrap_or(PEEK);
        let want = &mut peek[..room.min(PEEK)];
        let got = fill(&mut self.read, self.at, want)?;
        Ok(ebml::header(&peek[..got]).map(|header| (header, peek)))
    }

    /// The body of the element that comes next.
    fn body(&mut self, header: u64, size: u64) -> io::Result<Vec<u8>> {
        if self.within(self.at + header, size).is_none() {
            return Err(NotMatroska.into());
        }
        let mut body = vec![0; usize::try_from(size).map_err(|_| NotMatroska)?];
        let got = fill(&mut self.read, self.at + header, &mut body)?;
        if got < body.len() {
            return Err(NotMatroska.into());
        }
        Ok(body)
    }

    /// Where an element that begins at `body` ends, if that is in the file.
    fn within(&self, body: u64, size: u64) -> Option<u64> {
        body.checked_add(size).filter(|end| *end <= self.len)
    }
}

impl Block {
    /// Where the frame's own bytes are in a block that `bytes` begin with, if `bytes` are what the cue says.
    pub fn read(cue: &Cue, bytes: &[u8]) -> Option<Range<usize>> {
        let header = ebml::header(bytes).filter(|header| header.id == id::SIMPLE_BLOCK)?;
        let start = usize::try_from(header.len).ok()?;
        let end = start.checked_add(usize::try_from(header.size?).ok()?)?;
        let (track, width) = ebml::vint(bytes.get(start..end)?)?;
        let data = start + width + 3;
        (track == u64::from(cue.track) && data <= end).then_some(data..end)
    }
}

/// What stands in front of a block's frame: track, time and flags.
fn block(start: &[u8], at: u64, body: Range<u64>, time: u64, cluster: u64) -> Option<Block> {
    let (track, width) = ebml::vint(start)?;
    let [high, low, flags] = *start.get(width..width + 3)?.first_chunk::<3>()?;
    let relative = i16::from_be_bytes([high, low]);
    let data = body.start + width as u64 + 3..body.end;
    // Several frames in one block are not written here.
    if flags & 0x06 != 0 || data.start > data.end {
        return None;
    }
    Some(Block {
        cue: Cue {
            time: time.checked_add_signed(relative.into())?,
            track: u8::try_from(track).ok()?,
            at,
            cluster,
        },
        key: flags & 0x80 != 0,
        data,
    })
}

/// Whether an element ends a cluster that does not say where it ends.
fn top_level(id: u32) -> bool {
    matches!(
        id,
        id::CLUSTER
            | id::CUES
            | id::TAGS
            | id::INFO
            | id::TRACKS
            | id::SEEK_HEAD
            | id::CHAPTERS
            | id::ATTACHMENTS
    )
}

/// The frames that the body of a `Cues` element names, with positions counted from `segment`.
fn cues(body: &[u8], segment: u64) -> Vec<Cue> {
    let points = elements(body).filter(|point| point.id == id::CUE_POINT);
    points
        .filter_map(|point| {
            let inside = |wanted| elements(point.body).find(|it| it.id == wanted);
            let positions = inside(id::CUE_TRACK_POSITIONS)?.body;
            let position = |wanted| {
                let found = elements(positions).find(|it| it.id == wanted);
                found.map(|it| ebml::number(it.body))
            };
            let cluster = segment.checked_add(position(id::CUE_CLUSTER_POSITION)?)?;
            let relative = position(id::CUE_RELATIVE_POSITION)?;
            Some(Cue {
                time: ebml::number(inside(id::CUE_TIME)?.body),
                track: u8::try_from(position(id::CUE_TRACK)?).ok()?,
                at: cluster
                    .checked_add(LONGEST_HEADER as u64)?
                    .checked_add(relative)?,
                cluster,
            })
        })
        .collect()
}

/// Reads until the buffer is full or there is no more.
fn fill(
    read: &mut impl FnMut(u64, &mut [u8]) -> io::Result<usize>,
    at: u64,
    into: &mut [u8],
) -> io::Result<usize> {
    let mut got = 0;
    while got < into.len() {
        match read(at + got as u64, &mut into[got..]) {
            Ok(0) => break,
            // A reader that claims more than there was room for is not believed.
            Ok(count) => got = (got + count).min(into.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
