//! The newest frame for who serves several subscribers at once.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Feed, Frame, feed::Slot};

/// Looks at a feed's newest frame without being a claim on it: those who are served have theirs.
#[derive(Debug)]
pub(crate) struct Newest(watch::Receiver<Slot>);

/// What there is to see.
#[derive(Debug)]
pub(crate) enum Glance {
    /// This one.
    Frame(Arc<Frame>),
    /// Nothing yet.
    Nothing,
    /// The camera was removed or the server stops.
    Closed,
}

impl Feed {
    /// Its newest frame, without wanting it.
    pub(crate) fn watch_newest(&self) -> Newest {
        Newest(self.watch_slot())
    }
}

impl Newest {
    /// What is there now.
    pub(crate) fn glance(&mut self) -> Glance {
        match &*self.0.borrow_and_update() {
            Slot::Frame(frame) => Glance::Frame(Arc::clone(frame)),
            Slot::Empty => Glance::Nothing,
            Slot::Closed => Glance::Closed,
        }
    }

    /// Returns when there is something else than at the last glance. Safe to cancel.
    pub(crate) async fn changed(&mut self) {
        // Fails if the feed is no more, and it is closed before that.
        let _closed = self.0.changed().await;
    }
}
