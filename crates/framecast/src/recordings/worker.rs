//! The thread that alone touches the index: answers questions, opens the store again when its disk is back, deletes what
//! has to go.

use std::{
    collections::HashMap,
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed, mpsc},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::fs::statvfs;
use tracing::{debug, error, info, warn};

use super::{
    error::Error,
    files::{self, Day},
    index::{self, Index},
    repair::{self, INDEX, Report},
    retention::{self, Candidate, Usage},
    shared::Shared,
    store::Health,
};

/// Something to do with the index, or with the reason why there is none. What failed is handed back.
pub(super) type Job = Box<dyn FnOnce(Result<&mut Index, Error>) -> Option<rusqlite::Error> + Send>;

/// How often it is looked for what has to go, and whether the disk is still there.
const TIDY: Duration = Duration::from_secs(5);
/// How long to wait before a store is opened again that could not be.
const RETRY: Duration = Duration::from_secs(3);
/// Segments of a camera that are looked at together when some have to go.
const BATCH: u32 = 64;
/// Days of a camera that are always compared with the index: what a power cut took from it is there.
const RECENT: usize = 2;

pub(super) fn start(shared: &Arc<Shared>) -> mpsc::Sender<Job> {
    let (jobs, todo) = mpsc::channel();
    let worker = Worker {
        shared: Arc::clone(shared),
        store: None,
        device: None,
        retry: Instant::now(),
        tidied: Instant::now(),
        missed: false,
        backlog: Vec::new(),
    };
    let started = thread::Builder::new()
        .name("recordings".to_owned())
        .spawn(move || worker.run(&todo));
    if let Err(error) = started {
        shared.set_health(fault(&format!("no thread can be started: {error}")));
    }
    jobs
}

struct Worker {
    shared: Arc<Shared>,
    store: Option<Store>,
    /// The file system that the store was on when it was opened last.
    device: Option<u64>,
    retry: Instant,
    tidied: Instant,
    /// Whether the index was not told of everything, for the disk was full.
    missed: bool,
    /// Days that were not compared with a new index yet, the newest last.
    backlog: Vec<Day>,
}

/// A store that is open.
struct Store {
    index: Index,
    /// Nothing for the store that is none yet: an empty index in memory.
    place: Option<Place>,
}

struct Place {
    _lock: File,
    /// Which file the index is.
    identity: (u64, u64),
}

