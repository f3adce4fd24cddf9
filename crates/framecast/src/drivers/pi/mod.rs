//! `pi`, `pi:1`: a camera module of a Raspberry Pi, through the system's `rpicam-vid` or its older name `libcamera-vid`; on
//! systems before those, by the kernel.
//!
//! [`System`] says where that program is and whose the camera is at the moment, [`sensors()`] what cameras there are. The
//! program encodes; `old` is the camera of those other systems. What does not belong here is what to do with its frames.

mod fault;
mod old;
mod options;
mod sensors;
mod system;

use std::{
    path::Path,
    process::Command,
    sync::{Arc, OnceLock},
    time::Duration,
};

use framecast_camera::{Camera, Controls, Error, ErrorKind, Frames, Given, Result, Size};
use framecast_v4l2::V4l2;

use super::{
    Request, Scheme,
    process::{self, Program},
};

pub use sensors::{Mode, Sensor, sensors};
pub use system::System;
use system::Way;

const DEFAULT_SIZE: Size = Size::new(1280, 720);
const DEFAULT_FPS: f64 = 30.0;
const DEFAULT_QUALITY: u8 = 80;

/// How long the program may take to its first frame, and stay silent after it: each less than the hub has patience for by
/// default, because only here is it known that a silent camera means its cable.
const FIRST_FRAME: Duration = Duration::from_secs(8);
const SILENCE: Duration = Duration::from_secs(3);

/// The scheme `pi`, with programs and devices where `system` says.
pub fn scheme(system: System) -> Scheme {
    Scheme::new(
        "pi",
        "a Raspberry Pi camera module, by its number if there are several: pi, pi:1",
        move |request| Pi::new(request, system.clone()),
    )
    .encodes()
    .options(&options::ABOUT)
}

#[derive(Clone)]
struct Pi {
    system: System,
    index: u32,
    /// What the camera is asked for, as the program takes it.
    arguments: Vec<String>,
    silence: Duration,
    request: Request,
    /// The same camera by the old driver, once it turned out to be there.
    old: Arc<OnceLock<V4l2>>,
}

impl Pi {
    fn new(request: &Request, system: System) -> Result<Self> {
        let index = match request.source.rest() {
            "" => 0,
            number => number.parse().map_err(|_| {
                Error::new(
                    ErrorKind::Invalid,
                    format!("`{number}` is no camera's number: write `pi:0`, `pi:1` …"),
                )
            })?,
        };
        let options = options::read(request)?;
        let fps = request.fps.unwrap_or(DEFAULT_FPS);
        let interval = Duration::try_from_secs_f64(1.0 / fps).unwrap_or(Duration::MAX);
        Ok(Self {
            system,
            index,
            arguments: options.arguments,
            silence: SILENCE.max(interval.max(options.shutter).saturating_mul(2)),
            request: request.clone(),
            old: Arc::default(),
        })
    }

    fn command(&self, program: &Path) -> Command {
        let size = self.request.size.unwrap_or(DEFAULT_SIZE);
        let mut command = Command::new(program);
        command
            .args(["--codec", "mjpeg", "-o", "-", "-t", "0", "-n", "--flush"])
            .args(["--camera", &self.index.to_string()])
            .args(["--width", &size.width.to_string()])
            .args(["--height", &size.height.to_string()])
            .arg("--framerate")
            .arg(self.request.fps.unwrap_or(DEFAULT_FPS).to_string())
            .arg("--quality")
            .arg(self.request.quality.unwrap_or(DEFAULT_QUALITY).to_string())
            .args(&self.arguments);
        command
    }
}

impl Camera for Pi {
    fn frames(&self) -> Frames {
        let path = match self.system.way() {
            Ok(Way::Program(path)) => Ok(path),
            Ok(Way::Kernel(node)) => {
                let old = || old::camera(&node, &self.request);
                return self.old.get_or_init(old).frames();
            }
            Err(error) => Err(error),
        };
        let pi = self.clone();
        Frames::blocking(move |stop| {
            let path = path?;
            options::present(&pi.request)?;
            let program = Program::start(&mut pi.command(&path), &pi.request.name)?;
            let first = FIRST_FRAME.max(pi.silence);
            let (silence, ending) = (pi.silence, stop.clone());
            let ended = move |exit: &_| Some(fault::told(exit, &pi, &path, &ending));
            Ok(process::Frames::new(program, stop, ended).patient(first, silence))
        })
    }

    fn given(&self) -> Option<Given> {
        self.old.get()?.given()
    }

    fn controls(&self) -> Option<&dyn Controls> {
        self.old.get()?.controls()
    }
}
