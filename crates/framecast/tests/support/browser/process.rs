//! Processes that end with their browser, children and grandchildren included.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::Result;

/// A program in a session of its own. A browser moves its children to other process groups, but they stay in the session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) child: Child,
}

impl Session {
    /// Starts a program; what it prints goes to `stdout`, its complaints nowhere.
    pub(super) fn start(
        program: &str,
        arguments: &[String],
        environment: &[(&str, String)],
        stdout: Stdio,
    ) -> Result<Self> {
        let child = Command::new("setsid")
            .arg(program)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        Ok(Self { child })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Asked kindly they remove their sockets and locks; after half a second nobody is asked any more. A process may
        // start another while we look, so look again until none is left.
        for round in 0..100 {
            let members = members(self.child.id());
            if members.is_empty() {
                break;
            }
            let signal = match round {
                0 => Some(Signal::TERM),
                1..50 => None,
                _ => Some(Signal::KILL),
            };
            if let Some(signal) = signal {
                for pid in members {
                    let _ = kill_process(pid, signal);
                }
            }
            let _ = self.child.try_wait();
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.wait();
    }
}

/// The living processes of a session.
fn members(session: u32) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // "pid (name) state parent group session …", and a name may hold spaces and brackets.
            let mut fields = stat.rsplit(')').next().unwrap_or("").split_whitespace();
            fields.next() != Some("Z")
                && fields.nth(2).and_then(|field| field.parse().ok()) == Some(session)
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// Keeps what a browser writes out of the home of whoever runs the tests.
pub(super) fn home(profile: &Path) -> [(&'static str, String); 3] {
    ["HOME", "TMPDIR", "XDG_RUNTIME_DIR"].map(|name| (name, profile.display().to_string()))
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Tries until it succeeds, for as long as a browser may need to start on a busy machine.
pub(super) async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let mut outcome = attempt().await;
    for _ in 0..300 {
        if outcome.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        outcome = attempt().await;
    }
    outcome
}
