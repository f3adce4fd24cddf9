//! The newest frame of one camera, and those who want it.
//!
//! A slow subscriber holds nobody up: there is one slot, the newest frame replaces the one before, and whoever comes late
//! takes what is there and is told how many frames it missed.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Instant, SystemTime},
};

use framecast_camera::{Camera, Captured, Given, Size};
use tokio::sync::{broadcast, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Every, Frame, Pacer, Plan, Policy, State, Stats, Status, Variant, capture, every,
    ingest::Prepared,
    stats::{Rate, locked},
    variant::{self, TooMany},
};

/// One camera of the hub: where its frames come out. Cheap to clone.
#[derive(Clone)]
pub struct Feed(Arc<Shared>);

struct Shared {
    name: Arc<str>,
    slot: watch::Sender<Slot>,
    /// The same frames for those who want every one.
    every: broadcast::Sender<Arc<Frame>>,
    wanted: watch::Sender<usize>,
    status: watch::Sender<Status>,
    plan: watch::Sender<Plan>,
    seq: AtomicU64,
    /// Of the camera and its variants together.
    stats: Arc<Stats>,
    /// A variant's frames are its camera's once more, and are not counted again.
    is_variant: bool,
    // Std mutexes: held for a few instructions, never across an await.
    meter: Mutex<Meter>,
    variants: Mutex<HashMap<Variant, Feed>>,
    closed: CancellationToken,
    tasks: TaskTracker,
}

pub(super) enum Slot {
    Empty,
    Frame(Arc<Frame>),
    /// The camera was removed or the server stops.
    Closed,
}

#[derive(Default)]
struct Meter {
    rate: Rate,
    size: Option<Size>,
}

impl Feed {
    /// A feed with its capture, which runs until `closed`; a variant is one `of` a camera.
    pub(super) fn open(
        name: Arc<str>,
        plan: Plan,
        of: Option<&Self>,
        closed: CancellationToken,
        tasks: &TaskTracker,
    ) -> Self {
        let feed = Self(Arc::new(Shared {
            name,
            slot: watch::Sender::new(Slot::Empty),
            every: broadcast::Sender::new(every::WAITING),
            wanted: watch::Sender::new(0),
            status: watch::Sender::new(Status {
                state: State::Idle,
                since: SystemTime::now(),
            }),
            plan: watch::Sender::new(plan),
            seq: AtomicU64::new(0),
            stats: of
                .map(|camera| Arc::clone(&camera.0.stats))
                .unwrap_or_default(),
            is_variant: of.is_some(),
            meter: Mutex::default(),
            variants: Mutex::default(),
            closed,
            tasks: tasks.clone(),
        }));
        tasks.spawn(capture::run(feed.clone()));
        feed
    }

    /// The camera's name.
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// Wants the camera's frames for as long as the subscription lives: opens the camera if it is closed.
    pub fn subscribe(&self) -> Subscription {
        self.subscription(true)
    }

    /// Wants the camera's frames in another size or quality, which is made once for all who want the same.
    ///
    /// # Errors
    /// [`TooMany`] if as many variants as there may be are being watched.
    pub fn subscribe_to(&self, variant: Variant) -> Result<Subscription, TooMany> {
        if variant.is_original() || self.0.closed.is_cancelled() {
            return Ok(self.subscribe());
        }
        let mut variants = locked(&self.0.variants);
        // Subscribed under the lock, so that nobody evicts it in between.
        if let Some(feed) = variants.get(&variant) {
            return Ok(feed.subscribe());
        }
        if variants.len() >= variant::MOST {
            let unused = variants
                .iter()
                .find(|(_, feed)| *feed.0.wanted.borrow() == 0)
                .map(|(variant, _)| *variant)
                .ok_or(TooMany)?;
            if let Some(evicted) = variants.remove(&unused) {
                evicted.0.closed.cancel();
            }
        }
        let feed = Self::open(
            Arc::clone(&self.0.name),
            variant::plan(self.clone(), variant),
            Some(self),
            self.0.closed.child_token(),
            &self.0.tasks,
        );
        let subscription = feed.subscribe();
        variants.insert(variant, feed);
        Ok(subscription)
    }

