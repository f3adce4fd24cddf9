//! `exec:COMMAND`: what a command writes to its standard output, be it JPEGs end to end or multipart.

use std::process::Command;

use framecast_camera::{Camera, Error, ErrorKind, Frames};

use super::{
    Request, Scheme,
    process::{self, Exit, Program},
};

/// What a shell exits with if there is no such command, and if it may not be run.
const NOT_FOUND: i32 = 127;
const NOT_EXECUTABLE: i32 = 126;

pub(super) fn scheme() -> Scheme {
    Scheme::new(
        "exec",
        "a command that writes JPEGs or multipart to its standard output: exec:COMMAND",
        |request| {
            request.operand("COMMAND")?;
            Ok(Exec(request.clone()))
        },
    )
}

struct Exec(Request);

impl Camera for Exec {
    fn frames(&self) -> Frames {
        let request = self.0.clone();
        Frames::blocking(move |stop| {
            let program = Program::start(&mut command(&request), &request.name)?;
            Ok(process::Frames::new(program, stop, |exit| {
                Some(ended(exit))
            }))
        })
    }
}

/// The command, told what is asked of it by its environment.
fn command(request: &Request) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", request.source.rest()])
        .env("FRAMECAST_CAMERA", &request.name);
    let asked = [
        ("FRAMECAST_SIZE", request.size.map(|it| it.to_string())),
        ("FRAMECAST_FPS", request.fps.map(|it| it.to_string())),
        (
            "FRAMECAST_QUALITY",
            request.quality.map(|it| it.to_string()),
        ),
    ];
    for (name, value) in asked {
        match value {
            Some(value) => command.env(name, value),
            // Not this server's own, should it run inside another's command.
            None => command.env_remove(name),
        };
    }
    command
}

fn ended(exit: &Exit) -> Error {
    let kind = match exit.code {
        Some(NOT_FOUND) if exit.frames == 0 => ErrorKind::Unsupported,
        Some(NOT_EXECUTABLE) if exit.frames == 0 => ErrorKind::Denied,
        _ => ErrorKind::Lost,
    };
    Error::new(kind, format!("the command ended, {exit}"))
}
