//! The frames in what a program writes.

use std::time::{Duration, Instant};

use framecast_camera::{Error, ErrorKind, Frame, Result, Stop};
use framecast_media::stream::Intake;

use super::{Exit, Output, Program};
use crate::drivers::MAX_FRAME;

/// The frames of a program, up to its end.
pub(in crate::drivers) struct Frames<E> {
    program: Program,
    intake: Intake,
    stop: Stop,
    buffer: Vec<u8>,
    bytes: u64,
    frames: u64,
    patience: Option<Patience>,
    /// What the end of the program means; `None` if it is no error.
    ended: E,
}

impl<E: FnMut(&Exit) -> Option<Error>> Frames<E> {
    pub(in crate::drivers) fn new(program: Program, stop: Stop, ended: E) -> Self {
        Self {
            program,
            intake: Intake::new(None, MAX_FRAME),
            stop,
            buffer: vec![0; 64 * 1024],
            bytes: 0,
            frames: 0,
            patience: None,
            ended,
        }
    }

    /// Ends a program that writes nothing for so long, at first and after its first frame.
    pub(in crate::drivers) fn patient(mut self, first: Duration, later: Duration) -> Self {
        self.patience = Some(Patience { first, later });
        self
    }

    fn end(&mut self, silent: Option<Duration>) -> Option<Result<Frame>> {
        let exit = Exit {
            bytes: self.bytes,
            frames: self.frames,
            silent,
            ..self.program.exit()
        };
        (self.ended)(&exit).map(Err)
    }

    fn patience(&self) -> Option<Duration> {
        let Patience { first, later } = self.patience?;
        Some(if self.frames == 0 { first } else { later })
    }
}

/// How long a program may write nothing.
#[derive(Clone, Copy)]
struct Patience {
    first: Duration,
    later: Duration,
}

impl<E: FnMut(&Exit) -> Option<Error>> Iterator for Frames<E> {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.intake.next() {
                Ok(Some(jpeg)) => {
                    self.frames += 1;
                    return Some(Ok(Frame::jpeg(jpeg)));
                }
                Ok(None) => {}
                Err(error) => {
                    let message = "what the program writes can't be read as JPEGs or multipart";
                    return Some(Err(
                        Error::new(ErrorKind::Broken, message).with_source(error)
                    ));
                }
            }
            let patience = self.patience();
            let asked = Instant::now();
            let silent = || patience.filter(|patience| asked.elapsed() >= *patience);
            let give_up = || self.stop.is_requested() || silent().is_some();
            match self.program.read(&mut self.buffer, give_up) {
                Output::Bytes(bytes) => {
                    self.bytes += bytes as u64;
                    self.intake.push(&self.buffer[..bytes]);
                }
                Output::GivenUp if self.stop.is_requested() => return None,
                Output::GivenUp => return self.end(silent()),
                Output::Ended => return self.end(None),
            }
        }
    }
}
