//! Every frame of a camera, for sinks that keep them.

use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::{Feed, Frame, Received, Subscription};

/// Frames that may wait for a sink that is held up. A camera whose frames are encoded on several threads gives some of them
/// in one go.
pub(super) const WAITING: usize = 32;

/// One sink's claim on every frame of a camera, where a [`Subscription`] is one on the newest. Dropping it gives it up.
#[derive(Debug)]
pub struct Every {
    frames: broadcast::Receiver<Arc<Frame>>,
    claim: Subscription,
    closed: CancellationToken,
    skipped: u64,
}

impl Every {
    pub(super) fn new(
        frames: broadcast::Receiver<Arc<Frame>>,
        claim: Subscription,
        closed: CancellationToken,
    ) -> Self {
        Self {
            frames,
            claim,
            closed,
            skipped: 0,
        }
    }

    /// The next frame, and how many were lost before it because too many were waiting. `None` when the camera was removed
    /// or the server stops. Safe to cancel.
    pub async fn next(&mut self) -> Option<Received> {
        loop {
            let received = tokio::select! {
                received = self.frames.recv() => received,
                () = self.closed.cancelled() => return None,
            };
            match received {
                Ok(frame) => {
                    let skipped = std::mem::take(&mut self.skipped);
                    return Some(Received { frame, skipped });
                }
                Err(RecvError::Lagged(lost)) => self.skipped += lost,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The feed that is subscribed to.
    pub fn feed(&self) -> &Feed {
        self.claim.feed()
    }
}
