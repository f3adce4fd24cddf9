//! What the hub hands to its sinks.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use framecast_camera::{Captured, Size};

/// One picture of a feed: a sound JPEG, shared by all who look at it.
#[derive(Clone)]
pub struct Frame {
    /// The JPEG, from SOI to EOI.
    pub jpeg: Bytes,
    /// Its width and height.
    pub size: Size,
    /// When the camera took it.
    pub captured: Captured,
    /// Its number in this feed, rising by one with every frame as long as the feed exists.
    pub seq: u64,
    /// When the hub was done with it.
    pub published: Instant,
    /// `None` for a picture of the camera; otherwise the picture only says that there is none, and this is the reason.
    pub no_signal: Option<Arc<str>>,
    pub(super) rendered: OnceLock<Bytes>,
}

impl Frame {
    /// Whether this is a picture of the camera, not a stand-in for one.
    pub fn is_live(&self) -> bool {
        self.no_signal.is_none()
    }

    /// The frame in the form in which most viewers get it: made by the first sink that needs it, shared by all others.
    pub(crate) fn rendered(&self, make: fn(&Self) -> Bytes) -> &Bytes {
        self.rendered.get_or_init(|| make(self))
    }

    /// How long ago it was taken.
    pub fn age(&self, now: Instant) -> Duration {
        self.captured.age(now)
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("seq", &self.seq)
            .field("size", &self.size)
            .field("bytes", &self.jpeg.len())
            .field("no_signal", &self.no_signal)
            .finish_non_exhaustive()
    }
}
