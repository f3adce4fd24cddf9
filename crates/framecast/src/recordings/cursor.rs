//! Reading pictures back, one after the other in either direction.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use framecast_camera::Size;
use framecast_media::matroska::{self, Block};

use super::{
    clock,
    error::Error,
    model::Segment,
    store::Recordings,
    table::{Place, Table},
};

/// A place in a camera's recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Before the first picture that there is.
    Start,
    /// Behind the last picture that there is.
    End,
    /// Before the first picture that was taken at or after this time by the wall clock. Where nothing was recorded then,
    /// that is the first after the gap. Where the clock was set back and the time came twice, the later recording counts.
    Wall(SystemTime),
    /// Before a picture, by its segment and its number in that, as in [`Recorded`].
    Picture {
        /// The segment.
        segment: u64,
        /// The picture's number in it, from 0.
        index: usize,
    },
}

/// A picture that was recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The JPEG, as the camera gave it.
    pub jpeg: Bytes,
    /// When it was taken, by the wall clock of its run.
    pub at: SystemTime,
    /// When it was taken, by the machine's monotonic clock, which counts from the start of the machine. Rises from picture
    /// to picture of a run, whatever the wall clock does.
    pub monotonic: Duration,
    /// Its width and height.
    pub size: Size,
    /// Its segment.
    pub segment: u64,
    /// Its number in the segment, from 0.
    pub index: usize,
    /// Its run: between two pictures of different runs there is a gap.
    pub run: u64,
    /// Its segment's place in the run: between two pictures of segments that are no neighbours there is a gap, too.
    pub part: u32,
}

/// A place between two pictures of a camera, and the way from there. It keeps one file open.
///
/// It never comes to stand in a file that is gone: what was deleted meanwhile is passed over. Behind the last picture,
/// [`next`](Self::next) finds more as soon as more was recorded.
#[derive(Debug)]
pub struct Cursor {
    recordings: Recordings,
    camera: Arc<str>,
    place: Option<Open>,
}

/// A segment that is open, and the number of the picture that comes next.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) segment: Segment,
    path: PathBuf,
    file: File,
    pub(super) table: Arc<Table>,
    index: usize,
}

/// Larger ones are no pictures.
const MOST: u64 = 256 << 20;

impl Cursor {
    pub(super) fn new(recordings: Recordings, camera: &str, at: At) -> Result<Self, Error> {
        let mut cursor = Self {
            recordings,
            camera: camera.into(),
            place: None,
        };
        cursor.seek(at)?;
        Ok(cursor)
    }

    /// The camera whose pictures these are.
    pub fn camera(&self) -> &Arc<str> {
        &self.camera
    }

    /// Goes to another place.
    ///
    /// # Errors
    /// If the index can't be asked or a file can't be read. The cursor stands where it stood then.
    pub fn seek(&mut self, at: At) -> Result<(), Error> {
        self.place = match at {
            At::Start => self.after(0)?,
            At::End => self.before(u64::MAX)?,
            At::Wall(time) => self.at_time(time)?,
            At::Picture { segment, index } => {
                let open = match self.recordings.segment(segment) {
                    Ok(found) if found.camera == self.camera => self.open(found)?,
                    Ok(_) | Err(Error::Unknown { .. }) => None,
                    Err(error) => return Err(error),
                };
                match open {
                    Some(mut open) => {
                        open.index = index.min(open.table.len());
                        Some(open)
                    }
                    None => self.after(segment)?,
                }
            }
        };
        Ok(())
    }

    /// The next picture, over which the cursor steps; `None` behind the last that there is at present.
    ///
    /// # Errors
    /// If the index can't be asked or a file can't be read.
    #[allow(clippy::should_implement_trait, reason = "it may fail at each step")]
    pub fn next(&mut self) -> Result<Option<Recorded>, Error> {
        loop {
            let Some(open) = &mut self.place else {
                self.place = self.after(0)?;
                if self.place.is_none() {
                    return Ok(None);
                }
                continue;
            };
            // Before the table is looked at, so that what came in between is not missed.
            let growing = open.table.is_growing();
            if let Some(place) = open.table.place(open.index) {
                open.index += 1;
                match open.read(place, open.index - 1)? {
                    Some(recorded) => return Ok(Some(recorded)),
                    None => continue,
                }
            }
            let id = open.segment.id;
            if growing {
                return Ok(None);
            }
            match self.after(id)? {
                Some(next) => self.place = Some(next),
                None => return Ok(None),
            }
        }
    }

