//! A camera's pictures in another size or quality: a camera itself, whose frames come from the other's feed.

use std::{fmt, sync::Arc, time::Duration};

use framecast_camera::{Camera, Error, ErrorKind, Frame, Frames};
use framecast_media::jpeg::Resize;
use futures_util::stream;

use super::{Feed, Linger, Output, Plan, Policy};

/// Variants that a camera may have at a time: each costs a decode and an encode per frame, and strangers ask for them.
pub(super) const MOST: usize = 12;

/// How one viewer's pictures differ from the camera's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Variant {
    /// At most this many pixels wide.
    pub width: Option<u32>,
    /// At most this many pixels high.
    pub height: Option<u32>,
    /// JPEG quality, 1 to 100.
    pub quality: Option<u8>,
}

impl Variant {
    /// Whether it does not differ at all.
    pub fn is_original(&self) -> bool {
        *self == Self::default()
    }
}

/// As many variants as a camera may have are being watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "this camera is already being watched in {MOST} other sizes or qualities: use one of those, or the original"
        )
    }
}

impl std::error::Error for TooMany {}

/// How a variant of `feed` is captured. The camera's own capture watches over deadlines and stalls; here they never strike.
pub(super) fn plan(feed: Feed, variant: Variant) -> Plan {
    let order = feed.watch_plan().borrow().policy.order;
    Plan {
        camera: Arc::new(Copy { feed }),
        output: Output {
            resize: Resize {
                width: variant.width,
                height: variant.height,
            },
            fps: None,
            quality: variant.quality,
        },
        policy: Policy {
            linger: Linger::For(Duration::from_secs(1)),
            first_frame: Duration::MAX,
            stall: Duration::MAX,
            order,
            ..Policy::default()
        },
    }
}

struct Copy {
    feed: Feed,
}

impl Camera for Copy {
    fn frames(&self) -> Frames {
        let subscription = self.feed.subscribe_unseen();
        Frames::stream(stream::unfold(subscription, async |mut subscription| {
            let frame = subscription.next().await?.frame;
            let item = match &frame.no_signal {
                None => Ok(Frame::jpeg(frame.jpeg.clone()).captured_at(frame.captured)),
                Some(reason) => Err(Error::new(ErrorKind::NoSignal, reason.as_ref())),
            };
            Some((item, subscription))
        }))
    }
}
