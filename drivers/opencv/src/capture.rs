//! OpenCV's VideoCapture: what can be asked of it, and one that is open.

use std::{fmt, str::FromStr, time::Duration};

use framecast_camera::{Error, ErrorKind, Result, Size};
use opencv::{
    core::{Mat, Vector},
    prelude::*,
    videoio::{
        self, CAP_ANY, CAP_FFMPEG, CAP_PROP_FOURCC, CAP_PROP_FPS, CAP_PROP_FRAME_COUNT,
        CAP_PROP_FRAME_HEIGHT, CAP_PROP_FRAME_WIDTH, CAP_PROP_OPEN_TIMEOUT_MSEC, CAP_PROP_POS_MSEC,
        CAP_PROP_READ_TIMEOUT_MSEC, CAP_V4L2, VideoCapture, VideoCaptureAPIs, VideoWriter,
    },
};

use crate::Target;

/// How long an address may take to open: long enough for a camera that sleeps, and not so long that the server gives up first
/// and can only say that nothing came.
const OPENING: Duration = Duration::from_secs(9);

/// What is asked of a camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wish {
    /// The size wanted of a device.
    pub size: Option<Size>,
    /// Frames a second wanted of a device.
    pub fps: Option<f64>,
    /// The pixel format wanted of a device.
    pub format: Option<FourCc>,
    /// OpenCV's backend; else Video4Linux for devices and FFmpeg for all other things, or what this OpenCV has in their place.
    pub backend: Option<Backend>,
    /// Whether a film ends after the first time.
    pub once: bool,
    /// How long an address may send nothing before it counts as lost.
    pub silence: Duration,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            size: None,
            fps: None,
            format: None,
            backend: None,
            once: false,
            silence: Duration::from_secs(4),
        }
    }
}

/// A pixel format by the four characters that stand for it, as in `MJPG`.
///
/// Source: <https://docs.kernel.org/userspace-api/media/v4l/pixfmt.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FourCc([u8; 4]);

impl FromStr for FourCc {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.as_bytes().try_into() {
            Ok(code) if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Self(code)),
            _ => Err("a pixel format has four characters, as in MJPG or YUYV".to_owned()),
        }
    }
}

/// One of the backends that this OpenCV was built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend(i32);

impl FromStr for Backend {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let unknown = |error: opencv::Error| format!("OpenCV's backends can't be listed: {error}");
        let mut names = Vec::new();
        for backend in videoio::get_backends().map_err(unknown)? {
            let name = videoio::get_backend_name(backend).map_err(unknown)?;
            if name.eq_ignore_ascii_case(text) {
                return Ok(Self(backend as i32));
            }
            names.push(name.to_lowercase());
        }
        let names = names.join(", ");
        Err(format!("this OpenCV has only the backends {names}"))
    }
}

/// What came of the wishes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Given {
    backend: String,
    size: Option<Size>,
    fps: Option<f64>,
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.size {
            Some(size) => write!(f, "{size}")?,
            None => f.write_str("pictures")?,
        }
        if let Some(fps) = self.fps {
            // 29.97 and not 29.97002997.
            let fps = (fps * 100.0).round() / 100.0;
            write!(f, " at {fps} frames a second")?;
        }
        write!(f, " by {}", self.backend)
    }
}

impl Given {
    /// What was asked for and is not given.
    pub(crate) fn shortfall(&self, wish: &Wish) -> Option<String> {
        let size = wish.size.filter(|_| wish.size != self.size);
        let fps = wish
            .fps
            .filter(|fps| self.fps.is_some_and(|rate| rate < fps * 0.98));
        match (size, fps) {
            (None, None) => None,
            (Some(size), None) => Some(size.to_string()),
            (None, Some(fps)) => Some(format!("{fps} frames a second")),
            (Some(size), Some(fps)) => Some(format!("{size} at {fps} frames a second")),
        }
    }
}

/// An open VideoCapture. Dropping it closes it.
pub(crate) struct Capture {
    capture: VideoCapture,
    device: bool,
    film: bool,
}

impl Capture {
    /// Opens what is meant, and asks a device for what is wished.
    ///
    /// # Errors
    /// Why it can't be opened, as far as that can be known.
    pub(crate) fn open(target: &Target, shown: &str, wish: &Wish) -> Result<Self> {
        let api = wish.backend.map_or_else(|| usual(target), |it| it.0);
        let opened = match target {
            Target::Device(number) => VideoCapture::new(*number, api),
            Target::Path(path) => VideoCapture::from_file(path, api),
            Target::Address(address) => Self::address(address, api, wish.silence),
        };
        // Why it failed, OpenCV says only in its own log.
        let Some(mut capture) = opened.ok().filter(|it| it.is_opened().unwrap_or(false)) else {
            return Err(lacking(target).unwrap_or_else(|| target.refused(shown)));
        };
        let device = is_device(target);
        if device {
            ask(&mut capture, wish);
        }
        let counted = !device && property(&capture, CAP_PROP_FRAME_COUNT).is_some();
        Ok(Self {
            film: target.is_file() || counted,
            capture,
            device,
        })
    }

