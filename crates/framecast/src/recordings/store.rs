//! The store as the rest of the program sees it.

use std::{
    path::PathBuf,
    sync::{Arc, mpsc},
    time::{Duration, SystemTime},
};

use super::{
    clock::nanos,
    cursor::{At, Cursor},
    error::Error,
    index::{self, Index},
    listing::Listing,
    model::{Merge, Pin, Segment, Span},
    retention::Limits,
    shared::Shared,
    worker::{self, Job},
    writer::Writer,
};

/// How a store is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The folder. It is made if it is not there.
    pub root: PathBuf,
    /// The time after which a file ends and the next begins; up to [`LONGEST_SEGMENT`](Self::LONGEST_SEGMENT).
    pub segment: Duration,
    /// For how long cameras are kept that have no limits of their own, such as those that are no longer there; `None` is no
    /// limit.
    pub keep: Option<Duration>,
    /// Bytes of all cameras together that are kept; `None` is no limit.
    pub max_size: Option<u64>,
    /// Bytes that are kept free on the disk; 0 is none.
    pub min_free: u64,
}

impl Settings {
    /// The longest that a file may be: queries by time rely on it.
    pub const LONGEST_SEGMENT: Duration = Duration::from_secs(3600);

    /// A store in a folder, with files of a minute and nothing but the free space to limit it.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            segment: Duration::from_secs(60),
            keep: None,
            max_size: None,
            min_free: 1 << 30,
        }
    }
}

/// Whether a store can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing was ever recorded. The folder is made when something is.
    Empty,
    /// It is being opened: what broke off is made complete.
    Opening,
    /// It can be used.
    Ready,
    /// It can't be used; that is tried again by itself.
    Fault {
        /// Why not.
        why: Arc<str>,
        /// Since when.
        since: SystemTime,
    },
}

/// A store of recordings. Cheap to clone; it is closed when the last clone is gone.
#[derive(Clone, Debug)]
pub struct Recordings {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
}

impl Recordings {
    /// A store that is opened on a thread of its own: at once, and again whenever its disk is back. Until then it says why
    /// it can't be used.
    pub fn open(settings: Settings) -> Self {
        let shared = Arc::new(Shared::new(settings));
        let jobs = worker::start(&shared);
        Self { shared, jobs }
    }

    /// Whether the store can be used.
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// How the store is kept.
    pub fn settings(&self) -> Settings {
        self.shared.settings()
    }

    /// Keeps the store in another way from now on. Another folder counts only for a store that is opened anew.
    pub fn change(&self, settings: &Settings) {
        self.shared.change(settings);
    }

    /// Limits what is kept of a camera.
    pub fn limit(&self, camera: &str, limits: Limits) {
        self.shared.limit(camera, limits);
    }

    /// Records a camera: what is pushed there is written.
    ///
    /// # Errors
    /// If the system can't start another thread.
    pub fn writer(&self, camera: &str) -> Result<Writer, Error> {
        self.want();
        Writer::start(self.clone(), camera)
    }

