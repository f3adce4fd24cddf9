//! A camera's recording: an ordinary sink, which wants the camera's frames while it records or keeps the last ones ready.
//!
//! What does not belong here: files (`recordings`), and who says when to record (`catalog`).

mod ring;
mod status;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::{
    hub::{Every, Feed, Frame, Received},
    recordings::{self, Picture, Recordings, Writer},
};
use ring::Ring;
pub use status::{Mode, Plan, Refused, State, Status};

/// Bytes that the pictures before a start may take at most.
const RING_BYTES: usize = 128 << 20;

/// Records one camera, until the camera is removed or this is dropped.
#[derive(Debug)]
pub struct Recorder {
    wish: watch::Sender<Wish>,
    shared: Arc<Shared>,
}

/// What is wanted at present.
#[derive(Clone, Debug)]
struct Wish {
    plan: Plan,
    /// If it was started by hand: the time of the oldest picture that belongs to it.
    started: Option<Instant>,
    since: SystemTime,
}

#[derive(Debug)]
struct Shared {
    feed: Feed,
    recordings: Recordings,
    // A std lock: held for a few instructions, for a writer never waits for the disk.
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Started with the first picture.
    writer: Option<Writer>,
    /// Frames that the task was too late for.
    lost: u64,
    buffered: Duration,
}

impl Wish {
    fn records(&self) -> bool {
        match self.plan.mode {
            Mode::Off => false,
            Mode::Always => true,
            Mode::Manual => self.started.is_some(),
        }
    }

    fn buffers(&self) -> bool {
        self.plan.mode == Mode::Manual && !self.plan.pre_record.is_zero()
    }
}

impl Recorder {
    /// Starts recording as planned. Its task is one of `tasks`, and ends once all is on the disk.
    ///
    /// Must be called inside a tokio runtime.
    pub fn start(feed: Feed, recordings: Recordings, plan: Plan, tasks: &TaskTracker) -> Self {
        recordings.limit(feed.name(), plan.limits);
        let wish = watch::Sender::new(Wish {
            plan,
            started: None,
            since: SystemTime::now(),
        });
        let shared = Arc::new(Shared {
            feed,
            recordings,
            seen: Mutex::default(),
        });
        tasks.spawn(run(Arc::clone(&shared), wish.subscribe()));
        Self { wish, shared }
    }

    /// Records in another way from now on. The camera stays open.
    pub fn change(&self, plan: Plan) {
        let Shared {
            recordings, feed, ..
        } = &*self.shared;
        recordings.limit(feed.name(), plan.limits);
        self.wish.send_if_modified(|wish| {
            let new = wish.plan != plan;
            if new {
                // A start is one of the plan it was made under.
                wish.started = wish.started.filter(|_| plan.mode == Mode::Manual);
                wish.plan = plan;
                wish.since = SystemTime::now();
            }
            new
        });
    }

    /// Records from now on, and what is still in memory of the time before.
    ///
    /// # Errors
    /// [`Refused`], unless the camera is to be started by hand.
    pub fn record(&self, include: Duration) -> Result<(), Refused> {
        let now = Instant::now();
        self.turn(Some(now.checked_sub(include).unwrap_or(now)))
    }

    /// Ends what [`record`](Self::record) began.
    ///
    /// # Errors
    /// [`Refused`], unless the camera is to be stopped by hand.
    pub fn stop(&self) -> Result<(), Refused> {
        self.turn(None)
    }

    fn turn(&self, started: Option<Instant>) -> Result<(), Refused> {
        match self.wish.borrow().plan.mode {
            Mode::Off => return Err(Refused::Off),
            Mode::Always => return Err(Refused::Always),
            Mode::Manual => {}
        }
        self.wish.send_if_modified(|wish| {
            // Who starts what runs already changes nothing.
            let new = wish.started.is_some() != started.is_some();
            if new {
                wish.started = started;
                wish.since = SystemTime::now();
            }
            new
        });
        Ok(())
    }

