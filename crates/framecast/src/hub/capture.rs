//! One camera's capture: open while somebody wants its frames, watched over, opened again when it is lost.
//!
//! One task per feed, and the only one that opens its camera, so there is never a second capture; it does not open again
//! before the device is closed, or has had [`CLOSE`] to do so.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use framecast_camera::{Error, ErrorKind, Lost, Running, Size};
use framecast_media::{jpeg, picture};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tracing::{debug, info, warn};

use super::{
    Feed, Linger, Plan, State, Stats,
    backoff::Backoff,
    ingest::{Ingest, Prepared},
};

/// How long a device may take to close before it is left to itself.
const CLOSE: Duration = Duration::from_secs(5);
/// How often the picture that stands in for a missing one is renewed, and how long an opening camera may leave its viewers
/// without any.
const STAND_IN: Duration = Duration::from_secs(1);
/// A camera that ran for so long is opened again without delay when it is lost.
const SETTLED: Duration = Duration::from_secs(10);
/// The stand-in's size for a camera that never gave a picture.
const DEFAULT_SIZE: Size = Size::new(640, 480);

/// Why a session with an open camera, or the wait for one, is over.
enum End {
    /// Nobody wants its frames any more.
    Unwanted,
    /// It was removed, or the server stops.
    Closed,
    /// Open it (again): its plan has changed, or the pause is over.
    Reopen,
    /// It failed, and is to be opened again then; not at all if never.
    Lost(Option<Instant>),
}

/// Runs the capture of `feed` until the feed is closed.
pub(super) async fn run(feed: Feed) {
    let mut capture = Capture {
        plan: feed.watch_plan(),
        wanted: feed.watch_wanted(),
        backoff: Backoff::default(),
        trouble: None,
        feed,
    };
    capture.forever().await;
    capture.feed.end();
}

struct Capture {
    feed: Feed,
    plan: watch::Receiver<Plan>,
    wanted: watch::Receiver<usize>,
    backoff: Backoff,
    trouble: Option<Trouble>,
}

/// Why and since when there is no picture.
struct Trouble {
    reason: Arc<str>,
    since: Instant,
}

impl Capture {
    async fn forever(&mut self) {
        loop {
            self.trouble = None;
            self.backoff.reset();
            self.feed.empty();
            self.feed.enter(State::Idle);
            let closed = self.feed.closed().clone();
            tokio::select! {
                () = closed.cancelled() => return,
                _ = self.wanted.wait_for(|wanted| *wanted > 0) => {}
            }
            loop {
                let mut end = self.session().await;
                if let End::Lost(retry) = end {
                    end = self.mourn(retry).await;
                }
                match end {
                    End::Reopen => {}
                    End::Unwanted => break,
                    End::Closed | End::Lost(_) => return,
                }
            }
        }
    }

    /// Opens the camera, reads it as long as that goes well, and closes it.
    async fn session(&mut self) -> End {
        let plan = self.plan.borrow_and_update().clone();
        let opened = catch_unwind(AssertUnwindSafe(|| plan.camera.frames().start()));
        let Ok(mut running) = opened else {
            let message = "the driver panicked while opening";
            let error = Error::new(ErrorKind::Panicked, message);
            return End::Lost(self.lose(&error).await);
        };
        if self.trouble.is_none() {
            self.feed.enter(State::Opening);
        }
        self.feed.count_opening();
        debug!(camera = %self.feed.name(), "opened");
        let end = match self.read(plan, &mut running).await {
            Ok(end) => end,
            // Before the device is closed: viewers should not have to wait for one that is wedged.
            Err(error) => End::Lost(self.lose(&error).await),
        };
        count(self.feed.stats(), running.take_lost());
        if timeout(CLOSE, running.close()).await.is_err() {
            warn!(camera = %self.feed.name(), "the device did not close within {CLOSE:?} and is left to itself");
        }
        debug!(camera = %self.feed.name(), "closed");
        end
    }

    async fn read(&mut self, mut plan: Plan, running: &mut Running) -> Result<End, Error> {
        let opened = Instant::now();
        let mut ingest = Ingest::new(&plan.output, &plan.policy);
        // When the camera counts as stalled; `None` while it says itself that it has no picture.
        let mut deadline = Some(after(plan.policy.first_frame));
        let mut first = true;
        let mut linger_until = self.linger_until(&plan);
        let mut stand_in_at = opened + STAND_IN;
        let closed = self.feed.closed().clone();
        loop {
            let prepared = tokio::select! {
                biased;
                () = closed.cancelled() => return Ok(End::Closed),
                Ok(()) = self.plan.changed() => {
                    let new = self.plan.borrow_and_update().clone();
                    if !plan.same_capture(&new) {
                        return Ok(End::Reopen);
                    }
                    plan = new;
                    linger_until = self.linger_until(&plan);
                    continue;
                }
                Ok(()) = self.wanted.changed() => {
                    linger_until = self.linger_until(&plan);
                    continue;
                }
                () = until(linger_until) => return Ok(End::Unwanted),
                done = ingest.done(self.feed.stats()) => done,
                item = running.next() => {
                    let stats = self.feed.stats();
                    count(stats, running.take_lost());
                    match item {
                        Some(Ok(frame)) => ingest.take(frame, stats),
                        Some(Err(error)) if error.kind() == ErrorKind::NoSignal => {
                            let reason: Arc<str> = error.to_string().into();
                            deadline = None;
                            // A picture from before, still being encoded, would pass for the signal's return.
                            ingest.discard();
                            self.feed.enter(State::NoSignal { reason: Arc::clone(&reason) });
                            let known = self.trouble.as_ref().is_some_and(|t| t.reason == reason);
                            if !known {
                                self.suffer(&reason);
                                self.stand_in().await;
                                stand_in_at = Instant::now() + STAND_IN;
                            }
                            continue;
                        }
                        Some(Err(error)) => return Err(error),
                        None => return Err(Error::new(ErrorKind::Ended, "the source has come to its end")),
                    }
                }
                () = until(deadline) => return Err(stalled(first, &plan, &ingest)),
                () = sleep_until(stand_in_at), if first || deadline.is_none() => {
                    self.stand_in().await;
                    stand_in_at = Instant::now() + STAND_IN;
                    continue;
                }
            };
            let Some(prepared) = prepared else { continue };
            self.feed.publish(prepared);
            deadline = Some(after(plan.stall()));
            if first || self.trouble.is_some() {
                first = false;
                if let Some(trouble) = self.trouble.take() {
                    info!(camera = %self.feed.name(), "live again after {:.1?}", trouble.since.elapsed());
                }
                self.feed.enter(State::Live);
            }
            if opened.elapsed() > SETTLED {
                self.backoff.reset();
            }
        }
    }

