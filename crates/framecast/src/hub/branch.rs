//! A feed beside a camera's own: what somebody watches of the camera at another time, say.

use std::{sync::Arc, time::Duration};

use framecast_camera::Camera;
use tokio::time::timeout;

use super::{Feed, Linger, Order, Output, Plan, Policy};

impl Feed {
    /// A feed with frames of another making, in any order, that goes by this camera's name and ends with it at the latest.
    /// It counts for itself, is closed as soon as nobody watches, and may stop for as long as it likes.
    #[must_use]
    pub fn branch(&self, camera: Arc<dyn Camera>) -> Self {
        let plan = Plan {
            camera,
            output: Output::default(),
            policy: Policy {
                linger: Linger::For(Duration::ZERO),
                first_frame: Duration::MAX,
                stall: Duration::MAX,
                broken: self.watch_plan().borrow().policy.broken,
                order: Order::Any,
            },
        };
        Self::open(
            Arc::clone(self.name()),
            plan,
            None,
            self.closed().child_token(),
            self.tasks(),
        )
    }

    /// Ends the feed and all its subscriptions. A camera of the hub is removed from there instead.
    pub fn close(self) {
        self.closed().cancel();
    }

    /// Returns when nobody has wanted the frames for so long.
    pub async fn unwanted_for(&self, time: Duration) {
        let mut wanted = self.watch_wanted();
        // The sender lives as long as the feed.
        while wanted.wait_for(|wanted| *wanted == 0).await.is_ok() {
            if timeout(time, wanted.wait_for(|wanted| *wanted > 0))
                .await
                .is_err()
            {
                return;
            }
        }
    }
}
