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
    store::{Health, Shared},
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

pub(super) fn start(shared: Arc<Shared>) -> mpsc::Sender<Job> {
    let (jobs, todo) = mpsc::channel();
    let worker = Worker {
        shared: Arc::clone(&shared),
        store: None,
        device: None,
        retry: Instant::now(),
        tidied: Instant::now(),
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
    /// Days that were not compared with a new index yet, the newest last.
    backlog: Vec<Day>,
}

/// A store that is open.
struct Store {
    index: Index,
    _lock: File,
    /// Which file the index is.
    identity: (u64, u64),
}

impl Worker {
    fn run(mut self, todo: &mpsc::Receiver<Job>) {
        loop {
            if self.store.is_none() && Instant::now() >= self.retry {
                self.open();
            }
            let patience = match (&self.store, self.backlog.is_empty()) {
                (Some(_), false) => Duration::ZERO,
                _ => Duration::from_millis(500),
            };
            match todo.recv_timeout(patience) {
                Ok(job) => self.work(job),
                Err(mpsc::RecvTimeoutError::Timeout) => self.catch_up(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            }
            if self.store.is_some() && self.tidied.elapsed() >= TIDY {
                self.tidied = Instant::now();
                if let Err(error) = self.tidy() {
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
                Health::Opening | Health::Ready => "the recordings are being opened".to_owned(),
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
        } else {
            self.fail(&Error::Index(error.to_string()));
        }
    }

    /// The store can't be used for now.
    fn fail(&mut self, error: &Error) {
        let why = error.to_string();
        let known =
            matches!(self.shared.health(), Health::Fault { why: known, .. } if *known == *why);
        if !known {
            error!("recordings: {why}");
            self.shared.set_health(fault(&why));
        }
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
                if !report.is_nothing() {
                    info!("recordings: {report}");
                }
                self.shared.set_health(Health::Ready);
            }
            Err(error) => self.fail(&error),
        }
    }

    fn try_open(&mut self) -> Result<Report, Error> {
        let root = self.shared.root();
        let path = root.join(INDEX);
        fs::create_dir_all(&root).map_err(Error::file(&root))?;
        let device = fs::metadata(&root).map_err(Error::file(&root))?.dev();
        if self.device.is_some_and(|known| known != device) && !path.exists() {
            return Err(Error::Unavailable(format!(
                "{}: the disk with the recordings is gone; is it mounted?",
                root.display()
            )));
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
        let mut seen: HashMap<String, usize> = HashMap::new();
        self.backlog.clear();
        for day in files::days(&root)? {
            let number = seen.entry(day.camera.clone()).or_default();
            *number += 1;
            if *number <= RECENT {
                let found = repair::look_at_day(&root, &mut index, &day, next, &being_written)?;
                report.add(found);
            } else if is_new {
                self.backlog.push(day);
            }
        }
        self.backlog.reverse();
        let file = fs::metadata(&path).map_err(Error::file(&path))?;
        self.device = Some(device);
        self.store = Some(Store {
            index,
            _lock: lock,
            identity: (file.dev(), file.ino()),
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
        let path = root.join(INDEX);
        let here = fs::metadata(&path).map(|file| (file.dev(), file.ino()));
        if here.ok() != Some(store.identity) {
            // Unmounted, or removed by somebody: opening it again tells.
            self.store = None;
            self.retry = Instant::now();
            return Ok(());
        }
        let shared = &self.shared;
        let being_written = |path: &str| shared.is_being_written(path);
        let report = repair::look_at_unfinished(&root, &store.index, &shared.next, &being_written)?;
        if !report.is_nothing() {
            info!("recordings: {report}");
        }
        while clear(shared, &root, &mut store.index)? {}
        Ok(())
    }
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
    for (number, (camera, bytes)) in index.totals()?.into_iter().enumerate() {
        usage.cameras.push((bytes, shared.limits(&camera)));
        for segment in index.oldest(&camera, BATCH)? {
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
