//! The camera as the contract wants it.

use std::sync::{Arc, Mutex, Once, PoisonError};

use framecast_camera::{Camera, Frames, Result, Size};
use opencv::core::{LogLevel, set_log_level};

use crate::{
    Target, Wish,
    capture::{Capture, Given},
    play::Pictures,
};

/// What OpenCV opens.
#[derive(Debug)]
pub struct OpenCv(Arc<Plan>);

/// What to open, and what is remembered of it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    /// The target as it may be shown: without its passwords.
    pub(crate) shown: String,
    pub(crate) wish: Wish,
    /// What it gave when it was opened last. A std mutex: it is held for a comparison.
    given: Mutex<Option<Given>>,
}

impl OpenCv {
    /// A camera that opens `target`. `shown` is what errors and the log call it: the target without passwords.
    pub fn new(target: Target, shown: impl Into<String>, wish: Wish) -> Self {
        quiet();
        Self(Arc::new(Plan {
            target,
            shown: shown.into(),
            wish,
            given: Mutex::new(None),
        }))
    }
}

impl Camera for OpenCv {
    fn frames(&self) -> Frames {
        let plan = Arc::clone(&self.0);
        Frames::blocking(move |stop| {
            let capture = plan.open()?;
            Ok(Pictures::new(plan, capture, stop))
        })
    }
}

impl Plan {
    pub(crate) fn open(&self) -> Result<Capture> {
        self.target.present(&self.shown)?;
        Capture::open(&self.target, &self.shown, &self.wish)
    }

    /// Tells what comes of it once there is a picture, and warns if a device gives something else than was asked; not again
    /// while that stays the same.
    pub(crate) fn report(&self, capture: &Capture, size: Option<Size>) {
        let given = capture.given(size);
        let mut before = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if before.as_ref() == Some(&given) {
            return;
        }
        let shown = &self.shown;
        match given.shortfall(&self.wish) {
            Some(asked) if capture.is_device() => {
                tracing::warn!("{shown} can't do {asked} for OpenCV: it gives {given}");
            }
            _ => tracing::info!("{shown} gives {given}"),
        }
        *before = Some(given);
    }
}

/// What OpenCV says of each failed opening and each picture is told by our errors. Who wants its words too asks for them in
/// its own way.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if std::env::var_os("OPENCV_LOG_LEVEL").is_none() {
            // A library that can't be told to be quiet is no reason to show no pictures.
            let _before = set_log_level(LogLevel::LOG_LEVEL_SILENT);
        }
    });
}
