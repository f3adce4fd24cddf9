//! All addresses move under the base path, the page with all cameras included.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

/// A running program; killed when dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

fn get(address: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn everything_is_served_under_the_base_path_and_nothing_beside_it() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_framecast"))
        .args(["--listen", "127.0.0.1:0", "--base-path", "/cams"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let _program = Program(child);
    let line = log
        .lines()
        .find(|line| line.as_ref().unwrap().contains("watch at"));
    let line = line.unwrap().unwrap();
    let (_, rest) = line.split_once("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    assert_eq!(path, "cams/");

    assert!(get(address, "/cams/").contains("<framecast-camera name=\"camera\">"));
    assert!(get(address, "/cams").contains("location: ./cams/"));
    for path in [
        "/cams/cameras/camera/",
        "/cams/assets/framecast.js",
        "/cams/healthz",
    ] {
        assert!(get(address, path).starts_with("HTTP/1.0 200"), "{path}");
    }
    assert!(get(address, "/healthz").starts_with("HTTP/1.0 404"));
}
