//! What there is in a store.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use framecast_camera::{Captured, Size};

use super::clock;

/// A picture to be recorded.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The JPEG, stored as it is.
    pub jpeg: Bytes,
    /// Its width and height.
    pub size: Size,
    /// When it was taken.
    pub captured: Captured,
}

/// One file of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number: of two segments the one recorded later has the higher.
    pub id: u64,
    /// The camera.
    pub camera: Arc<str>,
    /// The number of the segment with which the run began that this one belongs to.
    pub run: u64,
    /// Its place in the run, from 0. Two neighbours of a run whose places follow each other have no gap between them.
    pub part: u32,
    /// When its first picture was taken, by the wall clock.
    pub start: SystemTime,
    /// The same by the machine's monotonic clock, which counts from its start.
    pub monotonic: Duration,
    /// Which start of the machine that was, as the kernel names it; empty if that is not known.
    pub boot: String,
    /// From the first picture to the last.
    pub length: Duration,
    /// Pictures in it.
    pub frames: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Width and height of all its pictures.
    pub size: Size,
    /// The file, below the store's folder.
    pub path: String,
    /// Whether it is complete; the one that is being written is not.
    pub finished: bool,
}

impl Segment {
    /// When its last picture was taken, by the wall clock.
    pub fn end(&self) -> SystemTime {
        clock::after(self.start, self.length)
    }

    /// Whether it goes on where `before` ended, without a gap.
    pub fn continues(&self, before: &Self) -> bool {
        self.follows(before.run, before.part)
    }

    fn follows(&self, run: u64, part: u32) -> bool {
        self.run == run && part.checked_add(1) == Some(self.part)
    }
}

/// A time without a gap in a camera's recordings. It ends with the last picture, or where the clock was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// When its first picture was taken, by the wall clock.
    pub start: SystemTime,
    /// When its last picture was taken.
    pub end: SystemTime,
    /// Pictures in it.
    pub frames: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// The number of its first segment.
    pub first: u64,
    /// The number of its last segment.
    pub last: u64,
    /// Whether it is still being recorded.
    pub open: bool,
}

impl Span {
    /// A span of one segment.
    fn of(segment: &Segment) -> Self {
        Self {
            start: segment.start,
            end: segment.end(),
            frames: segment.frames,
            bytes: segment.bytes,
            first: segment.id,
            last: segment.id,
            open: !segment.finished,
        }
    }
}

/// Spans in the making, out of segments in the order of recording. Only the spans are kept, however many segments there are.
#[derive(Debug, Default)]
pub(super) struct Merge {
    spans: Vec<Span>,
    /// The run and the part of the segment before.
    before: Option<(u64, u32)>,
}

impl Merge {
    /// Adds the next segment.
    pub(super) fn add(&mut self, segment: &Segment) {
        let goes_on = self
            .before
            .is_some_and(|(run, part)| segment.follows(run, part));
        match self.spans.last_mut().filter(|_| goes_on) {
            Some(span) => {
                span.end = segment.end();
                span.frames += segment.frames;
                span.bytes += segment.bytes;
                span.last = segment.id;
                span.open = !segment.finished;
            }
            None => self.spans.push(Span::of(segment)),
        }
        self.before = Some((segment.run, segment.part));
    }

    /// What came of it.
    pub(super) fn finish(self) -> Vec<Span> {
        self.spans
    }
}

/// A time of a camera that is kept whatever the limits say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Its number.
    pub id: u64,
    /// The camera.
    pub camera: Arc<str>,
    /// From when, by the wall clock.
    pub start: SystemTime,
    /// Until when.
    pub end: SystemTime,
    /// Why, in the words of whoever pinned it.
    pub note: String,
}
