//! Which pictures are exported, and what is known of them without reading them.

use std::{
    hash::{Hash, Hasher},
    ops::Range,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use framecast_camera::Size;
use framecast_media::matroska;

use super::Error;
use crate::recordings::{self, Contents, Recordings, Segment};

/// Where recordings are read.
#[derive(Clone, Debug)]
pub enum Archive {
    /// In a store of this process.
    Store(Recordings),
    /// In a folder, whoever writes to it.
    Folder(PathBuf),
}

/// What is to be exported.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The camera.
    pub camera: String,
    /// The time, by the wall clock; its end is not in it.
    pub time: Range<SystemTime>,
    /// One picture of each such time only, counted from the start.
    pub every: Option<Duration>,
}

/// Segments of one export; more than two months of files of a minute.
const MOST_SEGMENTS: usize = 100_000;
/// Pictures of one export: the tables of a video stay below 4 GiB.
const MOST_PICTURES: u64 = 100_000_000;
/// The longest that a picture of a video is shown, in ticks: 59 hours. Players read more as a negative number.
const LONGEST: u64 = i32::MAX as u64;

/// The pictures of a time, in the order in which they were recorded, as they were when the selection was made.
#[derive(Clone, Debug)]
pub struct Selection {
    archive: Archive,
    wish: Wish,
    parts: Vec<Part>,
    pictures: u64,
    bytes: u64,
    is_closed: bool,
}

/// What of a segment is selected.
#[derive(Clone, Debug)]
pub(super) struct Part {
    segment: Segment,
    /// The pictures that are in the time.
    within: Range<usize>,
    /// The slot of the picture before, where only one of each is taken.
    slot: Option<u128>,
    /// The number of its first picture in the selection.
    number: u64,
    /// The tick in the selection and in the segment of its first picture.
    shift: (u64, u64),
    pub(super) pictures: u64,
    pub(super) bytes: u64,
}

/// A picture of a selection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Its number in the selection, from 0.
    pub(super) number: u64,
    /// When it was taken, in ticks since the first.
    pub(super) time: u64,
    /// When it was taken, by the wall clock.
    pub(super) at: SystemTime,
    pub(super) len: u64,
    index: usize,
}

impl Archive {
    fn segments(&self, wish: &Wish) -> Result<Vec<Segment>, recordings::Error> {
        let most = MOST_SEGMENTS + 1;
        match self {
            Self::Store(recordings) => {
                let mut listing = recordings.segments(&wish.camera, wish.time.clone())?;
                let mut segments = Vec::new();
                while let Some(segment) = listing.next()?
                    && segments.len() < most
                {
                    segments.push(segment);
                }
                Ok(segments)
            }
            Self::Folder(root) => recordings::segments(root, &wish.camera, wish.time.clone(), most),
        }
    }

    fn contents(&self, segment: &Segment) -> Result<Option<Contents>, recordings::Error> {
        match self {
            Self::Store(recordings) => Contents::in_store(recordings, segment),
            Self::Folder(root) => Contents::in_folder(root, segment),
        }
    }
}

impl Selection {
    /// What there is of a wish by now. Reads the table of each segment.
    ///
    /// # Errors
    /// If there is nothing or too much, or the recordings can't be read.
    pub fn new(archive: Archive, wish: Wish) -> Result<Self, Error> {
        let segments = archive.segments(&wish)?;
        if segments.len() > MOST_SEGMENTS {
            return Err(Error::TooMuch("more than 100000 files of recordings"));
        }
        let end = wish.time.end;
        let mut selection = Self {
            archive,
            parts: Vec::new(),
            pictures: 0,
            bytes: 0,
            is_closed: false,
            wish,
        };
        let (mut slot, mut last) = (None, None);
        for segment in segments {
            let Some(contents) = selection.archive.contents(&segment)? else {
                continue;
            };
            let time = &selection.wish.time;
            let within = contents.at(time.start)..contents.at(time.end);
            selection.is_closed |= within.end < contents.len() || segment.start >= end;
            let mut part = Part {
                segment,
                within,
                slot,
                number: selection.pictures,
                shift: (0, 0),
                pictures: 0,
                bytes: 0,
            };
            let (mut first, mut taken) = (None, None);
            let (mut pictures, mut bytes) = (0, 0);
            for entry in selection.entries(&part, &contents) {
                pictures += 1;
                bytes += entry.len;
                first.get_or_insert(entry);
                taken = Some(entry);
            }
            (part.pictures, part.bytes) = (pictures, bytes);
            let Some((first, taken)) = first.zip(taken) else {
                continue;
            };
            // Without a shift an entry's time is that in its segment.
            part.shift = (selection.place(first.at, last), first.time);
            last = Some(part.shift.0 + (taken.time - first.time));
            slot = selection.slot(taken.at);
            selection.pictures += part.pictures;
            selection.bytes += part.bytes;
            selection.parts.push(part);
        }
        match selection.pictures {
            0 => Err(Error::Nothing(selection.wish.camera)),
            1..MOST_PICTURES => Ok(selection),
            _ => Err(Error::TooMuch("more than 100 million pictures")),
        }
    }