    /// As [`subscribe`](Self::subscribe) for what is nobody's viewer.
    pub(crate) fn subscribe_unseen(&self) -> Subscription {
        self.subscription(false)
    }

    /// Wants every frame of the camera, as somebody does who keeps them: not a viewer.
    pub fn subscribe_to_every(&self) -> Every {
        // The frames first: once the camera is wanted they may come.
        let frames = self.0.every.subscribe();
        Every::new(frames, self.subscription(false), self.0.closed.clone())
    }

    fn subscription(&self, viewer: bool) -> Subscription {
        self.0.wanted.send_modify(|wanted| *wanted += 1);
        if viewer {
            self.0.stats.viewers.fetch_add(1, Relaxed);
        }
        Subscription {
            slot: self.0.slot.subscribe(),
            feed: self.clone(),
            viewer,
            last: 0,
            pacer: None,
        }
    }

    /// Gives the camera another plan. Its subscribers stay; it is opened anew only where the plan calls for that.
    pub fn replan(&self, plan: Plan) {
        self.0.plan.send_replace(plan);
    }

    /// The camera itself, to turn its controls.
    pub fn camera(&self) -> Arc<dyn Camera> {
        Arc::clone(&self.0.plan.borrow().camera)
    }

    /// What its device gave when it was opened last, where the driver knows that.
    pub fn given(&self) -> Option<Given> {
        self.0.plan.borrow().camera.given()
    }

    /// Gives the camera other rules. An open one stays open.
    pub fn change_policy(&self, policy: Policy) {
        self.0.plan.send_modify(|plan| plan.policy = policy);
    }

    /// What the capture is doing.
    pub fn status(&self) -> Status {
        self.0.status.borrow().clone()
    }

    /// What the capture is doing, from now on.
    pub fn watch_status(&self) -> watch::Receiver<Status> {
        self.0.status.subscribe()
    }

    /// What was counted, for the camera and its variants together.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.0.stats
    }

    /// The newest frame, if the camera is open.
    pub fn newest(&self) -> Option<Arc<Frame>> {
        match &*self.0.slot.borrow() {
            Slot::Frame(frame) => Some(Arc::clone(frame)),
            Slot::Empty | Slot::Closed => None,
        }
    }

    /// The size of the camera's last picture; `None` before the first.
    pub fn size(&self) -> Option<Size> {
        locked(&self.0.meter).size
    }

    /// Frames a second that the camera gives at present.
    pub fn fps(&self) -> f64 {
        locked(&self.0.meter).rate.per_second(Instant::now())
    }

    /// How many variants exist, watched or not.
    pub fn variants(&self) -> usize {
        locked(&self.0.variants).len()
    }

    pub(super) fn watch_slot(&self) -> watch::Receiver<Slot> {
        self.0.slot.subscribe()
    }

    pub(super) fn watch_wanted(&self) -> watch::Receiver<usize> {
        self.0.wanted.subscribe()
    }

    pub(super) fn watch_plan(&self) -> watch::Receiver<Plan> {
        self.0.plan.subscribe()
    }

    /// Returns when the camera is removed or the server stops.
    pub async fn gone(&self) {
        self.0.closed.cancelled().await;
    }

    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.0.tasks
    }

    pub(super) fn closed(&self) -> &CancellationToken {
        &self.0.closed
    }

    /// Counts that the camera is being opened.
    pub(super) fn count_opening(&self) {
        if !self.0.is_variant {
            self.0.stats.opened.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn enter(&self, state: State) {
        self.0.status.send_if_modified(|status| {
            let new = status.state != state;
            if new {
                status.state = state;
                status.since = SystemTime::now();
            }
            new
        });
    }

    /// Makes a picture of the camera the newest frame.
    pub(super) fn publish(&self, prepared: Prepared) {
        let frame = self.frame(prepared, None);
        {
            let mut meter = locked(&self.0.meter);
            meter.rate.tick(frame.published);
            meter.size = Some(frame.size);
        }
        if !self.0.is_variant {
            self.0.stats.take_frame(&frame);
        }
        self.hand_out(frame);
    }

    /// Makes a picture that says why there is none the newest frame.
    pub(super) fn publish_stand_in(&self, jpeg: Prepared, reason: Arc<str>) {
        let frame = self.frame(jpeg, Some(reason));
        self.hand_out(frame);
    }

    fn hand_out(&self, frame: Frame) {
        let frame = Arc::new(frame);
        if self.0.every.receiver_count() > 0 {
            // Fails only if the last of them left just now.
            let _ = self.0.every.send(Arc::clone(&frame));
        }
        self.0.slot.send_replace(Slot::Frame(frame));
    }

    fn frame(&self, prepared: Prepared, no_signal: Option<Arc<str>>) -> Frame {
        Frame {
            jpeg: prepared.jpeg,
            size: prepared.size,
            captured: prepared.captured,
            seq: self.0.seq.fetch_add(1, Relaxed) + 1,
            published: Instant::now(),
            no_signal,
            rendered: OnceLock::new(),
        }
    }

    /// Forgets the newest frame: the camera is closed, and what comes next is not for those who saw this one.
    pub(super) fn empty(&self) {
        self.0.slot.send_replace(Slot::Empty);
        locked(&self.0.meter).rate = Rate::default();
    }

    /// Ends all subscriptions, and lets go of the variants, which hold this feed in their turn.
    pub(super) fn end(&self) {
        self.0.slot.send_replace(Slot::Closed);
        locked(&self.0.variants).clear();
    }
}

impl PartialEq for Feed {
    /// Whether it is the same, not one like it.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Feed({})", self.0.name)
    }
}

