//! A camera's segments, one after the other, however many there are.

use std::sync::Arc;

use super::{
    clock::nanos,
    error::Error,
    index::Index,
    model::Segment,
    store::{Recordings, Settings},
};

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
/// Rows of the index that are gone through in one go: others wait for so long.
const STRIDE: u32 = 20_000;

impl Listing {
    /// Of the segments that have a picture in a time.
    pub(super) fn begin(
        recordings: Recordings,
        camera: Arc<str>,
        time: (i64, i64),
    ) -> Result<Self, Error> {
        let reach = Settings::LONGEST_SEGMENT.as_nanos() as i64;
        let mut listing = Self {
            recordings,
            camera,
            time,
            next: u64::MAX,
            last: 0,
            page: Vec::new().into_iter(),
        };
        let mut from = Some(time.0.saturating_sub(reach));
        while let Some(start) = from {
            let (camera, time) = (Arc::clone(&listing.camera), (start, time.1));
            let asked = move |index: &mut Index| index.within(&camera, time, STRIDE);
            let Some(within) = listing.recordings.ask(asked)? else {
                break;
            };
            listing.next = listing.next.min(*within.ids.start());
            listing.last = listing.last.max(*within.ids.end());
            from = within.rest;
        }
        Ok(listing)
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
