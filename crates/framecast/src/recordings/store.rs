//! The store as the rest of the program sees it.

use std::{
    collections::HashMap,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    time::{Duration, SystemTime},
};

use super::{
    clock::{Machine, nanos},
    cursor::{At, Cursor},
    error::Error,
    index::{self, Index},
    model::{Pin, Segment, Span},
    retention::Limits,
    table::{Cache, Table},
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

/// What all parts of a store share.
#[derive(Debug)]
pub(super) struct Shared {
    // Std locks: held for a few instructions.
    settings: Mutex<Settings>,
    limits: Mutex<HashMap<Arc<str>, Limits>>,
    health: Mutex<Health>,
    writing: Mutex<HashMap<u64, Live>>,
    totals: Mutex<HashMap<String, u64>>,
    /// Whether something is to be kept, so that the folder has to be there.
    wanted: AtomicBool,
    /// Whether a writer failed, so that it has to be looked whether the disk can still be written.
    trouble: AtomicBool,
    /// The file system that the store is on; 0 before it was opened.
    device: AtomicU64,
    pub(super) cache: Cache,
    pub(super) machine: Machine,
    /// The number of the next segment.
    pub(super) next: AtomicU64,
}

/// A segment that is being written.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) segment: Segment,
    pub(super) table: Arc<Table>,
}

impl Live {
    /// The segment as it is now.
    pub(super) fn now(&self) -> Segment {
        Segment {
            length: framecast_media::matroska::time(self.table.last()),
            frames: self.table.len() as u64,
            bytes: self.table.end(),
            ..self.segment.clone()
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recordings {
    /// A store that is opened on a thread of its own: at once, and again whenever its disk is back. Until then it says why
    /// it can't be used.
    pub fn open(settings: Settings) -> Self {
        let shared = Arc::new(Shared {
            settings: Mutex::new(settings),
            limits: Mutex::default(),
            health: Mutex::new(Health::Opening),
            writing: Mutex::default(),
            totals: Mutex::default(),
            wanted: AtomicBool::new(false),
            trouble: AtomicBool::new(false),
            device: AtomicU64::new(0),
            cache: Cache::default(),
            machine: Machine::now(),
            next: AtomicU64::new(1),
        });
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
        let mut known = locked(&self.shared.settings);
        let root = std::mem::take(&mut known.root);
        *known = Settings {
            root,
            ..settings.clone()
        };
    }

    /// Limits what is kept of a camera.
    pub fn limit(&self, camera: &str, limits: Limits) {
        locked(&self.shared.limits).insert(camera.into(), limits);
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
        let totals = locked(&self.shared.totals);
        totals.get(camera).copied().unwrap_or_default()
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
        let mut segments = Vec::new();
        while let Some(segment) = listing.next()? {
            segments.push(segment);
        }
        Ok(Span::merge(segments))
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
        let (from, to) = (nanos(time.start), nanos(time.end));
        let reach = Settings::LONGEST_SEGMENT.as_nanos() as i64;
        let name: Arc<str> = camera.into();
        let asked = Arc::clone(&name);
        let within = self.ask(move |index| index.within(&asked, from.saturating_sub(reach), to))?;
        let (next, last) = within.unwrap_or((1, 0));
        Ok(Listing {
            recordings: self.clone(),
            camera: name,
            time: (from, to),
            next,
            last,
            page: Vec::new().into_iter(),
        })
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

    /// Deletes all files that have a picture in a time, whole: the segments that are gone. What is pinned or being written
    /// stays.
    ///
    /// # Errors
    /// If the index can't be asked or a file can't be removed.
    pub fn erase(
        &self,
        camera: &str,
        time: std::ops::Range<SystemTime>,
    ) -> Result<Vec<Segment>, Error> {
        let pins = self.pins(Some(camera))?;
        let mut listing = self.segments(camera, time)?;
        let mut erased = Vec::new();
        while let Some(segment) = listing.next()? {
            let pinned = pins
                .iter()
                .any(|pin| pin.start <= segment.end() && pin.end >= segment.start);
            if segment.finished && !pinned {
                self.shared.unlink(&segment)?;
                let id = segment.id;
                self.ask(move |index| index.remove(id))?;
                erased.push(segment);
            }
        }
        Ok(erased)
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
        if !self.shared.wanted.swap(true, Relaxed) {
            let mut health = locked(&self.shared.health);
            if *health == Health::Empty {
                *health = Health::Opening;
            }
            drop(health);
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

impl Shared {
    pub(super) fn health(&self) -> Health {
        locked(&self.health).clone()
    }

    pub(super) fn set_health(&self, health: Health) {
        *locked(&self.health) = health;
    }

    pub(super) fn set_totals(&self, totals: impl IntoIterator<Item = (String, u64)>) {
        *locked(&self.totals) = totals.into_iter().collect();
    }

    pub(super) fn settings(&self) -> Settings {
        locked(&self.settings).clone()
    }

    pub(super) fn root(&self) -> PathBuf {
        locked(&self.settings).root.clone()
    }

    pub(super) fn limits(&self, camera: &str) -> Limits {
        let own = locked(&self.limits).get(camera).copied();
        own.unwrap_or_else(|| Limits {
            keep: self.settings().keep,
            max_size: None,
        })
    }

    /// A writer failed.
    pub(super) fn report_trouble(&self) {
        self.trouble.store(true, Relaxed);
    }

    /// Whether a writer failed since the last call.
    pub(super) fn take_trouble(&self) -> bool {
        self.trouble.swap(false, Relaxed)
    }

    pub(super) fn set_device(&self, device: u64) {
        self.device.store(device, Relaxed);
    }

    /// The store's folder, if it is where it was: beneath a disk that was unmounted is another folder of that name.
    pub(super) fn root_in_place(&self) -> Result<PathBuf, Error> {
        let root = self.root();
        let device = std::fs::metadata(&root).map_err(Error::file(&root))?.dev();
        match self.device.load(Relaxed) == device {
            true => Ok(root),
            false => Err(Error::gone(&root)),
        }
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Relaxed)
    }

    pub(super) fn next_id(&self) -> u64 {
        self.next.fetch_add(1, Relaxed)
    }

    pub(super) fn begin(&self, live: Live) {
        locked(&self.writing).insert(live.segment.id, live);
    }

    pub(super) fn end(&self, id: u64) {
        locked(&self.writing).remove(&id);
    }

    pub(super) fn live(&self, id: u64) -> Option<Live> {
        locked(&self.writing).get(&id).cloned()
    }

    pub(super) fn is_being_written(&self, path: &str) -> bool {
        let writing = locked(&self.writing);
        writing.values().any(|live| live.segment.path == path)
    }

    /// What is known of a segment by now, if it is being written.
    pub(super) fn current(&self, segment: Segment) -> Segment {
        match self.live(segment.id) {
            Some(live) => live.now(),
            None => segment,
        }
    }

    /// Removes a segment's file, and the folder of its day if that is empty then.
    pub(super) fn unlink(&self, segment: &Segment) -> Result<(), Error> {
        let path = self.root().join(&segment.path);
        self.cache.forget(segment.id);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::file(path)(error));
            }
            _ => {}
        }
        // Fails, as it should, for a folder that is not empty.
        let _ = path
            .parent()
            .map_or(Ok(()), |day: &Path| std::fs::remove_dir(day));
        Ok(())
    }
}

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
