//! One picture of a camera, as fresh as is asked for.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::timeout_at;

use crate::hub::{Frame, Subscription};

/// Which picture will do.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// How old it may be when it is handed over; `None` for whatever the running camera showed last.
    pub max_age: Option<Duration>,
    /// How long to wait for it.
    pub timeout: Duration,
}

/// There was no picture in time.
#[derive(Clone, Debug)]
pub struct Missing {
    /// Why, for the user.
    pub reason: String,
    /// A picture that says so, if the camera is known to be without one.
    pub stand_in: Option<Arc<Frame>>,
}

/// The newest picture that is fresh enough, or the next that comes.
///
/// # Errors
/// [`Missing`] when the time is up or the camera was removed.
pub async fn take(mut subscription: Subscription, wish: Wish) -> Result<Arc<Frame>, Missing> {
    let asked = Instant::now();
    let deadline = tokio::time::Instant::now() + wish.timeout;
    let mut stand_in: Option<Arc<Frame>> = None;
    loop {
        match timeout_at(deadline, subscription.next()).await {
            Ok(Some(received)) if received.frame.is_live() => {
                let fresh = wish.max_age.is_none_or(|max_age| {
                    // A picture taken after the question is fresh however long the camera took to hand it over.
                    received.frame.captured.monotonic >= asked
                        || received.frame.age(Instant::now()) <= max_age
                });
                if fresh {
                    subscription.feed().stats().send_frame(&received.frame, 0);
                    return Ok(received.frame);
                }
            }
            Ok(Some(received)) => stand_in = Some(received.frame),
            Ok(None) => {
                return Err(Missing {
                    reason: "the camera was removed".to_owned(),
                    stand_in,
                });
            }
            Err(_) => {
                let waited = humantime::format_duration(wish.timeout);
                let reason = match stand_in.as_ref().and_then(|frame| frame.no_signal.clone()) {
                    Some(reason) => format!("no picture within {waited}: {reason}"),
                    None => format!("no picture within {waited}"),
                };
                return Err(Missing { reason, stand_in });
            }
        }
    }
}
