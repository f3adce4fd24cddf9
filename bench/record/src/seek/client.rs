//! A client that does no more than it has to: what is measured is the server.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

const PATIENCE: Duration = Duration::from_secs(300);

/// A connection that is kept.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

/// What came.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Bytes of the body.
    pub(crate) body: u64,
    /// Lines of it.
    pub(crate) lines: u64,
}

/// How a body ends.
enum Length {
    Known(u64),
    Chunks,
    Open,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: BufReader::with_capacity(256 << 10, stream),
        })
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Answer> {
        self.ask("GET", path, "")
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let (status, length) = self.begin(method, path, body)?;
        let mut answer = Answer {
            status,
            body: 0,
            lines: 0,
        };
        match length {
            Length::Known(len) => self.take(len, &mut answer)?,
            Length::Chunks => loop {
                let line = self.line()?;
                let len = u64::from_str_radix(line.trim(), 16).context("the length of a chunk")?;
                self.take(len, &mut answer)?;
                self.line()?;
                if len == 0 {
                    break;
                }
            },
            Length::Open => bail!("a body without an end"),
        }
        Ok(answer)
    }

    /// Asks, and reads the head of the answer.
    fn begin(&mut self, method: &str, path: &str, body: &str) -> Result<(u16, Length)> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let status = status.split(' ').nth(1).context("a status")?.parse()?;
        Ok((status, self.headers()?))
    }

    fn headers(&mut self) -> Result<Length> {
        let mut length = Length::Open;
        loop {
            let line = self.line()?.trim().to_ascii_lowercase();
            if line.is_empty() {
                return Ok(length);
            }
            if let Some(len) = line.strip_prefix("content-length:") {
                length = Length::Known(len.trim().parse()?);
            } else if line == "transfer-encoding: chunked" {
                length = Length::Chunks;
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(
            self.stream.read_line(&mut line)? > 0,
            "the connection ended"
        );
        Ok(line)
    }

    fn take(&mut self, mut len: u64, answer: &mut Answer) -> Result<()> {
        answer.body += len;
        while len > 0 {
            let there = self.stream.fill_buf()?;
            ensure!(!there.is_empty(), "the connection ended");
            let some = there.len().min(usize::try_from(len)?);
            answer.lines += there[..some].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.stream.consume(some);
            len -= some as u64;
        }
        Ok(())
    }

    /// The next part of a stream, behind the line that divides it from the one before: its bytes.
    fn part(&mut self) -> Result<u64> {
        let Length::Known(len) = self.headers()? else {
            bail!("a part without a length");
        };
        let mut jpeg = vec![0; usize::try_from(len)?];
        self.stream.read_exact(&mut jpeg)?;
        // The line that divides comes with the picture before it.
        while !self.line()?.starts_with("--") {}
        Ok(len)
    }
}

/// A viewer of a session that is paused.
pub(crate) struct Watching {
    stream: Connection,
    session: String,
}

impl Watching {
    pub(crate) fn begin(address: SocketAddr, camera: &str, at: f64) -> Result<Self> {
        let name = "seek-benchmark";
        let mut stream = Connection::open(address)?;
        let path = format!("/cameras/{camera}/stream.mjpg?session={name}&at={at:.3}&speed=0.25");
        let (status, _) = stream.begin("GET", &path, "")?;
        ensure!(status == 200, "the stream is answered with {status}");
        let mut watching = Self {
            stream,
            session: format!("/api/v1/cameras/{camera}/playback/{name}"),
        };
        watching.stream.line()?;
        watching.stream.part()?;
        let mut control = Connection::open(address)?;
        watching.change(&mut control, "{\"paused\": true}")?;
        // What was on its way would be taken for the next.
        watching.quieten()?;
        Ok(watching)
    }

    /// How long it takes from asking for another time to its whole picture.
    pub(crate) fn seek(&mut self, control: &mut Connection, at: f64) -> Result<Duration> {
        let began = Instant::now();
        self.change(control, &format!("{{\"at\": {at:.3}, \"paused\": true}}"))?;
        ensure!(self.stream.part()? > 10_000, "no picture at {at}");
        Ok(began.elapsed())
    }

    fn change(&self, control: &mut Connection, body: &str) -> Result<()> {
        let answer = control.ask("PATCH", &self.session, body)?;
        ensure!(
            answer.status == 200,
            "the session answers with {}",
            answer.status
        );
        Ok(())
    }

    /// Reads parts until nothing comes.
    fn quieten(&mut self) -> Result<()> {
        let socket = self.stream.stream.get_ref().try_clone()?;
        loop {
            socket.set_read_timeout(Some(Duration::from_millis(500)))?;
            let is_quiet = match self.stream.stream.fill_buf() {
                Ok([]) => bail!("the stream ended"),
                Ok(_) => false,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => true,
                Err(error) => return Err(error.into()),
            };
            socket.set_read_timeout(Some(PATIENCE))?;
            if is_quiet {
                return Ok(());
            }
            self.stream.part()?;
        }
    }
}
