//! Servers under test, each started anew for each measurement, as processes of their own.
//!
//! What does not belong here: viewers and figures.

pub(crate) mod bare;
mod parts;
mod peers;
pub(crate) mod tasks;

use std::{
    fmt,
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use crate::{input::Input, load::Target, process};

pub(crate) use parts::Cameras;
pub(crate) use peers::{Options, Version, versions};

/// How long a server may take to accept connections, and to stop.
const PATIENCE: Duration = Duration::from_secs(15);

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    /// A loop that writes each frame to all sockets and does nothing else: the limit.
    Bare,
    /// A tokio task per socket that writes each frame.
    Tasks,
    /// framecast as it is built for release.
    Framecast,
    /// ustreamer, as Debian has it.
    Ustreamer,
    /// Flask with a thread per camera and an event per viewer, behind gunicorn with gevent.
    Flask,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bare => "bare loop",
            Self::Tasks => "tokio task per socket",
            Self::Framecast => "framecast",
            Self::Ustreamer => "ustreamer",
            Self::Flask => "Flask",
        })
    }
}

/// Where programs, cameras and logs are.
#[derive(Clone, Debug)]
pub(crate) struct Rig {
    /// For sockets, configurations and logs; gone at the end.
    pub(crate) folder: PathBuf,
    /// The repository.
    pub(crate) root: PathBuf,
    pub(crate) framecast: PathBuf,
    /// The fake webcam, built.
    pub(crate) webcam: PathBuf,
    /// The Python of the Flask peer.
    pub(crate) python: PathBuf,
}

impl Rig {
    /// The path of a fake webcam.
    pub(crate) fn camera(&self, number: usize) -> PathBuf {
        self.folder.join(format!("webcam{number}"))
    }

    /// Builds the fake webcam, and files where its devices are said to be.
    pub(crate) fn prepare(&self, cameras: usize) -> Result<()> {
        for number in 0..cameras {
            File::create(self.camera(number))?;
        }
        let source = self.root.join("tools/fakev4l2/fakev4l2.c");
        let built = Command::new("cc")
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .arg(&self.webcam)
            .arg(&source)
            .args(["-ldl", "-lpthread"])
            .status()
            .context("the fake webcam needs a C compiler, `cc`")?;
        if !built.success() {
            bail!("{} can't be compiled", source.display());
        }
        Ok(())
    }

    /// Lets a program see the fake webcams.
    fn with_webcams(&self, command: &mut Command, input: &Input) {
        command
            .env("LD_PRELOAD", &self.webcam)
            .env("FAKEV4L2_PATH", self.folder.join("webcam"))
            .env("FAKEV4L2_JPEG", &input.jpeg)
            .env("FAKEV4L2_FPS", input.fps.to_string());
    }
}

/// A server that runs, with all its processes in a group of their own; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) target: Target,
    /// When it was started.
    pub(crate) begun: Instant,
    log: PathBuf,
}

impl Server {
    /// Starts a server with a number of cameras and waits until it accepts connections.
    pub(crate) fn start(
        kind: Kind,
        rig: &Rig,
        input: &Input,
        cameras: usize,
        options: &Options,
    ) -> Result<Self> {
        let port = free_port()?;
        let (mut command, paths) = peers::command(kind, rig, input, cameras, port, options)?;
        let log = rig.folder.join(format!("{kind:?}.log"));
        let file = File::create(&log)?;
        command
            .stdin(std::process::Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0);
        let begun = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("{kind} can't be started: run bench/setup"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut server = Self {
            child,
            target: Target { address, paths },
            begun,
            log,
        };
        server
            .wait()
            .with_context(|| format!("{kind} does not serve: {}", server.last_words()))?;
        Ok(server)
    }

    fn wait(&mut self) -> Result<()> {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.target.address.port())).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}");
            }
            if self.begun.elapsed() > PATIENCE {
                bail!("no connection in {PATIENCE:?}");
            }
            // Short, as it is also measured how soon a server is there.
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// The last lines of what it wrote.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
    }

    /// All its processes.
    pub(crate) fn processes(&self) -> Vec<u32> {
        process::tree(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.child.id() as i32);
        // Whoever has ended already can't be told to.
        let _told = kill(pid, Signal::SIGTERM);
        let told = Instant::now();
        while told.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _rest = killpg(pid, Signal::SIGKILL);
        let _reaped = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// This program, which is also the servers that only write.
fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("this program can't find itself")
}

/// A path as text for a configuration.
fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is no text", path.display()))
}
