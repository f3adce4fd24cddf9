//! `opencv:SOURCE`: a device, file or address that OpenCV opens, by the crate `framecast-opencv`.
//!
//! Only a build with the feature `opencv` can. Every other knows the source and its options all the same, so that a
//! configuration is right or wrong everywhere alike, and asking for such a camera gets a straight answer.

use std::sync::Arc;
#[cfg(feature = "opencv")]
use std::time::Duration;

use framecast_camera::{Camera, Result};

use super::{Request, Scheme};

pub(super) fn scheme() -> Scheme {
    Scheme {
        name: "opencv",
        about: "what OpenCV opens (if built with it): opencv:0 for a device, opencv:PATH, opencv:ADDRESS",
        options: &[
            (
                "backend",
                "this backend of OpenCV and no other, as in v4l2, ffmpeg or gstreamer",
            ),
            (
                "format",
                "ask a device for this pixel format, as in MJPG or YUYV",
            ),
            ("once", "true: end a file after the first time"),
        ],
        remote: false,
        encodes: false,
        make: Arc::new(make),
    }
}

/// How long an address may be silent. Its thread waits for so long even if nobody wants the frames any more, so this is less
/// than the hub waits for a device to close.
#[cfg(feature = "opencv")]
const SILENCE: Duration = Duration::from_secs(4);

#[cfg(feature = "opencv")]
fn make(request: &Request) -> Result<Arc<dyn Camera>> {
    use framecast_opencv::{OpenCv, Target, Wish};

    let target = Target::from(request.source.rest());
    let wish = Wish {
        size: request.size,
        fps: request.fps,
        format: request.option("format")?,
        backend: request.option("backend")?,
        once: request.switch("once")?,
        silence: request.three_frames(SILENCE),
    };
    let shown = match &target {
        Target::Device(number) => format!("camera {number}"),
        _ => super::redact::redact(request.source.rest()),
    };
    Ok(Arc::new(OpenCv::new(target, shown, wish)))
}

#[cfg(not(feature = "opencv"))]
fn make(_: &Request) -> Result<Arc<dyn Camera>> {
    use framecast_camera::{Error, ErrorKind};

    Err(Error::new(
        ErrorKind::Unsupported,
        "this framecast was built without OpenCV: build it with `--features opencv`, or use `v4l2:`, `file:` or `http://` in place of `opencv:`",
    ))
}
