//! A suite that any driver's author can run on a camera: frames come, dropping closes, reopening works, unplugging ends in
//! a sensible error.
//!
//! ```no_run
//! # async fn run(camera: impl framecast_camera::Camera) {
//! use framecast_camera::conformance::{self, Patience};
//! conformance::check(&camera, Patience::default()).await.unwrap();
//! # }
//! ```

use std::{
    fmt,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use crate::{Camera, Error, ErrorKind, Format, Frame, Layout, Retry, Running};

/// Frames that [`check`] reads each time it opens the camera.
const FRAMES: usize = 3;

/// How long the suite waits before it finds fault.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a frame, the first included.
    pub frame: Duration,
    /// For the device to close.
    pub close: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            frame: Duration::from_secs(10),
            close: Duration::from_secs(2),
        }
    }
}

/// A rule of the contract that the camera broke, in words.
#[derive(Debug)]
pub struct Violation(String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

/// Opens the camera, reads three sound frames with capture times that never go back, closes it, and does it all again.
///
/// # Errors
/// The first rule that the camera broke.
pub async fn check(camera: &dyn Camera, patience: Patience) -> Result<(), Violation> {
    for round in ["first", "second"] {
        let mut running = camera.frames().start();
        let mut last: Option<Instant> = None;
        for _ in 0..FRAMES {
            let frame = frame(&mut running, patience, round).await?;
            sound(&frame)?;
            let captured = frame.captured.monotonic;
            if last.is_some_and(|last| captured < last) {
                return fault("a frame was captured before the one it follows");
            }
            if captured > Instant::now() {
                return fault("a frame was captured in the future");
            }
            last = Some(captured);
        }
        if timeout(patience.close, running.close()).await.is_err() {
            return fault(format!(
                "{round} opening: not closed {:?} after its frames were dropped",
                patience.close
            ));
        }
    }
    Ok(())
}

/// Opens the camera, reads a frame, calls `unplug`, and expects an error that is worth a retry.
///
/// # Errors
/// The first rule that the camera broke.
pub async fn check_unplugging(
    camera: &dyn Camera,
    patience: Patience,
    unplug: impl FnOnce(),
) -> Result<(), Violation> {
    let mut running = camera.frames().start();
    frame(&mut running, patience, "only").await?;
    unplug();
    let end = async {
        loop {
            match running.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) if error.kind() == ErrorKind::NoSignal => {}
                other => break other,
            }
        }
    };
    let Ok(end) = timeout(patience.frame, end).await else {
        return fault(format!("still open {:?} after unplugging", patience.frame));
    };
    match end {
        Some(Err(error)) if error.kind().retry() == Retry::Never => fault(format!(
            "unplugging ended in `{error}`, which is never retried"
        )),
        Some(Err(error)) if error.kind() == ErrorKind::Panicked => fault(error.to_string()),
        Some(Err(_)) => Ok(()),
        _ => fault("unplugging ended the frames without an error"),
    }
}

async fn frame(running: &mut Running, patience: Patience, round: &str) -> Result<Frame, Violation> {
    let wanted = async {
        loop {
            match running.next().await {
                Some(Err(error)) if error.kind() == ErrorKind::NoSignal => {}
                other => break other,
            }
        }
    };
    match timeout(patience.frame, wanted).await {
        Err(_) => fault(format!(
            "{round} opening: no frame within {:?}",
            patience.frame
        )),
        Ok(None) => fault(format!("{round} opening: ended without enough frames")),
        Ok(Some(Err(error))) => fault(format!("{round} opening: {}", told(&error))),
        Ok(Some(Ok(frame))) => Ok(frame),
    }
}

fn told(error: &Error) -> String {
    format!("{} ({})", error, error.kind().as_str())
}

fn sound(frame: &Frame) -> Result<(), Violation> {
    match frame.format {
        Format::Jpeg if !frame.data.starts_with(&[0xff, 0xd8]) => {
            fault("a JPEG frame does not start with FF D8")
        }
        Format::Jpeg => Ok(()),
        Format::Raw { layout, stride, .. } => {
            let Some(size) = frame.size else {
                return fault("a raw frame has no size");
            };
            let luma = stride as usize * size.height as usize;
            let bytes = match layout {
                Layout::Nv12 | Layout::Nv21 | Layout::I420 | Layout::Yv12 => luma * 3 / 2,
                _ => luma,
            };
            if frame.data.len() < bytes {
                return fault(format!(
                    "a raw frame of {size} with stride {stride} has {} bytes, not {bytes}",
                    frame.data.len()
                ));
            }
            Ok(())
        }
    }
}

fn fault<T>(message: impl Into<String>) -> Result<T, Violation> {
    Err(Violation(message.into()))
}

#[cfg(test)]
mod tests {
    use std::{iter, sync::Arc, sync::atomic::AtomicBool, sync::atomic::Ordering};

    use super::*;
    use crate::Frames;

    struct Maker<F>(F);
    impl<F: Fn() -> Frames + Send + Sync + 'static> Camera for Maker<F> {
        fn frames(&self) -> Frames {
            (self.0)()
        }
    }

    fn good() -> crate::Result<Frame> {
        Ok(Frame::jpeg(&[0xff, 0xd8, 0xff, 0xd9][..]))
    }

    const SHORT: Patience = Patience {
        frame: Duration::from_millis(200),
        close: Duration::from_millis(200),
    };

    #[tokio::test]
    async fn a_good_camera_passes() {
        let camera = Maker(|| Frames::blocking(|_| Ok(iter::repeat_with(good))));
        check(&camera, SHORT).await.unwrap();
    }

    #[tokio::test]
    async fn a_camera_that_never_closes_is_found_out() {
        let camera = Maker(|| {
            Frames::blocking(|_| {
                let wedged = iter::repeat_with(|| {
                    std::thread::sleep(Duration::from_millis(600));
                    good()
                });
                Ok(iter::repeat_with(good).take(3).chain(wedged))
            })
        });
        let violation = check(&camera, SHORT).await.unwrap_err();
        assert!(violation.to_string().contains("not closed"), "{violation}");
    }

    #[tokio::test]
    async fn a_camera_that_opens_only_once_is_found_out() {
        let opened = Arc::new(AtomicBool::new(false));
        let camera = Maker(move || {
            let again = opened.swap(true, Ordering::Relaxed);
            Frames::blocking(move |_| {
                if again {
                    return Err(Error::new(ErrorKind::Busy, "still open"));
                }
                Ok(iter::repeat_with(good))
            })
        });
        let violation = check(&camera, SHORT).await.unwrap_err();
        assert!(violation.to_string().contains("second opening"));
    }

    #[tokio::test]
    async fn unplugging_must_end_in_an_error() {
        let camera = Maker(|| Frames::blocking(|_| Ok(iter::repeat_with(good).take(3))));
        let violation = check_unplugging(&camera, SHORT, || ()).await.unwrap_err();
        assert!(violation.to_string().contains("without an error"));
    }
}
