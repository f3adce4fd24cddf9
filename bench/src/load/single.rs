//! One viewer that is waited for.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::net::{RecvFlags, recv};

use super::{Sample, Target, connect, request, viewer::Viewer};

/// How long it waits for the next bytes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A viewer that reads when it is told to.
#[derive(Debug)]
pub(crate) struct Single {
    viewer: Viewer,
    buffer: Vec<u8>,
    /// When the head of the answer had come.
    pub(crate) answered: Instant,
    waiting: Vec<Sample>,
}

impl Single {
    /// Asks for a target's first camera and waits for the head of the answer.
    pub(crate) fn open(target: &Target) -> Result<Self> {
        Self::holding(target, None)
    }

    /// The same with a bound for what the kernel holds of what was not read yet, in bytes.
    pub(crate) fn holding(target: &Target, holds: Option<usize>) -> Result<Self> {
        let socket = connect(target.address, 0, holds)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        request(&socket, target.address, &target.paths[0])?;
        let mut single = Self {
            viewer: Viewer::new(0, socket),
            buffer: vec![0; 256 << 10],
            answered: Instant::now(),
            waiting: Vec::new(),
        };
        while !single.viewer.is_served() {
            single.read(usize::MAX)?;
        }
        single.answered = Instant::now();
        Ok(single)
    }

    /// Waits for the next whole part.
    pub(crate) fn next(&mut self) -> Result<Sample> {
        loop {
            self.waiting.extend(self.viewer.samples());
            if !self.waiting.is_empty() {
                return Ok(self.waiting.remove(0));
            }
            self.read(usize::MAX)?;
        }
    }

    /// Reads at most `most` bytes, whether a part becomes complete or not, and returns how many.
    pub(crate) fn read(&mut self, most: usize) -> Result<usize> {
        let most = most.min(self.buffer.len());
        let (held, _) = recv(
            &self.viewer.socket,
            &mut self.buffer[..most],
            RecvFlags::empty(),
        )
        .map_err(std::io::Error::from)?;
        if held == 0 {
            bail!("the stream has ended");
        }
        self.viewer.receive(&self.buffer[..held])?;
        Ok(held)
    }

    /// The port it is connected from.
    pub(crate) fn port(&self) -> Result<u16> {
        Ok(self.viewer.socket.local_addr()?.port())
    }

    /// The parts that are complete by now.
    pub(crate) fn samples(&mut self) -> Vec<Sample> {
        self.viewer.samples()
    }
}