    /// Does something that blocks away from async code.
    ///
    /// # Errors
    /// What `work` says.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let recordings = self.clone();
        match tokio::task::spawn_blocking(move || work(&recordings)).await {
            Ok(done) => done,
            Err(_) => Err(Error::Unavailable("the server stops".to_owned())),
        }
    }

    /// The names of all cameras that have something recorded, whether they are configured or not.
    ///
    /// # Errors
    /// If the index can't be asked.
    pub fn cameras(&self) -> Result<Vec<String>, Error> {
        self.ask(|index| index.cameras())
    }

    /// Bytes of all complete files of a camera, as they were a few seconds ago. Never waits.
    pub fn stored(&self, camera: &str) -> u64 {
        self.shared.total(camera)
    }

    /// What of a camera was recorded in a time, as times without a gap, in the order of recording. Where the wall clock was
    /// set back they may overlap. A span that began before or ends after is told whole, but for what is in other segments.
    ///
    /// # Errors
    /// If the index can't be asked.
    pub fn spans(
        &self,
        camera: &str,
        time: std::ops::Range<SystemTime>,
    ) -> Result<Vec<Span>, Error> {
        let mut listing = self.segments(camera, time)?;
        let mut spans = Merge::default();
        while let Some(segment) = listing.next()? {
            spans.add(&segment);
        }
        Ok(spans.finish())
    }

    /// A camera's segments that have a picture in a time, in the order of recording, read in pages.
    ///
    /// # Errors
    /// If the index can't be asked.
    pub fn segments(
        &self,
        camera: &str,
        time: std::ops::Range<SystemTime>,
    ) -> Result<Listing, Error> {
        Listing::begin(
            self.clone(),
            camera.into(),
            (nanos(time.start), nanos(time.end)),
        )
    }

    /// One segment.
    ///
    /// # Errors
    /// If there is none of that number, or the index can't be asked.
    pub fn segment(&self, id: u64) -> Result<Segment, Error> {
        let found = self.ask(move |index| index.segment(id))?;
        found
            .map(|segment| self.shared.current(segment))
            .ok_or(Error::Unknown {
                what: "segment",
                id,
            })
    }

    /// A moment of this process on the machine's monotonic clock, by which pictures are recorded.
    pub fn since_boot(&self, moment: std::time::Instant) -> Duration {
        self.shared.machine.since_boot(moment)
    }

    /// Where a segment's file is.
    pub fn path(&self, segment: &Segment) -> PathBuf {
        self.shared.root().join(&segment.path)
    }

    /// A place in a camera's recordings, from which pictures are read forwards and backwards.
    ///
    /// # Errors
    /// If the index can't be asked or a file can't be read.
    pub fn cursor(&self, camera: &str, at: At) -> Result<Cursor, Error> {
        Cursor::new(self.clone(), camera, at)
    }

    /// Keeps a time of a camera whatever the limits say.
    ///
    /// # Errors
    /// If the index can't be written.
    pub fn pin(
        &self,
        camera: &str,
        time: std::ops::Range<SystemTime>,
        note: &str,
    ) -> Result<Pin, Error> {
        let mut pin = Pin {
            id: 0,
            camera: camera.into(),
            start: time.start,
            end: time.end,
            note: note.to_owned(),
        };
        self.want();
        let asked = pin.clone();
        pin.id = self.ask(move |index| index.pin(&asked))?;
        Ok(pin)
    }

    /// Takes a pin away.
    ///
    /// # Errors
    /// If there is none of that number, or the index can't be written.
    pub fn unpin(&self, id: u64) -> Result<(), Error> {
        match self.ask(move |index| index.unpin(id))? {
            true => Ok(()),
            false => Err(Error::Unknown { what: "pin", id }),
        }
    }

    /// All pins, of one camera or of all, by their time.
    ///
    /// # Errors
    /// If the index can't be asked.
    pub fn pins(&self, camera: Option<&str>) -> Result<Vec<Pin>, Error> {
        let camera = camera.map(str::to_owned);
        self.ask(move |index| index.pins(camera.as_deref()))
    }

    /// Deletes all files that have a picture in a time, whole: the times that are gone. What is pinned or being written
    /// stays.
    ///
    /// # Errors
    /// If the index can't be asked or a file can't be removed.
    pub fn erase(
        &self,
        camera: &str,
        time: std::ops::Range<SystemTime>,
    ) -> Result<Vec<Span>, Error> {
        let pins = self.pins(Some(camera))?;
        let mut listing = self.segments(camera, time)?;
        let mut erased = Merge::default();
        while let Some(segment) = listing.next()? {
            let pinned = pins
                .iter()
                .any(|pin| pin.start <= segment.end() && pin.end >= segment.start);
            if segment.finished && !pinned {
                self.shared.unlink(&segment)?;
                let id = segment.id;
                self.ask(move |index| index.remove(id))?;
                erased.add(&segment);
            }
        }
        Ok(erased.finish())
    }

    /// Returns when all that was said so far is in the index.
    ///
    /// # Errors
    /// If the index can't be used.
    pub fn settle(&self) -> Result<(), Error> {
        self.ask(|_| Ok(()))
    }

    /// Something is to be kept: from now on the folder has to be there.
    fn want(&self) {
        if self.shared.want() {
            // Wakes the worker.
            self.tell(Box::new(|_| None));
        }
    }

    /// Asks the index and waits for the answer.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Index) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.tell(Box::new(move |index| {
            let (answer, failed) = match index.map(question) {
                Ok(Ok(answer)) => (Ok(answer), None),
                Ok(Err(error)) => {
                    let answer = match index::is_full(&error) {
                        true => Error::Full,
                        false => Error::Index(error.to_string()),
                    };
                    (Err(answer), Some(error))
                }
                Err(error) => (Err(error), None),
            };
            // Who asked may be gone.
            let _ = reply.send(answer);
            failed
        }));
        answer
            .recv()
            .unwrap_or_else(|_| Err(Error::Unavailable("the store is closed".to_owned())))
    }

    /// Hands the worker something to do, without waiting for it.
    pub(super) fn tell(&self, job: Job) {
        // The worker ends only after the last store is gone.
        let _ = self.jobs.send(job);
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}
