//! What a capture is doing, and why.

use std::{sync::Arc, time::SystemTime};

use framecast_camera::ErrorKind;
use tokio::time::Instant;

/// A state with the moment it began.
#[derive(Clone, Debug)]
pub struct Status {
    /// What the capture is doing.
    pub state: State,
    /// Since when.
    pub since: SystemTime,
}

/// What a capture is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Closed, because nobody is watching.
    Idle,
    /// Opening, no frame yet.
    Opening,
    /// Giving frames.
    Live,
    /// Open, but the camera says that it has no picture.
    NoSignal {
        /// Why, in the driver's words.
        reason: Arc<str>,
    },
    /// Gone, and to be opened again.
    Lost {
        /// What went wrong.
        reason: Arc<str>,
        /// What sort of trouble it is.
        kind: ErrorKind,
        /// When it is opened again.
        retry: Instant,
    },
    /// Gone, and not opened again before its settings change or its viewers have left.
    Failed {
        /// What went wrong.
        reason: Arc<str>,
        /// What sort of trouble it is; [`ErrorKind::Ended`] for a source that simply came to its end.
        kind: ErrorKind,
    },
}

impl State {
    /// The state as one lower-case word, for the API and the pages.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Opening => "opening",
            Self::Live => "live",
            Self::NoSignal { .. } => "no_signal",
            Self::Lost { .. } => "lost",
            Self::Failed {
                kind: ErrorKind::Ended,
                ..
            } => "ended",
            Self::Failed { .. } => "failed",
        }
    }

    /// Why there are no frames, where there is a reason.
    pub fn reason(&self) -> Option<&Arc<str>> {
        match self {
            Self::NoSignal { reason } | Self::Lost { reason, .. } | Self::Failed { reason, .. } => {
                Some(reason)
            }
            Self::Idle | Self::Opening | Self::Live => None,
        }
    }
}
