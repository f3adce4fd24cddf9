//! One picture of a session.

use std::time::Duration;

use bytes::Bytes;
use framecast_camera::{Captured, Frame};

use super::transport::Position;
use crate::{hub, recordings::Recorded};

/// A picture that was live and one of the archive that are so close to each other have no gap between them.
const NEAR: Duration = Duration::from_secs(4);

/// A picture that a session shows.
#[derive(Clone, Debug)]
pub(super) struct Shot {
    pub(super) jpeg: Bytes,
    pub(super) position: Position,
    pub(super) origin: Origin,
}

/// Where a picture came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Archive {
        segment: u64,
        index: usize,
        run: u64,
        part: u32,
    },
    /// From the camera; it may be in the archive, too.
    Live,
}

impl Shot {
    /// A picture of the camera.
    pub(super) fn live(frame: &hub::Frame, since_boot: Duration) -> Self {
        Self {
            jpeg: frame.jpeg.clone(),
            position: Position {
                wall: frame.captured.wall,
                monotonic: since_boot,
            },
            origin: Origin::Live,
        }
    }

    /// The picture for the hub.
    pub(super) fn frame(&self) -> Frame {
        Frame::jpeg(self.jpeg.clone()).captured_at(self.captured())
    }

    /// When it was taken. Its age on this process's clock is that on the wall clock.
    pub(super) fn captured(&self) -> Captured {
        let now = Captured::now();
        let wall = self.position.wall;
        let age = now.wall.duration_since(wall).unwrap_or_default();
        let monotonic = now.monotonic.checked_sub(age).unwrap_or(now.monotonic);
        Captured { monotonic, wall }
    }

    /// Whether nothing is missing between this one and the one that is shown before it.
    pub(super) fn follows(&self, shown: &Self, back: bool) -> bool {
        let (earlier, later) = if back { (self, shown) } else { (shown, self) };
        match (earlier.origin, later.origin) {
            (
                Origin::Archive {
                    segment, run, part, ..
                },
                Origin::Archive {
                    segment: next,
                    run: next_run,
                    part: next_part,
                    ..
                },
            ) => run == next_run && (segment == next || part.checked_add(1) == Some(next_part)),
            _ => {
                let apart = self.position.monotonic.abs_diff(shown.position.monotonic);
                apart < NEAR
            }
        }
    }

    /// Whether this one comes before the other in the order of recording; unknown for one that was live.
    pub(super) fn is_before(&self, other: &Self) -> Option<bool> {
        match (self.origin, other.origin) {
            (
                Origin::Archive { segment, index, .. },
                Origin::Archive {
                    segment: others,
                    index: others_index,
                    ..
                },
            ) => Some((segment, index) < (others, others_index)),
            _ => None,
        }
    }
}

impl From<Recorded> for Shot {
    fn from(recorded: Recorded) -> Self {
        Self {
            position: Position {
                wall: recorded.at,
                monotonic: recorded.monotonic,
            },
            origin: Origin::Archive {
                segment: recorded.segment,
                index: recorded.index,
                run: recorded.run,
                part: recorded.part,
            },
            jpeg: recorded.jpeg,
        }
    }
}
