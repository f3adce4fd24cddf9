//! The exports that are on their way, and how far those are that have a name.
//!
//! A browser takes a download into its own hands, and no script sees how much of it has come. So whoever asks for an export
//! may give it a name, and ask under that how far it is. What is told is what was handed to the connection: a little more
//! than the client has.
//!
//! What does not belong here: making an export (`crate::export`) and answering with one (`export`).

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::playback::Id;

/// Exports at a time: each keeps a thread while it runs.
const MOST: usize = 16;
/// Exports that are remembered by name, the ones that run among them.
const REMEMBERED: usize = 64;

/// The exports of a server. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Exports {
    room: Arc<Semaphore>,
    // A std lock: held while a short list is looked through.
    named: Arc<Mutex<VecDeque<Arc<Job>>>>,
}

/// An export with a name.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) camera: String,
    pub(super) id: Id,
    /// What the name of its file ends in.
    pub(super) kind: &'static str,
    /// Bytes of the whole file.
    pub(super) bytes: u64,
    /// Pictures in it.
    pub(super) pictures: u64,
    done: AtomicU64,
    end: OnceLock<Result<(), String>>,
}

impl Exports {
    pub(super) fn new() -> Self {
        Self {
            room: Arc::new(Semaphore::new(MOST)),
            named: Arc::default(),
        }
    }

    /// Leave to run one more; `None` while as many run as may.
    pub(super) fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_owned().ok()
    }

    /// Remembers an export. It takes the place of one of the same name: a download that broke off goes on so.
    pub(super) fn remember(&self, job: Job) -> Arc<Job> {
        let job = Arc::new(job);
        let mut named = self.locked();
        named.retain(|known| !known.is(&job.camera, &job.id));
        if named.len() >= REMEMBERED {
            named.pop_front();
        }
        named.push_back(Arc::clone(&job));
        job
    }

    /// The export of that name.
    pub(super) fn find(&self, camera: &str, id: &Id) -> Option<Arc<Job>> {
        let named = self.locked();
        named.iter().find(|job| job.is(camera, id)).cloned()
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Arc<Job>>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    /// An export that begins at a byte of its file.
    pub(super) fn new(
        camera: &str,
        id: Id,
        kind: &'static str,
        (bytes, pictures): (u64, u64),
        at: u64,
    ) -> Self {
        Self {
            camera: camera.to_owned(),
            id,
            kind,
            bytes,
            pictures,
            done: AtomicU64::new(at),
            end: OnceLock::new(),
        }
    }

    fn is(&self, camera: &str, id: &Id) -> bool {
        self.camera == camera && self.id == *id
    }

    /// So many more bytes are on their way.
    pub(super) fn add(&self, bytes: u64) {
        self.done.fetch_add(bytes, Relaxed);
    }

    /// It is over, well or not.
    pub(super) fn end(&self, end: Result<(), String>) {
        // It ends once.
        let _ = self.end.set(end);
    }

    /// Bytes of the file that are out, those of an earlier part included.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Relaxed)
    }

    /// How it ended; `None` while it runs.
    pub(super) fn ended(&self) -> Option<&Result<(), String>> {
        self.end.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(number: usize) -> Job {
        let id = format!("export-{number}").parse().unwrap();
        Job::new("door", id, "zip", (100, 1), 0)
    }

    #[test]
    fn the_oldest_is_forgotten_and_a_name_stands_for_the_latest() {
        let exports = Exports::new();
        for number in 0..REMEMBERED + 10 {
            exports.remember(job(number));
        }
        let find = |number| exports.find("door", &job(number).id);
        assert!(find(9).is_none() && find(10).is_some());
        let again = exports.remember(job(20));
        again.add(7);
        assert_eq!(find(20).unwrap().done(), 7);
        assert!(find(10).is_some() && exports.find("yard", &job(20).id).is_none());
        assert_eq!(exports.locked().len(), REMEMBERED);
    }

    #[test]
    fn no_more_run_than_may() {
        let exports = Exports::new();
        let running: Vec<_> = std::iter::from_fn(|| exports.room()).collect();
        assert_eq!(running.len(), MOST);
        drop(running);
        assert!(exports.room().is_some());
    }
}
