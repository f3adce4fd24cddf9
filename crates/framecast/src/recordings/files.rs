//! Which files there are below a store's folder, and what they say of themselves.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use framecast_media::matroska::{closing, time};

use super::{error::Error, model::Segment, segment, table};

/// A camera's folder of one day, below the store's folder: `door/2026-11-20`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day {
    pub(super) day: String,
    pub(super) camera: String,
}

impl Day {
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.camera, self.day)
    }
}

/// The folders of all days, the newest first.
pub(super) fn days(root: &Path) -> Result<Vec<Day>, Error> {
    let mut days = Vec::new();
    for camera in folders(root)? {
        for day in folders(&root.join(&camera))? {
            let camera = camera.clone();
            days.push(Day { day, camera });
        }
    }
    days.sort();
    days.reverse();
    Ok(days)
}

/// The segment files of one day, by their paths below the store's folder.
pub(super) fn files(root: &Path, day: &Day) -> Result<Vec<String>, Error> {
    let below = day.path();
    let mut files: Vec<String> = names(&root.join(&below))?
        .filter(|(name, _)| Path::new(name).extension().is_some_and(|it| it == "mkv"))
        .map(|(name, _)| format!("{below}/{name}"))
        .collect();
    files.sort();
    Ok(files)
}

fn folders(path: &Path) -> Result<Vec<String>, Error> {
    let folders = names(path)?.filter(|(name, is_folder)| *is_folder && !name.starts_with('.'));
    Ok(folders.map(|(name, _)| name).collect())
}

fn names(path: &Path) -> Result<impl Iterator<Item = (String, bool)>, Error> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let entries = entries.map_err(Error::file(path))?;
    Ok(entries.into_iter().filter_map(|entry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        // Ours are plain ASCII.
        Some((entry.file_name().into_string().ok()?, is_folder))
    }))
}

/// What came of looking at a file.
#[derive(Debug)]
pub(super) enum Found {
    /// It is complete.
    Complete(Segment),
    /// It broke off and is complete now; so many bytes were cut from it.
    Mended(Segment, u64),
    /// There was no whole picture in it, and it was removed.
    Empty,
    /// It is no recording of ours.
    Foreign,
}

/// Looks at a file, and makes it complete if it broke off.
pub(super) fn inspect(root: &Path, path: &str) -> Result<Found, Error> {
    let full: PathBuf = root.join(path);
    inspect_file(&full, path).map_err(Error::file(full))
}

fn inspect_file(full: &Path, path: &str) -> io::Result<Found> {
    let file = File::open(full)?;
    let mut scanner = match table::scan(&file) {
        Ok(scanner) => scanner,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return broken_head(full, &file);
        }
        Err(error) => return Err(error),
    };
    let Some(mut segment) = segment::of_head(scanner.head(), path) else {
        return Ok(Found::Foreign);
    };
    let len = file.metadata()?.len();
    if scanner.is_complete()
        && let Some((cues, _)) = scanner.cues(Default::default())?
        && let Some(last) = cues.last()
    {
        segment.frames = cues.len() as u64;
        segment.length = time(last.time);
        segment.bytes = len;
        segment.finished = true;
        return Ok(Found::Complete(segment));
    }
    let mut cues = Vec::new();
    while let Some(block) = scanner.next()? {
        // After a power cut there may be a block whose bytes never came to the disk.
        if !is_jpeg(&file, block.data.start, block.data.end)? {
            break;
        }
        cues.push((block.cue, block.data.end));
    }
    let Some((last, end)) = cues.last().copied() else {
        fs::remove_file(full)?;
        return Ok(Found::Empty);
    };
    let cues: Vec<_> = cues.into_iter().map(|(cue, _)| cue).collect();
    let frames = cues.len() as u64;
    let patches = closing(&scanner, end, &cues, segment::duration(last.time, frames));
    drop(scanner);
    let file = OpenOptions::new().write(true).open(full)?;
    file.set_len(end)?;
    segment.bytes = segment::complete(&file, &patches)?;
    segment.frames = frames;
    segment.length = time(last.time);
    segment.finished = true;
    Ok(Found::Mended(segment, len.saturating_sub(end)))
}

/// A file without a head is what a power cut leaves of one that had just begun: empty, or zeros.
fn broken_head(full: &Path, file: &File) -> io::Result<Found> {
    let mut start = [0; 4096];
    let count = file.read_at(&mut start, 0)?;
    let begun = start[..count].iter().all(|byte| *byte == 0)
        || (file.metadata()?.len() < 4096 && start[..count].starts_with(&[0x1A, 0x45, 0xDF, 0xA3]));
    if begun {
        fs::remove_file(full)?;
        return Ok(Found::Empty);
    }
    Ok(Found::Foreign)
}

fn is_jpeg(file: &File, start: u64, end: u64) -> io::Result<bool> {
    let (mut first, mut last) = ([0; 2], [0; 2]);
    if end < start + 4 {
        return Ok(false);
    }
    file.read_exact_at(&mut first, start)?;
    file.read_exact_at(&mut last, end - 2)?;
    Ok(first == [0xFF, 0xD8] && last == [0xFF, 0xD9])
}
