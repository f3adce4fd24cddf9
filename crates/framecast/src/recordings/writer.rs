//! The thread that writes one camera's recording.
//!
//! A picture is handed over through a queue of bounded bytes: while the disk is slow or gone, pictures are dropped and
//! counted, and whoever hands them over never waits.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use framecast_camera::Captured;
use tracing::{debug, info, warn};

use super::{
    error::Error,
    model::{Picture, Segment},
    queue::{Item, Progress, Queue, State, Task},
    segment::Growing,
    shared::Live,
    store::{Health, Recordings},
};

/// What is written is on the disk after so long, with time to spare to a second.
const SYNC: Duration = Duration::from_millis(800);
/// How far the wall clock may go astray before it counts as set.
const STEP: Duration = Duration::from_millis(250);
/// How long to wait before it is tried again after an error.
const RETRY: Duration = Duration::from_secs(2);
/// How often it is looked whether the store is open, and how long that may take once the recording has ended.
const LOOK: Duration = Duration::from_millis(20);
const OPENING: Duration = Duration::from_secs(1);

/// Writes one camera's recording. Dropping it ends it and waits until all is on the disk.
#[derive(Debug)]
pub struct Writer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(recordings: Recordings, camera: &str) -> Result<Self, Error> {
        let queue = Arc::new(Queue::new());
        let desk = Desk {
            recordings,
            camera: camera.into(),
            queue: Arc::clone(&queue),
            file: None,
            run: None,
            retry: None,
        };
        let thread = thread::Builder::new()
            .name(format!("record-{camera}"))
            .spawn(move || desk.run())
            .map_err(|error| Error::Unavailable(format!("no thread can be started: {error}")))?;
        Ok(Self {
            queue,
            thread: Some(thread),
        })
    }

    /// Hands a picture over to be written. It never waits: if too many are waiting already the picture is dropped, which is
    /// counted.
    pub fn push(&self, picture: Picture) {
        self.queue.push(picture);
    }

    /// Hands over pictures that were kept in memory anyway, however many they are.
    pub fn push_kept(&self, pictures: impl IntoIterator<Item = Picture>) {
        self.queue.push_kept(pictures);
    }

    /// Says that what follows does not go on where the picture before ended: the file is made complete.
    pub fn gap(&self) {
        self.queue.gap();
    }

    /// What the recording is doing.
    pub fn progress(&self) -> Progress {
        self.queue.progress()
    }

    /// Ends the recording: no picture is taken any more, and those that wait are written. Dropping the writer waits for
    /// that.
    pub fn end(&self) {
        self.queue.end();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported where it happened.
            let _ = thread.join();
        }
    }
}

/// Where the thread works.
struct Desk {
    recordings: Recordings,
    camera: Arc<str>,
    queue: Arc<Queue>,
    file: Option<Current>,
    /// The run that goes on, and the place in it of the segment that comes next.
    run: Option<(u64, u32)>,
    retry: Option<Instant>,
}

struct Current {
    growing: Growing,
    first: Captured,
    /// By when what was written has to be on the disk.
    sync: Option<Instant>,
}

impl Desk {
    fn run(mut self) {
        loop {
            let sync = self.file.as_ref().and_then(|current| current.sync);
            let done = match self.queue.next(sync) {
                Task::Do(Item::Picture(picture)) => self.take(&picture),
                Task::Do(Item::Gap) => self.end_run(),
                Task::Sync => self.sync(),
                Task::End => {
                    if let Err(error) = self.end_run() {
                        self.fail(&error);
                    }
                    return;
                }
            };
            if let Err(error) = done {
                self.fail(&error);
            }
        }
    }

    fn take(&mut self, picture: &Picture) -> Result<(), Error> {
        if self.retry.is_some_and(|retry| Instant::now() < retry) {
            self.queue.locked().progress.dropped += 1;
            return Ok(());
        }
        let written = self.write(picture);
        let mut queued = self.queue.locked();
        let progress = &mut queued.progress;
        match &written {
            Ok(()) => {
                progress.frames += 1;
                progress.bytes += picture.jpeg.len() as u64;
            }
            Err(_) => progress.dropped += 1,
        }
        drop(queued);
        if written.is_ok() {
            self.retry = None;
            if let State::Faulted { .. } = self.queue.enter(State::Recording) {
                info!(camera = %self.camera, "recorded again");
            }
        }
        written
    }