    /// The picture before, over which the cursor steps back; `None` before the first that there is.
    ///
    /// # Errors
    /// If the index can't be asked or a file can't be read.
    pub fn previous(&mut self) -> Result<Option<Recorded>, Error> {
        while let Some(open) = &mut self.place {
            if let Some(index) = open.index.checked_sub(1) {
                open.index = index;
                if let Some(place) = open.table.place(index)
                    && let Some(recorded) = open.read(place, index)?
                {
                    return Ok(Some(recorded));
                }
                continue;
            }
            let id = open.segment.id;
            match self.before(id)? {
                Some(before) => self.place = Some(before),
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The run of the open file.
    pub fn run(&self) -> Option<u64> {
        self.place.as_ref().map(|open| open.segment.run)
    }

    /// How many of the open file's pictures that come next were taken before a time of the machine's monotonic clock.
    pub fn ahead(&self, before: Duration) -> usize {
        let Some(open) = &self.place else { return 0 };
        let since = before.saturating_sub(open.segment.monotonic);
        let first = open.table.at(matroska::ticks(since));
        first.saturating_sub(open.index)
    }

    /// How many of the open file's pictures that come next backwards were taken after a time of the machine's monotonic
    /// clock.
    pub fn behind(&self, after: Duration) -> usize {
        let Some(open) = &self.place else { return 0 };
        let first = match after.checked_sub(open.segment.monotonic) {
            Some(since) => open.table.at(matroska::ticks(since).saturating_add(1)),
            None => 0,
        };
        open.index.saturating_sub(first)
    }

    /// Steps over so many pictures without reading them, as far as the open file has them.
    pub fn skip(&mut self, pictures: usize) {
        if let Some(open) = &mut self.place {
            open.index = open.index.saturating_add(pictures).min(open.table.len());
        }
    }

    /// Steps back over so many pictures without reading them, as far as the open file has them.
    pub fn skip_back(&mut self, pictures: usize) {
        if let Some(open) = &mut self.place {
            open.index = open.index.saturating_sub(pictures);
        }
    }

    /// At the start of the camera's next segment.
    fn after(&self, mut id: u64) -> Result<Option<Open>, Error> {
        loop {
            let camera = Arc::clone(&self.camera);
            let found = self.recordings.ask(move |index| index.next(&camera, id))?;
            let Some(segment) = found else {
                return Ok(None);
            };
            id = segment.id;
            if let Some(open) = self.open(segment)? {
                return Ok(Some(open));
            }
        }
    }

    /// At the end of the camera's segment before.
    fn before(&self, mut id: u64) -> Result<Option<Open>, Error> {
        loop {
            let camera = Arc::clone(&self.camera);
            let found = self
                .recordings
                .ask(move |index| index.previous(&camera, id))?;
            let Some(segment) = found else {
                return Ok(None);
            };
            id = segment.id;
            if let Some(mut open) = self.open(segment)? {
                open.index = open.table.len();
                return Ok(Some(open));
            }
        }
    }

    fn at_time(&self, time: SystemTime) -> Result<Option<Open>, Error> {
        let at = clock::nanos(time);
        let camera = Arc::clone(&self.camera);
        let begun = self.recordings.ask(move |index| index.begun(&camera, at))?;
        let begun = begun.map(|segment| self.recordings.shared().current(segment));
        if let Some(segment) = begun.filter(|segment| segment.end() >= time)
            && let Some(mut open) = self.open(segment)?
        {
            let since = time.duration_since(open.segment.start).unwrap_or_default();
            // Rounded as the pictures' times were.
            open.index = open.table.at(matroska::ticks(since));
            return Ok(Some(open));
        }
        let mut after = at;
        loop {
            let camera = Arc::clone(&self.camera);
            let found = self
                .recordings
                .ask(move |index| index.following(&camera, after))?;
            let Some(segment) = found else {
                return self.before(u64::MAX);
            };
            after = clock::nanos(segment.start);
            if let Some(open) = self.open(segment)? {
                return Ok(Some(open));
            }
        }
    }

    /// Opens a segment at its start; `None` if its file is gone or makes no sense, and then it is forgotten.
    fn open(&self, segment: Segment) -> Result<Option<Open>, Error> {
        let id = segment.id;
        let open = Open::of(&self.recordings, segment);
        if open.as_ref().is_err_and(Error::is_missing) {
            self.recordings.ask(move |index| index.remove(id))?;
            return Ok(None);
        }
        open
    }
}

impl Open {
    /// A segment of a store at its start; `None` if its file makes no sense.
    pub(super) fn of(recordings: &Recordings, segment: Segment) -> Result<Option<Self>, Error> {
        let shared = recordings.shared();
        let table = match shared.live(segment.id) {
            Some(live) => Some(live.table),
            None => shared.cache.find(segment.id),
        };
        let is_known = table.is_some();
        let open = Self::at(recordings.path(&segment), segment, table)?;
        if let Some(open) = open.as_ref().filter(|_| !is_known) {
            shared.cache.keep(open.segment.id, Arc::clone(&open.table));
        }
        Ok(open)
    }

    /// A segment's file at its start, whoever writes it; `None` if it makes no sense.
    pub(super) fn at(
        path: PathBuf,
        segment: Segment,
        table: Option<Arc<Table>>,
    ) -> Result<Option<Self>, Error> {
        let file = File::open(&path).map_err(Error::file(&path))?;
        let table = match table {
            Some(table) => table,
            None => match Table::read(&file) {
                Ok(table) => Arc::new(table),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
                Err(error) => return Err(Error::file(path)(error)),
            },
        };
        Ok(Some(Self {
            segment,
            path,
            file,
            table,
            index: 0,
        }))
    }

    /// Reads a picture; `None` if there is none where the table says.
    pub(super) fn read(&self, place: Place, index: usize) -> Result<Option<Recorded>, Error> {
        let Place { cue, before } = place;
        let len = before.saturating_sub(cue.at);
        if len > MOST {
            return Ok(None);
        }
        let mut block = vec![0; len as usize];
        match self.file.read_exact_at(&mut block, cue.at) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(Error::file(&self.path)(error)),
        }
        let Some(data) = Block::read(&cue, &block) else {
            return Ok(None);
        };
        let since = matroska::time(cue.time);
        Ok(Some(Recorded {
            jpeg: Bytes::from(block).slice(data),
            at: clock::after(self.segment.start, since),
            monotonic: self.segment.monotonic.saturating_add(since),
            size: self.segment.size,
            segment: self.segment.id,
            index,
            run: self.segment.run,
            part: self.segment.part,
        }))
    }
}
