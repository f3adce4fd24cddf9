//! The index made to agree with the files, and files that break off made complete.

use std::{
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use tracing::debug;

use super::{
    error::Error,
    files::{self, Day, Found},
    index::Index,
    model::Segment,
};

/// The index, and what says that the folder is in use, below a store's folder.
pub(super) const INDEX: &str = "index.sqlite";
const LOCK: &str = ".lock";

/// What was done to make things right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Files that the index did not know.
    pub added: u64,
    /// Files that broke off and are complete now.
    pub mended: u64,
    /// Bytes that were cut from those, for they were no whole picture.
    pub cut: u64,
    /// Files without a whole picture, which were removed.
    pub removed: u64,
    /// Rows of the index whose files were gone.
    pub forgotten: u64,
    /// Files that are no recordings; they were left alone.
    pub foreign: u64,
    /// Files that can't be read or completed at present; they are looked at again.
    pub failed: u64,
}

impl Report {
    /// Whether nothing was done.
    pub fn is_nothing(&self) -> bool {
        Self {
            foreign: 0,
            failed: 0,
            ..*self
        } == Self::default()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.added += other.added;
        self.mended += other.mended;
        self.cut += other.cut;
        self.removed += other.removed;
        self.forgotten += other.forgotten;
        self.foreign += other.foreign;
        self.failed += other.failed;
    }
}

/// As in `12 added to the index, 1 completed (4096 bytes cut off)`.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let completed = match self.cut {
            0 => "completed".to_owned(),
            cut => format!("completed ({cut} bytes cut off)"),
        };
        let parts = [
            (self.added, "added to the index"),
            (self.mended, &*completed),
            (self.removed, "without a picture removed"),
            (self.forgotten, "gone and forgotten"),
            (self.foreign, "left alone, being no recordings"),
            (self.failed, "can't be read or completed"),
        ];
        let said: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        match said.is_empty() {
            true => f.write_str("nothing to do"),
            false => f.write_str(&said.join(", ")),
        }
    }
}

/// Says that this process uses the folder, for as long as the file is open.
pub(super) fn lock(root: &Path) -> Result<File, Error> {
    let path = root.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Unavailable(format!(
            "another framecast records to {}",
            root.display()
        ))),
        Err(TryLockError::Error(error)) => Err(Error::file(path)(error)),
    }
}

/// Removes the index; the files are untouched.
pub(super) fn remove_index(root: &Path) -> Result<(), Error> {
    for suffix in ["", "-wal", "-shm"] {
        let path = root.join(format!("{INDEX}{suffix}"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::file(path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Makes the index anew from the files below a folder that no server uses, and completes files that break off. Pins are
/// carried over from an index that can still be read.
///
/// # Errors
/// If a server uses the folder, or a file can't be read or written.
pub fn reindex(root: &Path) -> Result<Report, Error> {
    // A folder that is not there is a slip in the command, not a store without recordings.
    fs::metadata(root).map_err(Error::file(root))?;
    let _lock = lock(root)?;
    let pins = Index::open_to_read(&root.join(INDEX)).and_then(|index| index.pins(None));
    remove_index(root)?;
    let mut index = Index::open(&root.join(INDEX))?;
    for pin in pins.unwrap_or_default() {
        index.pin(&pin)?;
    }
    let next = AtomicU64::new(1);
    let mut report = Report::default();
    // The oldest first, so that a number that is taken twice stays with the older.
    for day in files::days(root)?.iter().rev() {
        report.add(look_at_day(root, &mut index, day, &next, &|_| false)?);
    }
    Ok(report)
}

/// Makes the index agree with the files of one day. Segments that are `being_written` are left alone.
pub(super) fn look_at_day(
    root: &Path,
    index: &mut Index,
    day: &Day,
    next: &AtomicU64,
    being_written: &dyn Fn(&str) -> bool,
) -> Result<Report, Error> {
    let mut report = Report::default();
    let files = files::files(root, day)?;
    for some in files.chunks(64) {
        let mut found = Vec::new();
        for path in some {
            if being_written(path) || index.at_path(path)?.is_some_and(|known| known.finished) {
                continue;
            }
            found.push(look_at(root, path, &mut report));
        }
        index.together(|index| {
            found
                .iter()
                .flatten()
                .try_for_each(|segment| adopt(index, segment, next, &mut report))
        })?;
    }
    Ok(report)
}

/// Completes or forgets the segments that were not finished, and forgets those of them whose files are gone.
pub(super) fn look_at_unfinished(
    root: &Path,
    index: &Index,
    next: &AtomicU64,
    being_written: &dyn Fn(&str) -> bool,
) -> Result<Report, Error> {
    let mut report = Report::default();
    for known in index.unfinished()? {
        if being_written(&known.path) {
            continue;
        }
        let failed = report.failed;
        match look_at(root, &known.path, &mut report) {
            Some(segment) => adopt(index, &segment, next, &mut report)?,
            // Another time, perhaps.
            None if report.failed > failed => {}
            None => index.remove(known.id)?,
        }
    }
    Ok(report)
}

/// One file that can't be read is no reason to do without all others.
fn look_at(root: &Path, path: &str, report: &mut Report) -> Option<Segment> {
    match files::inspect(root, path) {
        Ok(Found::Complete(segment)) => return Some(segment),
        Ok(Found::Mended(segment, cut)) => {
            report.mended += 1;
            report.cut += cut;
            return Some(segment);
        }
        Ok(Found::Empty) => report.removed += 1,
        Ok(Found::Foreign) => report.foreign += 1,
        Err(error) if error.is_missing() => report.forgotten += 1,
        Err(error) => {
            debug!("{error}");
            report.failed += 1;
        }
    }
    None
}

/// Puts a file's segment into the index: in the place of the row that its path has, or as a new one.
fn adopt(
    index: &Index,
    segment: &Segment,
    next: &AtomicU64,
    report: &mut Report,
) -> rusqlite::Result<()> {
    let mut segment = segment.clone();
    match index.at_path(&segment.path)? {
        Some(known) => segment.id = known.id,
        None => {
            report.added += 1;
            // A file that came from another store may have a number that is taken here.
            if index.segment(segment.id)?.is_some() {
                segment.id = next.fetch_add(1, Relaxed);
            }
        }
    }
    next.fetch_max(segment.id.saturating_add(1), Relaxed);
    index.put(&segment)
}
