//! Where the frames of a segment are in its file.

use std::{
    collections::VecDeque,
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use framecast_media::matroska::{Cue, Limits, Scanner};

/// A scanner of a file.
#[allow(
    clippy::type_complexity,
    reason = "the type of a closure can't be given a name"
)]
pub(super) fn scan(
    file: &File,
) -> io::Result<Scanner<impl FnMut(u64, &mut [u8]) -> io::Result<usize>>> {
    let len = file.metadata()?.len();
    Scanner::open(
        |at, into: &mut [u8]| file.read_at(into, at),
        len,
        Limits::default(),
    )
}

/// The frames of a segment.
#[derive(Debug)]
pub(super) struct Table(Mutex<Frames>);

// A std lock: held while a few numbers are copied. The writer adds a frame once its bytes are in the file.
#[derive(Debug, Default)]
struct Frames {
    cues: Vec<Cue>,
    /// Behind the last frame.
    end: u64,
    /// Whether more may come.
    growing: bool,
}

/// One frame's place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) cue: Cue,
    /// Where the frame ends. In a file that others wrote something else may stand before it.
    pub(super) before: u64,
}

impl Table {
    /// Of a file that is being written.
    pub(super) fn growing() -> Self {
        Self(Mutex::new(Frames {
            growing: true,
            ..Frames::default()
        }))
    }

    /// Of a complete file by its own table, or of any by a scan.
    pub(super) fn read(file: &File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let mut scanner = scan(file)?;
        if let Some((cues, end)) = scanner.cues(Limits::default())? {
            let rising = cues.windows(2).all(|pair| pair[0].at < pair[1].at);
            let inside = cues.last().is_none_or(|last| last.at < end) && end <= len;
            if rising && inside && !cues.is_empty() {
                return Ok(Self::of(cues, end));
            }
        }
        let mut cues = Vec::new();
        while let Some(block) = scanner.next()? {
            cues.push(block.cue);
        }
        Ok(Self::of(cues, scanner.end()))
    }

    fn of(cues: Vec<Cue>, end: u64) -> Self {
        Self(Mutex::new(Frames {
            cues,
            end,
            growing: false,
        }))
    }

    /// The writer has written one more.
    pub(super) fn push(&self, cue: Cue, end: u64) {
        let mut frames = self.locked();
        frames.cues.push(cue);
        frames.end = end;
    }

    /// No more will come.
    pub(super) fn close(&self) {
        self.locked().growing = false;
    }

    pub(super) fn is_growing(&self) -> bool {
        self.locked().growing
    }

    pub(super) fn len(&self) -> usize {
        self.locked().cues.len()
    }

    /// Behind the last frame.
    pub(super) fn end(&self) -> u64 {
        self.locked().end
    }

    /// The time of the last frame in ticks; 0 without one.
    pub(super) fn last(&self) -> u64 {
        self.locked().cues.last().map_or(0, |cue| cue.time)
    }

    pub(super) fn cues(&self) -> Vec<Cue> {
        self.locked().cues.clone()
    }

    pub(super) fn place(&self, index: usize) -> Option<Place> {
        let frames = self.locked();
        let cue = *frames.cues.get(index)?;
        let before = match frames.cues.get(index + 1) {
            // Between two clusters stands the head of the later.
            Some(next) if next.cluster > cue.at => next.cluster,
            Some(next) => next.at,
            None => frames.end,
        };
        Some(Place { cue, before })
    }

    /// The first frame at or after a time in ticks.
    pub(super) fn at(&self, time: u64) -> usize {
        self.locked().cues.partition_point(|cue| cue.time < time)
    }

    fn locked(&self) -> MutexGuard<'_, Frames> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tables that were used last.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<VecDeque<(u64, Arc<Table>)>>);

/// Frames in all cached tables together: 8 MiB of them.
const CACHED: usize = 256 << 10;

impl Cache {
    pub(super) fn find(&self, id: u64) -> Option<Arc<Table>> {
        let mut tables = self.locked();
        let at = tables.iter().position(|(known, _)| *known == id)?;
        let found = tables.remove(at)?;
        let table = Arc::clone(&found.1);
        tables.push_back(found);
        Some(table)
    }

    pub(super) fn keep(&self, id: u64, table: Arc<Table>) {
        let mut tables = self.locked();
        tables.push_back((id, table));
        let mut frames: usize = tables.iter().map(|(_, table)| table.len()).sum();
        while frames > CACHED && tables.len() > 1 {
            frames -= tables.pop_front().map_or(0, |(_, table)| table.len());
        }
    }

    pub(super) fn forget(&self, id: u64) {
        self.locked().retain(|(known, _)| *known != id);
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<(u64, Arc<Table>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
