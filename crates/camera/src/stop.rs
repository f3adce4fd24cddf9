//! What a blocking driver and its reader tell each other besides frames.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// Tells a blocking driver that nobody wants its frames any more, and hears from it of frames that never came.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    requested: AtomicBool,
    missed: AtomicU64,
    damaged: AtomicU64,
}

impl Stop {
    /// Whether the driver should end.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::Relaxed)
    }

    /// Says that the device took frames which the driver never got, as a gap in its numbers shows.
    pub fn missed(&self, frames: u64) {
        self.0.missed.fetch_add(frames, Ordering::Relaxed);
    }

    /// Says that the driver got frames of which the device itself says that they are wrong, and left them out.
    pub fn damaged(&self, frames: u64) {
        self.0.damaged.fetch_add(frames, Ordering::Relaxed);
    }

    pub(crate) fn request(&self) {
        self.0.requested.store(true, Ordering::Relaxed);
    }

    /// What the driver said since the last call.
    pub(crate) fn take_lost(&self) -> Lost {
        Lost {
            unread: 0,
            missed: self.0.missed.swap(0, Ordering::Relaxed),
            damaged: self.0.damaged.swap(0, Ordering::Relaxed),
        }
    }
}

/// Frames that the reader never got, by where they were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// The reader did not take them in time.
    pub unread: u64,
    /// The driver never got them from its device.
    pub missed: u64,
    /// The device says that they are wrong.
    pub damaged: u64,
}
