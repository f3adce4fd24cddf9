//! A look into a folder of recordings, whoever records to it.

use std::{ops::Range, path::Path, time::SystemTime};

use super::{
    Error, Segment, Settings, Span, clock::nanos, index::Index, model::Merge, repair::INDEX,
};

/// Rows that are in memory at a time.
const PAGE: usize = 1000;

/// What there is of each camera, as times without a gap. What is being written counts as it was when its file began.
///
/// # Errors
/// If there is no index there or it can't be read.
pub fn look(root: &Path) -> Result<Vec<(String, Vec<Span>)>, Error> {
    let index = open(root)?;
    let mut cameras = Vec::new();
    for camera in index.cameras()? {
        let reach = Settings::LONGEST_SEGMENT.as_nanos() as i64;
        let mut spans = Merge::default();
        let always = (i64::MIN + reach, i64::MAX);
        pages(&index, &camera, always, usize::MAX, |segment| {
            spans.add(&segment);
        })?;
        cameras.push((camera, spans.finish()));
    }
    Ok(cameras)
}

/// A camera's segments that may have a picture in a time, `most` at most, in the order of recording. One that is being
/// written is among them if it began before the time's end.
///
/// # Errors
/// If there is no index there or it can't be read.
pub fn segments(
    root: &Path,
    camera: &str,
    time: Range<SystemTime>,
    most: usize,
) -> Result<Vec<Segment>, Error> {
    let mut segments = Vec::new();
    let time = (nanos(time.start), nanos(time.end));
    pages(&open(root)?, camera, time, most, |segment| {
        segments.push(segment);
    })?;
    Ok(segments)
}

fn open(root: &Path) -> Result<Index, Error> {
    let path = root.join(INDEX);
    if !path.exists() {
        return Err(Error::Unavailable(format!(
            "there are no recordings in {}, or they have no index: `framecast recordings reindex` makes one",
            root.display()
        )));
    }
    Ok(Index::open_to_read(&path)?)
}

/// Hands out the segments one by one, with a page of them in memory.
fn pages(
    index: &Index,
    camera: &str,
    time: (i64, i64),
    most: usize,
    mut each: impl FnMut(Segment),
) -> Result<(), Error> {
    let (mut next, mut left) = (0, most);
    while left > 0 {
        let page = index.page(camera, time, next..=u64::MAX, PAGE.min(left))?;
        let Some(last) = page.last() else { break };
        next = last.id + 1;
        left -= page.len();
        page.into_iter().for_each(&mut each);
    }
    Ok(())
}