    /// What the recording is doing.
    pub fn status(&self) -> Status {
        let wish = self.wish.borrow().clone();
        let seen = self.shared.locked();
        let progress = seen.writer.as_ref().map(Writer::progress);
        let (mut state, mut since) = match (wish.records(), wish.buffers()) {
            (true, _) => (State::Waiting, wish.since),
            (false, true) => (State::Buffering, wish.since),
            (false, false) => (State::Off, wish.since),
        };
        if let Some(progress) = progress.as_ref().filter(|_| wish.records()) {
            since = since.max(progress.since);
            match &progress.state {
                recordings::State::Idle => {}
                recordings::State::Recording => state = State::Recording,
                recordings::State::Faulted { why } => {
                    state = State::Faulted {
                        why: Arc::clone(why),
                    };
                }
            }
        }
        Status {
            mode: wish.plan.mode,
            state,
            since,
            frames: progress.as_ref().map_or(0, |it| it.frames),
            bytes: progress.as_ref().map_or(0, |it| it.bytes),
            dropped: seen.lost + progress.as_ref().map_or(0, |it| it.dropped),
            buffered: seen.buffered,
        }
    }
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(shared: Arc<Shared>, mut wish: watch::Receiver<Wish>) {
    let mut desk = Desk {
        shared,
        ring: Ring::default(),
        recording: false,
    };
    desk.follow(&mut wish).await;
    let writer = desk.shared.locked().writer.take();
    // Completing the file waits for the disk.
    if tokio::task::spawn_blocking(move || drop(writer))
        .await
        .is_err()
    {
        warn!(camera = %desk.shared.feed.name(), "the recording did not come to its end");
    }
}

/// What the task holds between two frames.
struct Desk {
    shared: Arc<Shared>,
    ring: Ring,
    recording: bool,
}

impl Desk {
    /// Does what is wished for until the camera is gone or nobody wishes any more.
    async fn follow(&mut self, wish: &mut watch::Receiver<Wish>) {
        let feed = self.shared.feed.clone();
        let mut every: Option<Every> = None;
        loop {
            let now = wish.borrow_and_update().clone();
            self.turn(&now);
            if now.records() || now.buffers() {
                every.get_or_insert_with(|| feed.subscribe_to_every());
            } else {
                every = None;
            }
            loop {
                tokio::select! {
                    changed = wish.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                    received = next(&mut every) => match received {
                        Some(received) => self.take(&now, &received),
                        None => return,
                    },
                    () = feed.gone() => return,
                }
            }
        }
    }

    /// Begins or ends the recording.
    fn turn(&mut self, wish: &Wish) {
        let records = wish.records();
        if records && !self.recording {
            self.recording = true;
            if let Some(from) = wish.started {
                let mut held = false;
                for (picture, after_gap) in self.ring.take(from) {
                    if after_gap && held {
                        self.write(|writer| writer.gap());
                    }
                    held = true;
                    self.write(|writer| writer.push_kept([picture]));
                }
            }
        } else if !records && self.recording {
            self.recording = false;
            self.write(|writer| writer.gap());
        }
        if records || !wish.buffers() {
            self.ring.clear();
            self.shared.locked().buffered = Duration::ZERO;
        }
    }

    fn take(&mut self, wish: &Wish, received: &Received) {
        self.shared.locked().lost += received.skipped;
        let frame = &received.frame;
        match (self.recording, frame.is_live()) {
            (true, true) => self.write(|writer| writer.push(picture(frame))),
            (true, false) => self.write(|writer| writer.gap()),
            (false, true) => {
                let reach = wish.plan.pre_record;
                self.ring.push(picture(frame), reach, RING_BYTES);
                self.shared.locked().buffered = self.ring.length();
            }
            (false, false) => self.ring.gap(),
        }
    }

    fn write(&self, what: impl FnOnce(&Writer)) {
        let Shared {
            feed, recordings, ..
        } = &*self.shared;
        let mut seen = self.shared.locked();
        if seen.writer.is_none() {
            match recordings.writer(feed.name()) {
                Ok(writer) => seen.writer = Some(writer),
                Err(error) => {
                    seen.lost += 1;
                    warn!(camera = %feed.name(), "not recorded: {error}");
                }
            }
        }
        if let Some(writer) = &seen.writer {
            what(writer);
        }
    }
}

async fn next(every: &mut Option<Every>) -> Option<Received> {
    match every {
        Some(every) => every.next().await,
        None => std::future::pending().await,
    }
}

fn picture(frame: &Frame) -> Picture {
    Picture {
        jpeg: frame.jpeg.clone(),
        size: frame.size,
        captured: frame.captured,
    }
}