impl Worker {
    fn run(mut self, todo: &mpsc::Receiver<Job>) {
        loop {
            let is_none_yet = |store: &Store| store.place.is_none();
            if self.shared.is_wanted() && self.store.as_ref().is_some_and(is_none_yet) {
                self.store = None;
                self.retry = Instant::now();
            }
            if self.store.is_none() && Instant::now() >= self.retry {
                self.open();
            }
            // Whoever wants something to be kept says so, and wakes it.
            let patience = match (&self.store, self.backlog.is_empty()) {
                (Some(_), false) => Duration::ZERO,
                (Some(_), true) => TIDY.saturating_sub(self.tidied.elapsed()),
                (None, _) => self.retry.saturating_duration_since(Instant::now()),
            };
            match todo.recv_timeout(patience) {
                Ok(job) => self.work(job),
                Err(mpsc::RecvTimeoutError::Timeout) => self.catch_up(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            if self.store.is_some() && self.tidied.elapsed() >= TIDY {
                self.tidied = Instant::now();
                if let Err(error) = self.tidy()
                    && !error.is_full()
                {
                    self.fail(&error);
                }
            }
        }
    }

    fn work(&mut self, job: Job) {
        let index = match &mut self.store {
            Some(store) => Ok(&mut store.index),
            None => Err(Error::Unavailable(match self.shared.health() {
                Health::Fault { why, .. } => why.to_string(),
                Health::Empty | Health::Opening | Health::Ready => {
                    "the recordings are being opened".to_owned()
                }
            })),
        };
        if let Some(failed) = job(index) {
            self.fail_index(&failed);
        }
    }

    fn fail_index(&mut self, error: &rusqlite::Error) {
        if index::is_damage(error) {
            warn!("the index of the recordings is damaged ({error}) and is made anew");
            self.store = None;
            if let Err(error) = repair::remove_index(&self.shared.root()) {
                return self.fail(&error);
            }
            self.retry = Instant::now();
        } else if index::is_full(error) {
            // It stays open, for without it nothing could be deleted. What it missed is in the files.
            self.missed = true;
        } else {
            self.fail(&Error::Index(error.to_string()));
        }
    }

    /// The store can't be used for now.
    fn fail(&mut self, error: &Error) {
        let why = error.to_string();
        // Said once, even if the reason changes while it lasts.
        if !matches!(self.shared.health(), Health::Fault { .. }) {
            error!("recordings: {why}");
        }
        self.shared.set_health(fault(&why));
        self.store = None;
        self.retry = Instant::now() + RETRY;
    }

    /// A writer said so already.
    fn let_go(&mut self, error: &Error) {
        debug!("recordings: {error}");
        self.shared.set_health(fault(&error.to_string()));
        self.store = None;
        self.retry = Instant::now() + RETRY;
    }

    fn open(&mut self) {
        match self.try_open() {
            Ok(report) => {
                if matches!(self.shared.health(), Health::Fault { .. }) {
                    info!(
                        "recordings: {} can be used again",
                        self.shared.root().display()
                    );
                }
                if report != Report::default() {
                    info!("recordings: {report}");
                }
                let there = self.store.as_ref().is_some_and(|it| it.place.is_some());
                // What was wanted just now is opened at once.
                if there || !self.shared.is_wanted() {
                    let health = if there { Health::Ready } else { Health::Empty };
                    self.shared.set_health(health);
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    fn try_open(&mut self) -> Result<Report, Error> {
        let root = self.shared.root();
        let path = root.join(INDEX);
        if !self.shared.is_wanted() && !path.exists() && files::days(&root)?.is_empty() {
            self.store = Some(Store {
                index: Index::in_memory()?,
                place: None,
            });
            return Ok(Report::default());
        }
        fs::create_dir_all(&root).map_err(Error::file(&root))?;
        let device = fs::metadata(&root).map_err(Error::file(&root))?.dev();
        if self.device.is_some_and(|known| known != device) && !path.exists() {
            return Err(Error::gone(&root));
        }
        let lock = repair::lock(&root)?;
        let mut is_new = !path.exists();
        let opened = Index::open(&path).or_else(|error| {
            if !index::is_damage(&error) {
                return Err(Error::from(error));
            }
            warn!("the index of the recordings is damaged ({error}) and is made anew");
            is_new = true;
            repair::remove_index(&root)?;
            Ok(Index::open(&path)?)
        });
        let mut index = opened?;
        let next = &self.shared.next;
        next.fetch_max(index.last()? + 1, Relaxed);
        let shared = &self.shared;
        let being_written = |path: &str| shared.is_being_written(path);
        let mut report = repair::look_at_unfinished(&root, &index, next, &being_written)?;
        let (recent, older) = recent(&root)?;
        for day in recent {
            report.add(repair::look_at_day(
                &root,
                &mut index,
                &day,
                next,
                &being_written,
            )?);
        }
        self.missed = false;
        self.backlog = if is_new { older } else { Vec::new() };
        self.backlog.reverse();
        let file = fs::metadata(&path).map_err(Error::file(&path))?;
        self.device = Some(device);
        self.shared.set_device(device);
        self.store = Some(Store {
            index,
            place: Some(Place {
                _lock: lock,
                identity: (file.dev(), file.ino()),
            }),
        });
        Ok(report)
    }

    /// Compares one more day with a new index.
    fn catch_up(&mut self) {
        let Some(day) = self.backlog.pop() else {
            return;
        };
        let Some(store) = &mut self.store else { return };
        let (root, shared) = (self.shared.root(), &self.shared);
        let being_written = |path: &str| shared.is_being_written(path);
        let next = &shared.next;
        match repair::look_at_day(&root, &mut store.index, &day, next, &being_written) {
            Ok(report) if report.is_nothing() => {}
            Ok(report) => info!("recordings: {}: {report}", day.path()),
            Err(error) => self.fail(&error),
        }
    }

    /// Completes what broke off, and deletes what has to go.
    fn tidy(&mut self) -> Result<(), Error> {
        let root = self.shared.root();
        let Some(store) = &mut self.store else {
            return Ok(());
        };
        let Some(place) = &store.place else {
            return Ok(());
        };
        let path = root.join(INDEX);
        let here = fs::metadata(&path).map(|file| (file.dev(), file.ino()));
        if here.ok() != Some(place.identity) {
            // Unmounted, or removed by somebody: opening it again tells.
            self.store = None;
            self.retry = Instant::now();
            return Ok(());
        }
        let shared = &self.shared;
        let being_written = |path: &str| shared.is_being_written(path);
        let next = &shared.next;
        let index = &mut store.index;
        if shared.take_trouble()
            && let Err(error) = index.try_to_write()
            && !index::is_full(&error)
        {
            // Whoever puts the disk right has to unmount it first, which open files prevent.
            self.let_go(&Error::from(error));
            return Ok(());
        }
        let mut report = repair::look_at_unfinished(&root, index, next, &being_written)?;
        if std::mem::replace(&mut self.missed, false) {
            for day in recent(&root)?.0 {
                let found = repair::look_at_day(&root, index, &day, next, &being_written);
                self.missed |= found.is_err();
                report.add(found?);
            }
        }
        if !report.is_nothing() {
            info!("recordings: {report}");
        }
        while clear(shared, &root, &mut store.index)? {}
        Ok(())
    }
}

/// The days of each camera that are always compared with the index, and those before, the newest first.
fn recent(root: &Path) -> Result<(Vec<Day>, Vec<Day>), Error> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let is_recent = |day: &Day| {
        let number = seen.entry(day.camera.clone()).or_default();
        *number += 1;
        *number <= RECENT
    };
    Ok(files::days(root)?.into_iter().partition(is_recent))
}

/// Deletes what has to go among the oldest of each camera; `true` if more may have to.
fn clear(shared: &Shared, root: &Path, index: &mut Index) -> Result<bool, Error> {
    let settings = shared.settings();
    let disk = statvfs(root).map_err(|error| Error::file(root)(error.into()))?;
    let mut usage = Usage {
        max_size: settings.max_size,
        free: Some((
            disk.f_bavail.saturating_mul(disk.f_frsize),
            settings.min_free,
        )),
        ..Usage::default()
    };
    let mut segments = HashMap::new();
    let mut candidates = Vec::new();
    let totals = index.totals()?;
    shared.set_totals(totals.clone());
    for (camera, bytes) in &totals {
        usage.cameras.push((*bytes, shared.limits(camera)));
    }
    for (number, (camera, _)) in totals.iter().enumerate() {
        // The rows of the oldest are far from those that are used, and others wait while they are read.
        if !usage.may_be_too_much(number) {
            continue;
        }
        for segment in index.oldest(camera, BATCH)? {
            candidates.push(Candidate {
                id: segment.id,
                camera: number,
                end: segment.end(),
                bytes: segment.bytes,
            });
            segments.insert(segment.id, segment);
        }
    }
    let expired = retention::expired(candidates, usage, SystemTime::now());
    let gone: Vec<_> = expired.iter().filter_map(|id| segments.get(id)).collect();
    // The files first: on a full disk there is room in the index only then.
    for segment in &gone {
        debug!("{} has to go", segment.path);
        shared.unlink(segment)?;
    }
    index.together(|index| gone.iter().try_for_each(|segment| index.remove(segment.id)))?;
    Ok(gone.len() >= BATCH as usize)
}

fn fault(why: &str) -> Health {
    Health::Fault {
        why: why.into(),
        since: SystemTime::now(),
    }
}
