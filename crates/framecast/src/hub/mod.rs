//! Between cameras and sinks: the hub runs a camera only while a sink wants its frames, and shares each frame with all.
//!
//! In reading order: [`Plan`] says what to capture and by which [`Policy`]; [`Hub`] holds the cameras by name; a [`Feed`] is
//! one of them, and a [`Subscription`] a sink's claim on it, or [`Every`] for a sink that wants all frames; `capture` is the task that opens, watches over and closes the
//! camera; `ingest` checks and encodes what the driver gives; [`Variant`] is a smaller copy of a camera.
//!
//! What does not belong here: HTTP, files, and how frames look on the wire.

mod backoff;
mod branch;
mod capture;
mod every;
mod feed;
mod frame;
mod histogram;
mod ingest;
mod newest;
mod pacer;
mod policy;
mod sent;
mod state;
mod stats;
mod variant;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use framecast_camera::Camera;
use framecast_media::jpeg::Resize;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use every::Every;
pub use feed::{Feed, Received, Subscription};
pub use frame::Frame;
pub use histogram::Observed;
pub(crate) use newest::Glance;
pub use pacer::Pacer;
pub use policy::{Linger, Order, Policy};
pub use state::{State, Status};
pub use stats::Stats;
pub use variant::{TooMany, Variant};

/// What a feed captures, and how.
#[derive(Clone)]
pub struct Plan {
    /// The camera.
    pub camera: Arc<dyn Camera>,
    /// What its pictures should be like, whatever it gives.
    pub output: Output,
    /// When it opens, gives up and closes.
    pub policy: Policy,
}

/// What the pictures of a feed should be like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Larger ones are made smaller.
    pub resize: Resize,
    /// More frames a second than this are dropped.
    pub fps: Option<f64>,
    /// JPEG quality; a JPEG of the camera is encoded anew for it.
    pub quality: Option<u8>,
}

impl Plan {
    /// Whether an open camera can go on when this plan is replaced by the other.
    fn same_capture(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.camera, &other.camera)
            && self.output == other.output
            && self.policy.broken == other.policy.broken
            && self.policy.order == other.policy.order
    }

    /// How long the camera may go without a frame.
    fn stall(&self) -> Duration {
        let intervals = self
            .output
            .fps
            .and_then(|fps| Duration::try_from_secs_f64(3.0 / fps).ok());
        self.policy.stall.max(intervals.unwrap_or_default())
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("output", &self.output)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// All cameras of a server, by name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hub(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    // Few cameras, in the order they were added; a std lock that is never held across an await.
    feeds: RwLock<Vec<Feed>>,
    tasks: TaskTracker,
    closed: CancellationToken,
}

/// There is a camera of that name already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is a camera called `{0}` already")]
pub struct Exists(pub String);

impl Hub {
    /// A hub without cameras.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a camera. It is opened when the first sink subscribes.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`Exists`] if the name is taken.
    pub fn add(&self, name: &str, plan: Plan) -> Result<Feed, Exists> {
        let mut feeds = self.0.feeds.write().unwrap_or_else(PoisonError::into_inner);
        if feeds.iter().any(|feed| **feed.name() == *name) {
            return Err(Exists(name.to_owned()));
        }
        let feed = Feed::open(
            name.into(),
            plan,
            None,
            self.0.closed.child_token(),
            &self.0.tasks,
        );
        feeds.push(feed.clone());
        Ok(feed)
    }

    /// Removes a camera and ends its subscriptions; `false` if there is none of that name.
    pub fn remove(&self, name: &str) -> bool {
        let mut feeds = self.0.feeds.write().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = feeds.iter().position(|feed| **feed.name() == *name) else {
            return false;
        };
        feeds.remove(index).closed().cancel();
        true
    }

    /// The camera of that name.
    pub fn feed(&self, name: &str) -> Option<Feed> {
        let feeds = self.0.feeds.read().unwrap_or_else(PoisonError::into_inner);
        feeds.iter().find(|feed| **feed.name() == *name).cloned()
    }

    /// All cameras, in the order they were added.
    pub fn feeds(&self) -> Vec<Feed> {
        self.0
            .feeds
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends all subscriptions, closes all cameras, and returns when they are closed.
    pub async fn close(&self) {
        self.0.closed.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}
