//! The program itself, running.

#![allow(dead_code, reason = "every test binary uses a part of it")]

use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::browser::Result;

/// A running framecast; killed when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
    /// Where it keeps users and keys: nothing of whoever runs the tests.
    state: tempfile::TempDir,
}

impl Program {
    /// Serves these cameras, each `NAME=SOURCE`.
    pub(crate) async fn start(cameras: &[String]) -> Result<Self> {
        Self::start_with(cameras, &[]).await
    }

    /// The same with more arguments.
    pub(crate) async fn start_with(cameras: &[String], more: &[&str]) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut arguments = vec!["--listen".to_owned(), format!("127.0.0.1:{port}")];
        for camera in cameras {
            arguments.extend(["--camera".to_owned(), camera.clone()]);
        }
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let mut program = Self {
            port,
            arguments,
            child: None,
            state: tempfile::tempdir()?,
        };
        program.start_again().await?;
        Ok(program)
    }

    /// Starts it on the port it had.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let child = Command::new(env!("CARGO_BIN_EXE_framecast"))
            .args(&self.arguments)
            .env("FRAMECAST_STATE", self.state.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        self.child = Some(child);
        for _ in 0..200 {
            if reqwest::get(self.url("healthz")).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("the program does not answer".into())
    }

    /// What a command says that looks after its users and addresses; `input` is what is typed.
    pub(crate) fn tell(&self, args: &[&str], input: &str) -> Result<String> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_framecast"))
            .args(args)
            .env("FRAMECAST_STATE", self.state.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().ok_or("no standard input")?;
        stdin.write_all(input.as_bytes())?;
        drop(stdin);
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("{args:?}: {}", output.status).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// Lets a user in, and waits until nobody else is.
    pub(crate) async fn user(&self, name: &str, password: &str, flags: &[&str]) -> Result<()> {
        self.tell(&[&["user", "add", name][..], flags].concat(), password)?;
        for _ in 0..200 {
            if reqwest::get(self.url("")).await?.status() == 401 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("everyone is let in".into())
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// How many viewers the first camera has.
    pub(crate) async fn viewers(&self) -> Result<u64> {
        let text = reqwest::get(self.url("api/v1/cameras"))
            .await?
            .text()
            .await?;
        let answer: Value = serde_json::from_str(&text)?;
        let viewers = answer["cameras"][0]["viewers"].as_u64();
        viewers.ok_or_else(|| format!("no viewers in {answer}").into())
    }

    /// Waits until the first camera has so many viewers.
    pub(crate) async fn until_viewers(&self, expected: u64) -> Result<()> {
        for _ in 0..150 {
            if self.viewers().await? == expected {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!("{} viewers and not {expected}", self.viewers().await?).into())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