    /// Whether a camera that goes on recording adds nothing to it.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// When its first picture was taken.
    pub fn start(&self) -> SystemTime {
        let first = self.parts.first();
        first.map_or(UNIX_EPOCH, |part| part.at(part.shift.1))
    }

    pub(super) fn pictures(&self) -> u64 {
        self.pictures
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Width and height of the first picture.
    pub(super) fn size(&self) -> Size {
        let first = self.parts.first();
        first.map_or(Size::new(0, 0), |part| part.segment.size)
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The tick at which the last picture begins.
    pub(super) fn last(&self) -> Result<u64, Error> {
        let Some(part) = self.parts.last() else {
            return Ok(0);
        };
        let contents = self.open(part)?;
        let last = self.entries(part, &contents).last();
        Ok(last.map_or(part.shift.0, |entry| entry.time))
    }

    /// All that makes it this selection and no other.
    pub(super) fn mark(&self, hash: &mut impl Hasher) {
        (self.pictures, self.bytes, self.wish.every).hash(hash);
        self.wish.time.start.hash(hash);
        for part in &self.parts {
            (part.segment.id, &part.segment.path, &part.within).hash(hash);
            (part.segment.monotonic, part.bytes).hash(hash);
        }
    }

    /// The segment of a part.
    pub(super) fn open(&self, part: &Part) -> Result<Contents, Error> {
        let changed = || Error::Changed(format!("{} is gone", part.segment.path));
        match self.archive.contents(&part.segment) {
            Ok(Some(contents)) if contents.len() >= part.within.end => Ok(contents),
            Ok(_) => Err(changed()),
            Err(error) if error.is_missing() => Err(changed()),
            Err(error) => Err(error.into()),
        }
    }

    /// The pictures of a part.
    pub(super) fn entries(&self, part: &Part, contents: &Contents) -> impl Iterator<Item = Entry> {
        let (mut slot, mut number) = (part.slot, part.number);
        part.within.clone().filter_map(move |index| {
            let (time, len) = contents.picture(index)?;
            let at = part.at(time);
            if self.wish.every.is_some() {
                let new = self.slot(at);
                if new == slot {
                    return None;
                }
                slot = new;
            }
            number += 1;
            Some(Entry {
                number: number - 1,
                time: part.shift.0 + (time - part.shift.1),
                at,
                len,
                index,
            })
        })
    }

    /// Does something with each picture of a part.
    pub(super) fn each(
        &self,
        part: &Part,
        mut work: impl FnMut(&Entry) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let contents = self.open(part)?;
        self.entries(part, &contents).try_for_each(|it| work(&it))
    }

    /// The slot that a time is in.
    fn slot(&self, at: SystemTime) -> Option<u128> {
        let every = self.wish.every?.as_nanos().max(1);
        let since = at.duration_since(self.wish.time.start).unwrap_or_default();
        Some(since.as_nanos() / every)
    }

    /// Where a segment's first picture goes: by the wall clock, but behind the picture before where that was set back.
    fn place(&self, at: SystemTime, last: Option<u64>) -> u64 {
        let Some(last) = last else { return 0 };
        let since = at.duration_since(self.start()).unwrap_or_default();
        matroska::ticks(since).clamp(last + 1, last + LONGEST)
    }
}

impl Part {
    /// When a picture was taken, by the wall clock.
    fn at(&self, ticks: u64) -> SystemTime {
        let since = matroska::time(ticks);
        self.segment.start.checked_add(since).unwrap_or(UNIX_EPOCH)
    }
}

impl Entry {
    /// Reads the picture.
    pub(super) fn read(&self, contents: &Contents) -> Result<Bytes, Error> {
        let read = contents.read(self.index)?;
        let read = read.filter(|picture| picture.jpeg.len() as u64 == self.len);
        read.map(|picture| picture.jpeg)
            .ok_or_else(|| Error::Changed("a picture is not where it was".to_owned()))
    }
}
