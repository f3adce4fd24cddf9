//! A viewer that is moved to a smaller copy of its camera when its link can't carry the full one, and back.
//!
//! The copies are variants like any other, so that those on links of the same kind share one. When to move is decided in
//! [`ladder`](super::ladder).

use std::time::{Duration, Instant};

use framecast_camera::Size;
use tokio::time::timeout;
use tracing::debug;

use super::ladder::{Ladder, RUNGS, SIZES, Sent};
use crate::hub::{Feed, Received, Subscription, TooMany, Variant};

/// Pictures are made no narrower than this many pixels.
const NARROWEST: u32 = 160;
/// How long a copy may take to give its first picture.
const FIRST: Duration = Duration::from_secs(3);

/// Chooses the size of one viewer's pictures.
#[derive(Debug)]
pub(super) struct Adaptive {
    camera: Feed,
    /// Keeps the camera open from one copy to the next.
    _claim: Subscription,
    /// What the viewer gets when its link is wide enough.
    full: Variant,
    fps: Option<f64>,
    size: Option<Size>,
    ladder: Ladder,
    /// The picture that was handed out last.
    last: Option<Handed>,
    /// Whether no picture has come since the last move.
    moved: bool,
}

#[derive(Debug)]
struct Handed {
    at: Instant,
    captured: Instant,
    bytes: usize,
    skipped: u64,
}

impl Adaptive {
    /// Watches `camera` in `full` size, or in a smaller one while the link is narrow.
    ///
    /// # Errors
    /// [`TooMany`] if as many variants as there may be are being watched.
    pub(super) fn new(
        camera: Feed,
        full: Variant,
        fps: Option<f64>,
    ) -> Result<(Self, Subscription), TooMany> {
        let subscription = camera.subscribe_to(full)?.at_most(fps);
        let adaptive = Self {
            _claim: camera.subscribe_unseen(),
            camera,
            full,
            fps,
            size: None,
            ladder: Ladder::new(Instant::now()),
            last: None,
            moved: false,
        };
        Ok((adaptive, subscription))
    }

    /// As [`Subscription::next`], in the size that suits the link. To be asked when the picture before has gone out.
    pub(super) async fn next(&mut self, subscription: &mut Subscription) -> Option<Received> {
        self.consider(subscription);
        loop {
            let received = if self.moved {
                match timeout(FIRST, subscription.next()).await {
                    Ok(received) => received?,
                    Err(_) => {
                        self.return_for_good(subscription);
                        continue;
                    }
                }
            } else {
                subscription.next().await?
            };
            self.moved = false;
            let captured = received.frame.captured.monotonic;
            // The copy may be behind what was shown already.
            if self.last.as_ref().is_some_and(|it| captured <= it.captured) {
                continue;
            }
            if self.ladder.rung() == 0 && received.frame.is_live() {
                self.learn(received.frame.size);
            }
            self.last = Some(Handed {
                at: Instant::now(),
                captured,
                bytes: received.frame.jpeg.len(),
                skipped: received.skipped,
            });
            return Some(received);
        }
    }

    fn learn(&mut self, size: Size) {
        if self.size == Some(size) {
            return;
        }
        self.size = Some(size);
        let wide = |rung: &usize| width(size, *rung) >= NARROWEST;
        let lowest = (1..SIZES).take_while(wide).last();
        self.ladder.end_at(lowest.unwrap_or(0));
    }

    /// Looks at how the last picture went out, and moves if need be.
    fn consider(&mut self, subscription: &mut Subscription) {
        let (Some(handed), Some(size)) = (&self.last, self.size) else {
            return;
        };
        let now = Instant::now();
        let before = self.ladder.rung();
        let sent = Sent {
            bytes: handed.bytes,
            took: now.saturating_duration_since(handed.at),
            skipped: handed.skipped,
        };
        let Some(rung) = self.ladder.sent(now, sent) else {
            return;
        };
        match self.watch(self.variant(size, rung)) {
            Ok(moved) => {
                debug!(camera = %self.camera.name(), "a viewer goes over to {} pixels of width", width(size, rung));
                *subscription = moved;
                self.moved = true;
            }
            Err(TooMany) => self.ladder.refuse(now, before),
        }
    }

    /// Goes back to the full size and stays there: better late pictures than none.
    fn return_for_good(&mut self, subscription: &mut Subscription) {
        self.moved = false;
        if let Ok(full) = self.watch(self.full) {
            *subscription = full;
            self.ladder = Ladder::new(Instant::now());
            self.ladder.end_at(0);
        }
    }

    fn watch(&self, variant: Variant) -> Result<Subscription, TooMany> {
        Ok(self.camera.subscribe_to(variant)?.at_most(self.fps))
    }

    fn variant(&self, size: Size, rung: usize) -> Variant {
        let Some(quality) = RUNGS[rung].quality else {
            return self.full;
        };
        Variant {
            width: Some(width(size, rung)),
            height: None,
            quality: Some(self.full.quality.map_or(quality, |full| full.min(quality))),
        }
    }
}

/// A multiple of 16, the width of a JPEG's blocks.
fn width(full: Size, rung: usize) -> u32 {
    let blocks = (f64::from(full.width) * RUNGS[rung].scale / 16.0).round();
    blocks.max(1.0) as u32 * 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_of_a_ladder_are_those_that_others_share() {
        let widths: Vec<_> = (1..SIZES)
            .map(|rung| width(Size::new(1280, 720), rung))
            .collect();
        assert_eq!(widths, [960, 640, 480, 320]);
    }
}
