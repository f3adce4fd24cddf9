//! What all parts of a store share: the settings, how it is, and the files that are being written.
//!
//! What does not belong here: the index, and what blocks for long.

use std::{
    collections::HashMap,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    clock::Machine,
    error::Error,
    model::Segment,
    retention::Limits,
    store::{Health, Settings},
    table::{Cache, Table},
};

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

impl Shared {
    /// Of a store that was not opened yet.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
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
        }
    }

    pub(super) fn health(&self) -> Health {
        locked(&self.health).clone()
    }

    pub(super) fn set_health(&self, health: Health) {
        *locked(&self.health) = health;
    }

    pub(super) fn set_totals(&self, totals: impl IntoIterator<Item = (String, u64)>) {
        *locked(&self.totals) = totals.into_iter().collect();
    }

    /// Bytes of all complete files of a camera, as they were when that was looked for last.
    pub(super) fn total(&self, camera: &str) -> u64 {
        let totals = locked(&self.totals);
        totals.get(camera).copied().unwrap_or_default()
    }

    pub(super) fn settings(&self) -> Settings {
        locked(&self.settings).clone()
    }

    /// Takes other settings, but for the folder.
    pub(super) fn change(&self, settings: &Settings) {
        let mut known = locked(&self.settings);
        let root = std::mem::take(&mut known.root);
        *known = Settings {
            root,
            ..settings.clone()
        };
    }

    pub(super) fn limit(&self, camera: &str, limits: Limits) {
        locked(&self.limits).insert(camera.into(), limits);
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

    /// Something is to be kept from now on; `true` the first time.
    pub(super) fn want(&self) -> bool {
        let is_first = !self.wanted.swap(true, Relaxed);
        if is_first {
            let mut health = locked(&self.health);
            if *health == Health::Empty {
                *health = Health::Opening;
            }
        }
        is_first
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