    fn address(address: &str, api: i32, silence: Duration) -> opencv::Result<VideoCapture> {
        if api != CAP_ANY && api != CAP_FFMPEG {
            return VideoCapture::from_file(address, api);
        }
        // Only FFmpeg has limits. Without them a dead peer would hold this thread up for as long as TCP does.
        let milliseconds = |time: Duration| i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
        let limits = Vector::from_slice(&[
            CAP_PROP_OPEN_TIMEOUT_MSEC,
            milliseconds(OPENING.max(silence)),
            CAP_PROP_READ_TIMEOUT_MSEC,
            milliseconds(silence),
        ]);
        VideoCapture::from_file_with_params(address, CAP_FFMPEG, &limits)
    }

    /// Whether it is a device, which has wishes asked of it.
    pub(crate) fn is_device(&self) -> bool {
        self.device
    }

    /// Whether it has an end and a speed of its own, and so has to be paced and may be played again.
    pub(crate) fn is_film(&self) -> bool {
        self.film
    }

    /// Frames a second as OpenCV tells them.
    pub(crate) fn fps(&self) -> Option<f64> {
        property(&self.capture, CAP_PROP_FPS).filter(|fps| (0.001..=1000.0).contains(fps))
    }

    /// Where in the film the picture belongs that was grabbed last.
    pub(crate) fn position(&self) -> Option<Duration> {
        let milliseconds = property(&self.capture, CAP_PROP_POS_MSEC)?;
        Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
    }

    pub(crate) fn given(&self, size: Option<Size>) -> Given {
        Given {
            backend: self.capture.get_backend_name().unwrap_or_default(),
            size,
            fps: self.fps(),
        }
    }

    /// Waits for the next picture; whether there is one.
    pub(crate) fn grab(&mut self) -> bool {
        self.capture.grab().unwrap_or(false)
    }

    /// The picture that was grabbed last, unless it can't be decoded.
    pub(crate) fn retrieve(&mut self) -> Option<Mat> {
        let mut picture = Mat::default();
        let decoded = self.capture.retrieve(&mut picture, 0).unwrap_or(false);
        decoded.then_some(picture)
    }
}

fn is_device(target: &Target) -> bool {
    match target {
        Target::Device(_) => true,
        Target::Path(path) => path.starts_with("/dev"),
        Target::Address(_) => false,
    }
}

/// The backend that opens such things well. Left to itself OpenCV tries all it has, one after the other, and some fill the
/// standard error with complaints about what is not for them.
fn usual(target: &Target) -> i32 {
    let usual = if is_device(target) {
        CAP_V4L2
    } else {
        CAP_FFMPEG
    };
    let built_in = videoio::get_backends().is_ok_and(|all| all.iter().any(|it| it as i32 == usual));
    if built_in { usual } else { CAP_ANY }
}

/// Asks for the format first, for it decides which sizes there are, and then for the rate, which hangs on both.
fn ask(capture: &mut VideoCapture, wish: &Wish) {
    let format = wish.format.and_then(|FourCc(code)| {
        let [a, b, c, d] = code.map(char::from);
        VideoWriter::fourcc(a, b, c, d).ok()
    });
    let asked = [
        (CAP_PROP_FOURCC, format.map(f64::from)),
        (CAP_PROP_FRAME_WIDTH, wish.size.map(|it| it.width.into())),
        (CAP_PROP_FRAME_HEIGHT, wish.size.map(|it| it.height.into())),
        (CAP_PROP_FPS, wish.fps),
    ];
    for (name, value) in asked {
        if let Some(value) = value {
            // What came of it is seen by the pictures.
            let _heeded = capture.set(name, value);
        }
    }
}

/// A property that is a number above zero; OpenCV has 0 and -1 for those it does not know.
fn property(capture: &VideoCapture, name: i32) -> Option<f64> {
    let value = capture.get(name).ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}

/// What this OpenCV lacks to play any file or address.
fn lacking(target: &Target) -> Option<Error> {
    if matches!(target, Target::Device(_)) {
        return None;
    }
    let backends = videoio::get_stream_backends().ok()?;
    let plays = |backend| {
        use VideoCaptureAPIs::{CAP_FFMPEG, CAP_GSTREAMER};
        matches!(backend, CAP_FFMPEG | CAP_GSTREAMER)
    };
    (!backends.iter().any(plays)).then(|| {
        Error::new(
            ErrorKind::Unsupported,
            "this OpenCV plays neither files nor streams: it was built without FFmpeg and GStreamer",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_has_four_characters() {
        assert!("MJPG".parse::<FourCc>().is_ok());
        for text in ["", "MJP", "MJPEG", "M PG", "é12"] {
            assert!(text.parse::<FourCc>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_backend_is_one_that_is_built_in() {
        assert_eq!("ffmpeg".parse(), Ok(Backend(CAP_FFMPEG)));
        let why = "betamax".parse::<Backend>().unwrap_err();
        assert!(why.contains("ffmpeg"), "{why}");
    }

    #[test]
    fn a_size_or_rate_that_was_not_given_is_told() {
        let given = Given {
            backend: "V4L2".to_owned(),
            size: Some(Size::new(640, 480)),
            fps: Some(25.0),
        };
        assert_eq!(given.to_string(), "640x480 at 25 frames a second by V4L2");
        let mut wish = Wish::default();
        assert_eq!(given.shortfall(&wish), None);
        wish.fps = Some(25.1);
        assert_eq!(given.shortfall(&wish), None);
        wish.fps = Some(30.0);
        wish.size = Some(Size::new(1280, 720));
        let asked = given.shortfall(&wish);
        assert_eq!(asked.as_deref(), Some("1280x720 at 30 frames a second"));
    }
}
