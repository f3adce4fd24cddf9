//! A server with TLS, and curl as its client.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(unreachable_pub, reason = "each test compiles it as a part of itself")]

use std::{
    io::BufReader,
    path::PathBuf,
    process::{ChildStdout, Command, Stdio},
};

use serde_json::Value;

use super::server::{Beside, Part, Server, Start, Viewer, beside, eventually, framecast};

/// Both versions of HTTP, as curl calls them.
pub const VERSIONS: [(&str, &str); 2] = [("--http1.1", "1.1"), ("--http2", "2")];

/// A server that makes its certificate itself.
pub fn encrypted() -> Start {
    framecast().arg("--tls-self-signed")
}

/// The certificate that the server has made.
pub fn authority(server: &Server) -> PathBuf {
    server.path("framecast/self-signed.pem")
}

/// What curl says.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    /// The version of HTTP.
    pub version: String,
    /// The head as it came, in small letters.
    pub head: String,
    pub body: Vec<u8>,
}

impl Said {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// curl with what it needs to trust the server, and further options, of which the last is the address.
pub fn curl(server: &Server, options: &[&str]) -> Command {
    let mut command = Command::new("curl");
    command
        .args(["-sS", "--max-time", "30", "--cacert"])
        .arg(authority(server))
        .args(options);
    command
}

/// The whole answer to one request, or what curl has to complain of.
pub fn try_ask(server: &Server, options: &[&str]) -> Result<Said, String> {
    let write = ["-i", "-w", "\n%{http_code} %{http_version}"];
    let output = curl(server, &[&write, options].concat()).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let all = output.stdout;
    let end = all.iter().rposition(|byte| *byte == b'\n').unwrap();
    let told = String::from_utf8_lossy(&all[end + 1..]).into_owned();
    let (status, version) = told.split_once(' ').unwrap();
    let head = all.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    Ok(Said {
        status: status.parse().unwrap(),
        version: version.to_owned(),
        head: String::from_utf8_lossy(&all[..head]).to_ascii_lowercase(),
        body: all[head + 4..end].to_vec(),
    })
}

/// The same where there must be an answer.
#[track_caller]
pub fn ask(server: &Server, options: &[&str]) -> Said {
    try_ask(server, options).unwrap_or_else(|error| panic!("{options:?}: {error}"))
}

/// What the JSON interface says of a camera.
pub fn camera(server: &Server, name: &str) -> Value {
    let said = ask(server, &[&server.url(&format!("/api/v1/cameras/{name}"))]);
    serde_json::from_slice(&said.body).unwrap()
}

/// Waits until a camera's view is as it should be.
pub fn until(server: &Server, name: &str, wanted: impl Fn(&Value) -> bool) {
    eventually(&format!("camera {name}"), || {
        let view = camera(server, name);
        wanted(&view).then_some(()).ok_or_else(|| view.to_string())
    });
}

/// A stream that curl reads.
#[derive(Debug)]
pub struct Watching {
    pub curl: Beside,
    pub viewer: Viewer<ChildStdout>,
}

impl Watching {
    /// Watches the stream at an address, with these options for curl.
    pub fn start(server: &Server, options: &[&str], url: &str) -> Self {
        let mut command = curl(server, &["-N", "--max-time", "120"]);
        command.args(options).arg(url).stdout(Stdio::piped());
        let mut curl = beside(&mut command);
        let stdout = curl.0.stdout.take().unwrap();
        let viewer = Viewer::reading(BufReader::new(stdout));
        Self { curl, viewer }
    }

    /// The ages of so many live parts.
    pub fn ages(&mut self, count: usize) -> Vec<f64> {
        let mut ages: Vec<f64> = (0..count)
            .map(|_| self.viewer.until(Part::is_live).age())
            .collect();
        ages.sort_by(f64::total_cmp);
        ages
    }
}
