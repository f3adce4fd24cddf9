//! A program that writes frames to its standard output, and the certainty that it is gone afterwards.
//!
//! It runs in a process group of its own, so that what it starts ends with it. It is meant for the thread of a blocking
//! driver: that thread drains both outputs, and drops the [`Program`] before the camera counts as closed, also when
//! nobody waits for that. Only a descendant that leaves the group (a daemon) escapes.

mod complaints;
mod frames;
mod group;

use std::{
    ffi::{OsStr, OsString},
    fmt,
    io::{self, Read as _},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use framecast_camera::{Error, ErrorKind, Result, Stop};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, WaitStatus},
};

use crate::drivers::redact;
use complaints::Complaints;
pub(super) use frames::Frames;
use group::Group;

/// How long a wait for output lasts before patience is asked for again.
const NAP: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// For a look without a wait.
const NOW: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// How long a program that closed its output may take to exit, so that its exit status can be told.
const EXIT: Duration = Duration::from_secs(1);

/// A running program.
pub(super) struct Program {
    group: Group,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    complaints: Complaints,
}

/// What came of waiting for a program's output.
enum Output {
    /// So many bytes.
    Bytes(usize),
    /// The program closed its output or exited.
    Ended,
    /// Whoever waits lost patience.
    GivenUp,
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Exit {
    /// `None` if it closed its output but would not exit.
    pub(super) code: Option<i32>,
    signal: Option<i32>,
    /// How long it had written nothing, if that is why it had to end.
    silent: Option<Duration>,
    /// The last line of its standard error.
    pub(super) last_words: String,
    /// How much it had written to its standard output, and how many frames that made.
    bytes: u64,
    pub(super) frames: u64,
}

impl Exit {
    /// Whether it had to end because it wrote nothing.
    pub(super) fn is_silent(&self) -> bool {
        self.silent.is_some()
    }
}

/// As in `exit status 3: no such camera`.
impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.silent, self.code, self.signal) {
            (Some(silent), ..) => write!(f, "silent for {} s", silent.as_secs())?,
            (_, Some(code), _) => write!(f, "exit status {code}")?,
            (_, None, Some(signal)) => write!(f, "killed by signal {signal}")?,
            (_, None, None) => f.write_str("its output was closed")?,
        }
        if self.frames == 0 && self.bytes > 0 {
            write!(f, ", no JPEG in its {} bytes", self.bytes)?;
        }
        if !self.last_words.is_empty() {
            write!(f, ": {}", self.last_words)?;
        }
        Ok(())
    }
}

