//! The queue between whoever hands pictures over and the thread that writes them, and what is known of that thread.
//!
//! What does not belong here: files.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use super::model::Picture;

/// What may wait for the disk: beyond either, pictures are dropped.
const QUEUE_BYTES: usize = 32 << 20;
const QUEUE_PICTURES: usize = 512;
/// How long a write may take before that is a fault.
const STALL: Duration = Duration::from_secs(3);

/// What a camera's recording is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is being written.
    Idle,
    /// Pictures are being written.
    Recording,
    /// Pictures can't be written and are dropped. That is tried again by itself.
    Faulted {
        /// Why not.
        why: Arc<str>,
    },
}

/// A camera's recording as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub state: State,
    /// Since when.
    pub since: SystemTime,
    /// Pictures that were written.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Pictures that were dropped, for the disk was slow, full or gone.
    pub dropped: u64,
}

// A std lock: held for a few instructions, never while the disk is waited for.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<Queued>,
    changed: Condvar,
}

#[derive(Debug)]
pub(super) struct Queued {
    items: VecDeque<Item>,
    bytes: usize,
    ended: bool,
    pub(super) progress: Progress,
    /// Since when the thread is waiting for the disk.
    busy: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum Item {
    Picture(Picture),
    /// What follows does not go on where the picture before ended.
    Gap,
}

/// What the thread is to do next.
pub(super) enum Task {
    Do(Item),
    Sync,
    End,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(Queued {
                items: VecDeque::new(),
                bytes: 0,
                ended: false,
                progress: Progress {
                    state: State::Idle,
                    since: SystemTime::now(),
                    frames: 0,
                    bytes: 0,
                    dropped: 0,
                },
                busy: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// Hands a picture over to be written. It never waits: if too many are waiting already the picture is dropped, which is
    /// counted.
    pub(super) fn push(&self, picture: Picture) {
        let mut queued = self.locked();
        let len = picture.jpeg.len();
        let full = queued.items.len() >= QUEUE_PICTURES || queued.bytes + len > QUEUE_BYTES;
        if full && !queued.items.is_empty() {
            queued.progress.dropped += 1;
            if !matches!(queued.items.back(), Some(Item::Gap)) {
                queued.items.push_back(Item::Gap);
            }
            return;
        }
        queued.bytes += len;
        queued.items.push_back(Item::Picture(picture));
        self.changed.notify_one();
    }

    /// Hands over pictures that were kept in memory anyway, however many they are.
    pub(super) fn push_kept(&self, pictures: impl IntoIterator<Item = Picture>) {
        let mut queued = self.locked();
        for picture in pictures {
            queued.bytes += picture.jpeg.len();
            queued.items.push_back(Item::Picture(picture));
        }
        self.changed.notify_one();
    }

    /// Says that what follows does not go on where the picture before ended: the file is made complete.
    pub(super) fn gap(&self) {
        let mut queued = self.locked();
        if !matches!(queued.items.back(), Some(Item::Gap)) {
            queued.items.push_back(Item::Gap);
        }
        self.changed.notify_one();
    }

    /// What the recording is doing.
    pub(super) fn progress(&self) -> Progress {
        let queued = self.locked();
        let mut progress = queued.progress.clone();
        if let Some(busy) = queued.busy
            && busy.elapsed() > STALL
            && !matches!(progress.state, State::Faulted { .. })
        {
            progress.state = State::Faulted {
                why: "the disk does not answer".into(),
            };
            progress.since = SystemTime::now()
                .checked_sub(busy.elapsed())
                .unwrap_or(progress.since);
        }
        progress
    }

    /// No picture is taken any more, and those that wait are written.
    pub(super) fn end(&self) {
        self.locked().ended = true;
        self.changed.notify_one();
    }

    pub(super) fn locked(&self) -> MutexGuard<'_, Queued> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be done next, if need be after waiting until `sync`.
    pub(super) fn next(&self, sync: Option<Instant>) -> Task {
        let mut queued = self.locked();
        queued.busy = None;
        loop {
            let now = Instant::now();
            if sync.is_some_and(|sync| now >= sync) {
                queued.busy = Some(now);
                return Task::Sync;
            }
            if let Some(item) = queued.items.pop_front() {
                if let Item::Picture(picture) = &item {
                    queued.bytes -= picture.jpeg.len();
                }
                queued.busy = Some(now);
                return Task::Do(item);
            }
            if queued.ended {
                return Task::End;
            }
            queued = match sync {
                Some(sync) => {
                    let waited = self.changed.wait_timeout(queued, sync - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let waited = self.changed.wait(queued);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }

    /// Whether no more will come. Asked while the store is waited for, which is no trouble of the disk.
    pub(super) fn has_ended(&self) -> bool {
        let mut queued = self.locked();
        queued.busy = None;
        queued.ended
    }

    pub(super) fn enter(&self, state: State) -> State {
        let progress = &mut self.locked().progress;
        if progress.state != state {
            progress.since = SystemTime::now();
        }
        std::mem::replace(&mut progress.state, state)
    }
}
