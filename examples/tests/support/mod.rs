//! Runs an example as a user would, and talks to it.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// A running example, which ends with this value.
pub(crate) struct Example {
    pub(crate) child: Child,
    pub(crate) output: BufReader<ChildStdout>,
    address: String,
}

impl Example {
    /// Starts a program and waits until it says where it listens.
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let (_, rest) = line.split_once("http://").expect("an address");
        let address = rest.split('/').next().unwrap().to_owned();
        Self {
            child,
            output,
            address,
        }
    }

    /// Asks for a path and returns the connection, from which the answer can be read.
    pub(crate) fn ask(&self, path: &str) -> TcpStream {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        connection
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        connection.write_all(request.as_bytes()).unwrap();
        connection
    }

    /// The whole answer, head and body.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut answer = Vec::new();
        self.ask(path).read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Reads until `wanted` has come so many times, and returns what came.
pub(crate) fn read_until(connection: &mut TcpStream, wanted: &str, times: usize) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = connection.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the answer ended");
        text.extend_from_slice(&buffer[..read]);
        let so_far = String::from_utf8_lossy(&text);
        if so_far.matches(wanted).count() >= times {
            return so_far.into_owned();
        }
    }
}