impl Program {
    /// Starts `command` for the camera of that name. It does not learn the server's own settings, which may hold the
    /// passwords of other cameras.
    pub(super) fn start(command: &mut Command, camera: &str) -> Result<Self> {
        let said: Vec<OsString> = command.get_envs().map(|(name, _)| name.into()).collect();
        for (name, _) in std::env::vars_os() {
            let own = name == "CAMERA" || name.as_encoded_bytes().starts_with(b"FRAMECAST_");
            if own && !said.contains(&name) {
                command.env_remove(name);
            }
        }
        let secrets = command.get_args().filter_map(OsStr::to_str);
        let secrets = secrets.flat_map(redact::secrets).collect();
        let child: Child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| not_started(&command.get_program().to_string_lossy(), error))?;
        // From here on it is waited for as a group: the handle itself is not needed, and dropping it does nothing.
        let group = Group::led_by(Pid::from_child(&child));
        Ok(Self {
            group,
            stdout: child.stdout,
            stderr: child.stderr,
            complaints: Complaints::of(camera, secrets),
        })
    }

    /// What the program writes up to its end, or as much of it as is bearable; `None` once a stop is requested.
    pub(super) fn output(self, stop: &Stop) -> Option<(Vec<u8>, Exit)> {
        self.output_unless(|| stop.is_requested())
    }

    /// The same; `None` if it takes longer than that.
    pub(super) fn output_within(self, patience: Duration) -> Option<(Vec<u8>, Exit)> {
        let deadline = Instant::now() + patience;
        self.output_unless(|| Instant::now() >= deadline)
    }

    fn output_unless(mut self, give_up: impl Fn() -> bool) -> Option<(Vec<u8>, Exit)> {
        const BEARABLE: usize = 64 * 1024;
        let mut output = vec![0; BEARABLE];
        let mut length = 0;
        while length < BEARABLE {
            match self.read(&mut output[length..], &give_up) {
                Output::Bytes(bytes) => length += bytes,
                Output::Ended => break,
                Output::GivenUp => return None,
            }
        }
        output.truncate(length);
        Some((output, self.exit()))
    }

    /// Waits for output and reads what there is, seeing to standard error all the while.
    fn read(&mut self, buffer: &mut [u8], give_up: impl Fn() -> bool) -> Output {
        loop {
            if give_up() {
                return Output::GivenUp;
            }
            let Ready { stdout, stderr } = self.wait(&NAP);
            if stderr {
                self.listen();
            }
            let Some(pipe) = self.stdout.as_mut().filter(|_| stdout) else {
                // A program that exited is no longer the camera, though it may have left something running in the
                // background. The second look is for what it wrote just before.
                if !stderr && self.group.status().is_some() && !self.wait(&NOW).stdout {
                    return Output::Ended;
                }
                continue;
            };
            match pipe.read(buffer) {
                Ok(0) => return Output::Ended,
                Ok(bytes) => return Output::Bytes(bytes),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Output::Ended,
            }
        }
    }

    /// How the program ended, which it is given a moment for.
    fn exit(&mut self) -> Exit {
        self.stdout = None;
        let deadline = Instant::now() + EXIT;
        while Instant::now() < deadline {
            // Not only until it exits: its last words may still be in the pipe.
            if self.wait(&NAP).stderr {
                self.listen();
            } else if self.group.status().is_some() {
                break;
            }
        }
        let status = self.group.status();
        Exit {
            code: status.and_then(WaitStatus::exit_status),
            signal: status.and_then(WaitStatus::terminating_signal),
            silent: None,
            last_words: self.complaints.last(),
            bytes: 0,
            frames: 0,
        }
    }

    fn wait(&self, timeout: &Timespec) -> Ready {
        let mut pipes = Vec::with_capacity(2);
        pipes.extend(self.stdout.as_ref().map(|pipe| pipe.as_fd()));
        pipes.extend(self.stderr.as_ref().map(|pipe| pipe.as_fd()));
        let mut polled: Vec<PollFd<'_>> = pipes
            .iter()
            .map(|pipe| PollFd::from_borrowed_fd(*pipe, PollFlags::IN))
            .collect();
        // An interrupted wait is as good as one that timed out.
        let _interrupted = poll(&mut polled, Some(timeout));
        let mut ready = polled.iter().map(|pipe| !pipe.revents().is_empty());
        Ready {
            stdout: self.stdout.is_some() && ready.next().unwrap_or(false),
            stderr: self.stderr.is_some() && ready.next().unwrap_or(false),
        }
    }

    /// Reads what is in the pipe of standard error.
    fn listen(&mut self) {
        let mut buffer = [0; 4096];
        if let Some(pipe) = &mut self.stderr {
            match pipe.read(&mut buffer) {
                Ok(bytes @ 1..) => self.complaints.push(&buffer[..bytes]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => self.stderr = None,
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that is stuck writing wakes up.
        self.stdout = None;
        self.stderr = None;
        self.group.end();
    }
}

/// Why a program could not be started.
fn not_started(program: &str, error: io::Error) -> Error {
    let (kind, hint) = match error.kind() {
        io::ErrorKind::NotFound if program.starts_with("ff") => {
            (ErrorKind::Unsupported, "install it: apt-get install ffmpeg")
        }
        io::ErrorKind::NotFound => (ErrorKind::Unsupported, "install it"),
        io::ErrorKind::PermissionDenied => (ErrorKind::Denied, "this user may not run it"),
        _ => (ErrorKind::Unavailable, "it will be tried again"),
    };
    Error::new(kind, format!("`{program}` can't be started, {hint}")).with_source(error)
}

/// Which pipes have something to read, or are closed.
struct Ready {
    stdout: bool,
    stderr: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_installed_is_named_with_what_to_do() {
        let mut command = Command::new("ffnothing");
        let Err(error) = Program::start(&mut command, "door") else {
            panic!("there is such a program");
        };
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let message = error.to_string();
        assert!(message.contains("`ffnothing`"), "{message}");
        assert!(message.contains("apt-get install ffmpeg"), "{message}");
    }
}