    fn write(&mut self, picture: &Picture) -> Result<(), Error> {
        let settings = self.recordings.settings();
        if let (Health::Fault { why, .. }, Some(_)) = (self.recordings.health(), &self.file) {
            // A disk that was taken away: what is written there nobody would find.
            return Err(Error::Unavailable(why.to_string()));
        }
        if let Some(current) = &self.file {
            let (first, now) = (current.first, picture.captured);
            let time = now.monotonic.saturating_duration_since(first.monotonic);
            let segment = current.growing.segment();
            if clock_was_set(first, now, time) {
                self.end_run()?;
            } else if time >= settings.segment || segment.size != picture.size {
                self.finish()?;
            }
        }
        let current = match &mut self.file {
            Some(current) => current,
            None => {
                let begun = self.begin(picture)?;
                self.file.insert(begun)
            }
        };
        let time = picture
            .captured
            .monotonic
            .saturating_duration_since(current.first.monotonic);
        current.growing.write(picture, time)?;
        current.sync.get_or_insert_with(|| Instant::now() + SYNC);
        Ok(())
    }

    /// Begins the next file.
    fn begin(&mut self, picture: &Picture) -> Result<Current, Error> {
        // Pictures wait in the queue meanwhile.
        let mut patience = OPENING;
        while !matches!(
            self.recordings.health(),
            Health::Ready | Health::Fault { .. }
        ) {
            if self.queue.has_ended() {
                patience = patience.saturating_sub(LOOK);
            }
            if patience.is_zero() {
                return Err(Error::Unavailable("the store did not open".to_owned()));
            }
            thread::sleep(LOOK);
        }
        if let Health::Fault { why, .. } = self.recordings.health() {
            return Err(Error::Unavailable(why.to_string()));
        }
        let shared = self.recordings.shared();
        let id = shared.next_id();
        let (run, part) = self.run.unwrap_or((id, 0));
        let segment = Segment {
            id,
            camera: Arc::clone(&self.camera),
            run,
            part,
            start: picture.captured.wall,
            monotonic: shared.machine.since_boot(picture.captured.monotonic),
            boot: shared.machine.boot.clone(),
            length: Duration::ZERO,
            frames: 0,
            bytes: 0,
            size: picture.size,
            path: String::new(),
            finished: false,
        };
        let growing = Growing::create(&shared.root_in_place()?, segment)?;
        self.run = Some((run, part + 1));
        shared.begin(Live {
            segment: growing.segment().clone(),
            table: Arc::clone(growing.table()),
        });
        self.note(growing.segment());
        Ok(Current {
            growing,
            first: picture.captured,
            sync: None,
        })
    }

    fn sync(&mut self) -> Result<(), Error> {
        match &mut self.file {
            Some(current) => {
                current.sync = None;
                current.growing.sync()
            }
            None => Ok(()),
        }
    }

    /// Completes the file; what follows goes on where it ended.
    fn finish(&mut self) -> Result<(), Error> {
        let Some(current) = self.file.take() else {
            return Ok(());
        };
        let id = current.growing.segment().id;
        let table = Arc::clone(current.growing.table());
        let finished = current.growing.finish();
        if let Ok(segment) = &finished {
            self.note(segment);
            self.recordings.shared().cache.keep(id, table);
        }
        // After the index was told, so that the segment is known at every moment.
        self.recordings.shared().end(id);
        finished.map(|_| ())
    }

    /// Completes the file; what follows does not go on there.
    fn end_run(&mut self) -> Result<(), Error> {
        let finished = self.finish();
        self.run = None;
        self.queue.enter(State::Idle);
        finished
    }

    /// The file is left as it is, to be completed when the disk is back.
    fn fail(&mut self, error: &Error) {
        if let Some(current) = self.file.take() {
            let segment = current.growing.abandon();
            self.recordings.shared().end(segment.id);
        }
        self.run = None;
        self.retry = Some(Instant::now() + RETRY);
        let state = State::Faulted {
            why: error.to_string().into(),
        };
        self.recordings.shared().report_trouble();
        if !matches!(self.queue.enter(state), State::Faulted { .. }) {
            match error {
                // The store says so itself, once for all cameras.
                Error::Unavailable(_) => debug!(camera = %self.camera, "not recorded: {error}"),
                _ => warn!(camera = %self.camera, "not recorded: {error}"),
            }
        }
    }

    /// Tells the index, without waiting for it. What it does not hear it finds out from the files.
    fn note(&self, segment: &Segment) {
        let segment = segment.clone();
        self.recordings.tell(Box::new(move |index| {
            index.ok().and_then(|index| index.put(&segment).err())
        }));
    }
}

/// Whether the wall clock went another way than the monotonic one since the file began.
fn clock_was_set(first: Captured, now: Captured, time: Duration) -> bool {
    let expected = super::clock::after(first.wall, time);
    let astray = now
        .wall
        .duration_since(expected)
        .unwrap_or_else(|before| before.duration());
    astray > STEP
}
