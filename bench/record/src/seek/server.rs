//! The program in a process of its own.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::SERVE;

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// Memory of a process in kB.
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) most: u64,
}

impl Server {
    /// Serves what was recorded of a camera.
    pub(crate) fn start(folder: &Path, camera: &str) -> Result<Self> {
        let table = format!("[cameras.{camera}]\nsource = \"test\"\nsize = \"160x120\"\n");
        Self::run(folder, 60, &table)
    }

    /// Records a camera of usual pictures.
    pub(crate) fn record(folder: &Path, camera: &str, segment: u64) -> Result<Self> {
        let table = format!(
            "[cameras.{camera}]\nsource = \"test\"\nsize = \"1280x720\"\nfps = 15\nrecord = \"always\"\n"
        );
        Self::run(folder, segment, &table)
    }

    fn run(folder: &Path, segment: u64, camera: &str) -> Result<Self> {
        let config = folder.join("framecast.toml");
        let root = folder.join("recordings");
        fs::write(
            &config,
            format!(
                "[recordings]\npath = {root:?}\nmin_free = 0\nsegment = \"{segment}s\"\n{camera}"
            ),
        )?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(env::current_exe()?)
            .arg("--config")
            .arg(&config)
            .args(["--listen", &address.to_string()])
            .env(SERVE, "1")
            .env("FRAMECAST_STATE", folder.join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let mut server = Self { child, address };
        for _ in 0..1000 {
            if TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("the program ended: {status}");
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("the program does not listen")
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
                .context("memory of the program")
        };
        Ok(Memory {
            now: field("VmRSS:")?,
            most: field("VmHWM:")?,
        })
    }

    /// Ends it as a supervisor does.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
