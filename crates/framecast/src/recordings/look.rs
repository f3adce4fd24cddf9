//! A look into a folder of recordings, whoever records to it.

use std::path::Path;

use super::{Error, Settings, Span, index::Index, repair::INDEX};

/// Rows that are in memory at a time.
const PAGE: usize = 1000;

/// What there is of each camera, as times without a gap. What is being written counts as it was when its file began.
///
/// # Errors
/// If there is no index there or it can't be read.
pub fn look(root: &Path) -> Result<Vec<(String, Vec<Span>)>, Error> {
    let path = root.join(INDEX);
    if !path.exists() {
        return Err(Error::Unavailable(format!(
            "there are no recordings in {}, or they have no index: `framecast recordings reindex` makes one",
            root.display()
        )));
    }
    let index = Index::open_to_read(&path)?;
    let mut cameras = Vec::new();
    for camera in index.cameras()? {
        let reach = Settings::LONGEST_SEGMENT.as_nanos() as i64;
        let mut segments = Vec::new();
        let mut next = 0;
        loop {
            let page = index.page(&camera, (i64::MIN + reach, i64::MAX), next..=u64::MAX, PAGE)?;
            let Some(last) = page.last() else { break };
            next = last.id + 1;
            segments.extend(page);
        }
        cameras.push((camera, Span::merge(segments)));
    }
    Ok(cameras)
}
