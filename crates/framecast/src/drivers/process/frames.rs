//! The frames in what a program writes.

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
            ended,
        }
    }
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
            match self.program.read(&mut self.buffer, &self.stop) {
                Output::Bytes(bytes) => {
                    self.bytes += bytes as u64;
                    self.intake.push(&self.buffer[..bytes]);
                }
                Output::Stopped => return None,
                Output::Ended => {
                    let exit = Exit {
                        bytes: self.bytes,
                        frames: self.frames,
                        ..self.program.exit()
                    };
                    return (self.ended)(&exit).map(Err);
                }
            }
        }
    }
}