/// One sink's claim on a camera. Dropping it gives the claim up.
#[derive(Debug)]
pub struct Subscription {
    feed: Feed,
    slot: watch::Receiver<Slot>,
    viewer: bool,
    /// Number of the frame that was seen last; 0 before the first.
    last: u64,
    pacer: Option<Pacer>,
}

/// A frame for one subscriber.
#[derive(Clone, Debug)]
pub struct Received {
    /// The newest frame.
    pub frame: Arc<Frame>,
    /// Frames that came since the one before and that this subscriber was too slow for.
    pub skipped: u64,
}

impl Subscription {
    /// Takes at most `fps` frames a second.
    #[must_use]
    pub fn at_most(mut self, fps: Option<f64>) -> Self {
        self.pacer = fps.map(Pacer::new);
        self
    }

    /// The newest frame that this subscriber has not seen yet: at once if there is one, else when it comes. `None` when the
    /// camera was removed or the server stops. Safe to cancel.
    pub async fn next(&mut self) -> Option<Received> {
        loop {
            if let Some(received) = self.unseen()? {
                return Some(received);
            }
            self.slot.changed().await.ok()?;
        }
    }

    /// Outer `None`: closed. Inner `None`: nothing new.
    fn unseen(&mut self) -> Option<Option<Received>> {
        let frame = match &*self.slot.borrow_and_update() {
            Slot::Closed => return None,
            Slot::Frame(frame) if frame.seq > self.last => Arc::clone(frame),
            Slot::Frame(_) | Slot::Empty => return Some(None),
        };
        let skipped = match self.last {
            0 => 0,
            last => frame.seq - last - 1,
        };
        self.last = frame.seq;
        // A change of signal is shown whatever the rate.
        let taken = match &mut self.pacer {
            Some(pacer) if frame.is_live() => pacer.take(Instant::now()),
            _ => true,
        };
        Some(taken.then_some(Received { frame, skipped }))
    }

    /// Number of the frame that was seen last, 0 before the first, if every frame is wanted; `None` if only so many a second.
    pub(crate) fn seen(&self) -> Option<u64> {
        self.pacer.is_none().then_some(self.last)
    }

    /// Takes note that the frames up to this number were sent by somebody else, who has counted them.
    pub(crate) fn see(&mut self, last: u64) {
        self.last = self.last.max(last);
    }

    /// The feed that is subscribed to.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.feed.0.wanted.send_modify(|wanted| *wanted -= 1);
        if self.viewer {
            self.feed.0.stats.viewers.fetch_sub(1, Relaxed);
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Frame(_) => "Frame",
            Self::Closed => "Closed",
        })
    }
}

impl Prepared {
    /// A drawn picture, taken now.
    pub(super) fn drawn(jpeg: Vec<u8>, size: Size) -> Self {
        Self {
            jpeg: jpeg.into(),
            size,
            captured: Captured::now(),
        }
    }
}