    /// Says that the camera failed and why, and when it is to be opened again.
    async fn lose(&mut self, error: &Error) -> Option<Instant> {
        let kind = error.kind();
        let reason: Arc<str> = error.to_string().into();
        self.suffer(&reason);
        let pause = self.backoff.pause(kind.retry());
        let retry = pause.map(|pause| Instant::now() + pause);
        self.feed.enter(match retry {
            Some(retry) => State::Lost {
                reason,
                kind,
                retry,
            },
            None => State::Failed { reason, kind },
        });
        self.stand_in().await;
        retry
    }

    /// Shows why there is no picture until it is time to try again.
    async fn mourn(&mut self, retry: Option<Instant>) -> End {
        let closed = self.feed.closed().clone();
        loop {
            if *self.wanted.borrow_and_update() == 0 {
                return End::Unwanted;
            }
            let renew = Instant::now() + STAND_IN;
            loop {
                tokio::select! {
                    biased;
                    () = closed.cancelled() => return End::Closed,
                    Ok(()) = self.plan.changed() => {
                        self.backoff.reset();
                        return End::Reopen;
                    }
                    Ok(()) = self.wanted.changed() => {
                        if *self.wanted.borrow_and_update() == 0 {
                            return End::Unwanted;
                        }
                    }
                    () = until(retry) => return End::Reopen,
                    () = sleep_until(renew) => {
                        self.stand_in().await;
                        break;
                    }
                }
            }
        }
    }

    /// Notes the trouble; says it in the log when it is new.
    fn suffer(&mut self, reason: &Arc<str>) {
        match &mut self.trouble {
            Some(trouble) if trouble.reason == *reason => {}
            Some(trouble) => {
                warn!(camera = %self.feed.name(), "{reason}");
                trouble.reason = Arc::clone(reason);
            }
            None => {
                warn!(camera = %self.feed.name(), "{reason}");
                self.trouble = Some(Trouble {
                    reason: Arc::clone(reason),
                    since: Instant::now(),
                });
            }
        }
    }

    /// Publishes a picture that says that there is none, and why.
    async fn stand_in(&self) {
        if *self.wanted.borrow() == 0 {
            return;
        }
        let (reason, since) = match &self.trouble {
            Some(trouble) => (
                Arc::clone(&trouble.reason),
                match trouble.since.elapsed().as_secs() {
                    0 => String::new(),
                    seconds => format!(
                        "for {}",
                        humantime::format_duration(Duration::from_secs(seconds))
                    ),
                },
            ),
            None => (Arc::from("opening the camera"), String::new()),
        };
        let size = self.feed.size().unwrap_or(DEFAULT_SIZE);
        let name = Arc::clone(self.feed.name());
        let told = Arc::clone(&reason);
        let drawn = tokio::task::spawn_blocking(move || {
            let picture = picture::no_signal(size.width, size.height, &name, &told, &since);
            jpeg::encode(&picture.pixels(), 80)
        });
        match drawn.await {
            Ok(Ok(jpeg)) => self
                .feed
                .publish_stand_in(Prepared::drawn(jpeg, size), reason),
            Ok(Err(error)) => {
                warn!(camera = %self.feed.name(), "no picture could be drawn of that: {error}");
            }
            Err(error) => {
                warn!(camera = %self.feed.name(), "no picture could be drawn of that: {error}");
            }
        }
    }

    fn linger_until(&mut self, plan: &Plan) -> Option<Instant> {
        match (*self.wanted.borrow_and_update(), plan.policy.linger) {
            (0, Linger::For(time)) => Some(after(time)),
            _ => None,
        }
    }
}

/// Counts frames that the hub never got.
fn count(stats: &Stats, lost: Lost) {
    for (reason, frames) in [
        ("hub_busy", lost.unread),
        ("device_missed", lost.missed),
        ("device_damaged", lost.damaged),
    ] {
        if frames > 0 {
            stats.drop_frames(reason, frames);
        }
    }
}

fn stalled(first: bool, plan: &Plan, ingest: &Ingest) -> Error {
    let mut message = if first {
        format!(
            "no picture within {} of opening",
            humantime::format_duration(plan.policy.first_frame)
        )
    } else {
        format!(
            "no picture for {}",
            humantime::format_duration(plan.stall())
        )
    };
    if let Some(complaint) = &ingest.complaint {
        message = format!("{message}: {complaint}");
    }
    Error::new(ErrorKind::Lost, message)
}

/// `time` from now; far in the future where that is beyond what the clock can tell.
fn after(time: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(365 * 24 * 3600);
    Instant::now() + time.min(FAR)
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
