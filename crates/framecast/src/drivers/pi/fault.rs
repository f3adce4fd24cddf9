//! What the end of the program means. It exits with status 255 for everything and says why on its last line.

use std::path::Path;

use framecast_camera::{Error, ErrorKind, Stop};

use super::{Pi, System, sensors, system::use_v4l2};
use crate::drivers::process::Exit;

/// What a loader exits with if a library of the program is missing.
const NOT_LOADED: i32 = 127;

/// What the program's last line has in it if the sensor sends nothing: libcamera's words or its own.
const SILENT: [&str; 3] = [
    "Device timeout detected",
    "Camera frontend has timed out",
    "try another cable",
];

/// The end of a camera's program, in words.
pub(super) fn told(exit: &Exit, pi: &Pi, program: &Path, stop: &Stop) -> Error {
    let says = |words: &str| exit.last_words.contains(words);
    if says("selected camera is not available") {
        return wrong_index(pi, stop);
    }
    if exit.is_silent() || SILENT.iter().any(|words| says(words)) {
        let words = match &*exit.last_words {
            "" => String::new(),
            words => format!(" ({words})"),
        };
        return Error::new(
            ErrorKind::Lost,
            format!("the camera sends no pictures: check its cable{words}"),
        );
    }
    of_program(exit, &pi.system, program)
}

/// What it means whatever the program was to do.
pub(super) fn of_program(exit: &Exit, system: &System, program: &Path) -> Error {
    let says = |words: &str| exit.last_words.contains(words);
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    if says("no cameras available") {
        return Error::new(
            ErrorKind::Unavailable,
            "no camera is connected: switch off, check its cable at both ends, and that this user is in the group `video`",
        );
    }
    if says("failed to acquire camera") || says("in use by another process") {
        let by = match system.holder() {
            Some((holder, process)) => format!("by `{holder}` (process {process})"),
            None => "by another program".to_owned(),
        };
        return Error::new(ErrorKind::Busy, format!("the camera is in use {by}"));
    }
    if says("legacy camera stack") {
        let node = system.old_node();
        return use_v4l2(&node.unwrap_or_else(|| "/dev/video0".into()));
    }
    if says("only supports the Raspberry Pi") || says("Contributions for other platforms") {
        return Error::new(
            ErrorKind::Unsupported,
            format!("`{name}` knows only the cameras of a Raspberry Pi, which this is not"),
        );
    }
    if says("unrecognised option") {
        return Error::new(
            ErrorKind::Unsupported,
            format!("`{name}` is too old for what is asked of it, {exit}"),
        );
    }
    let kind = match exit.code {
        Some(NOT_LOADED) if exit.frames == 0 => ErrorKind::Unsupported,
        _ => ErrorKind::Lost,
    };
    Error::new(kind, format!("`{name}` ended, {exit}"))
}

/// There are cameras, but none of that number.
fn wrong_index(pi: &Pi, stop: &Stop) -> Error {
    let there_are = match sensors::list(&pi.system, |program| program.output(stop)) {
        Ok(sensors) if !sensors.is_empty() => {
            let each: Vec<String> = sensors
                .iter()
                .map(|sensor| format!("`pi:{}` ({})", sensor.index, sensor.model))
                .collect();
            format!(", only {}", each.join(", "))
        }
        _ => String::new(),
    };
    Error::new(
        ErrorKind::Invalid,
        format!("there is no camera `pi:{}`{there_are}", pi.index),
    )
}
