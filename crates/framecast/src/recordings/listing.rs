//! A camera's segments, one after the other, however many there are.

use std::{ops::RangeInclusive, sync::Arc};

use super::{clock::nanos, error::Error, model::Segment, store::Recordings};

/// Segments in the order of recording, read in pages.
#[derive(Debug)]
pub struct Listing {
    recordings: Recordings,
    camera: Arc<str>,
    time: (i64, i64),
    /// The numbers that were not looked at yet.
    next: u64,
    last: u64,
    page: std::vec::IntoIter<Segment>,
}

/// Rows that are in memory at a time.
const PAGE: usize = 500;

impl Listing {
    /// Of the segments with these numbers that have a picture in a time.
    pub(super) fn new(
        recordings: Recordings,
        camera: Arc<str>,
        time: (i64, i64),
        ids: RangeInclusive<u64>,
    ) -> Self {
        Self {
            recordings,
            camera,
            time,
            next: *ids.start(),
            last: *ids.end(),
            page: Vec::new().into_iter(),
        }
    }

    /// The next segment.
    ///
    /// # Errors
    /// If the index can't be asked.
    #[allow(clippy::should_implement_trait, reason = "it may fail at each step")]
    pub fn next(&mut self) -> Result<Option<Segment>, Error> {
        loop {
            if let Some(segment) = self.page.next() {
                // One that is being written has its length in memory only.
                if segment.finished || nanos(segment.end()) >= self.time.0 {
                    return Ok(Some(segment));
                }
                continue;
            }
            if self.next > self.last {
                return Ok(None);
            }
            let (camera, time) = (Arc::clone(&self.camera), self.time);
            let ids = self.next..=self.last;
            let page = self
                .recordings
                .ask(move |index| index.page(&camera, time, ids, PAGE))?;
            self.next = match page.last() {
                Some(last) if page.len() == PAGE => last.id + 1,
                _ => self.last + 1,
            };
            let shared = self.recordings.shared();
            let page: Vec<Segment> = page.into_iter().map(|it| shared.current(it)).collect();
            self.page = page.into_iter();
        }
    }
}
