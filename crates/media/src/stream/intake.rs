use bytes::Bytes;

use super::{Error, Splitter};
use crate::multipart::{self, Limits, Parser, Part};

/// The most bytes the headers of a part may take.
const MAX_HEADER: usize = 16 * 1024;

/// Takes frames out of a stream of which only its bytes, and perhaps a content type, are known.
///
/// The first bytes decide: a boundary line or headers make it multipart, anything else JPEGs that lie end to end.
#[derive(Debug)]
pub struct Intake {
    max_frame: usize,
    /// The content type, if it says multipart.
    content_type: Option<String>,
    reading: Reading,
}

#[derive(Debug)]
enum Reading {
    /// Nothing but white space has come.
    Undecided,
    Multipart(Box<Parser>),
    Bare(Splitter),
}

impl Intake {
    /// An intake for frames of at most `max_frame` bytes. A content type is a hint; what comes counts for more.
    #[must_use]
    pub fn new(content_type: Option<&str>, max_frame: usize) -> Self {
        let multipart = |it: &&str| {
            it.get(..10)
                .is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
        };
        Self {
            max_frame,
            content_type: content_type
                .map(str::trim)
                .filter(multipart)
                .map(str::to_owned),
            reading: Reading::Undecided,
        }
    }

    /// Takes in the bytes that came next. Call [`next`](Self::next) until it returns `None` after each.
    pub fn push(&mut self, bytes: &[u8]) {
        if matches!(self.reading, Reading::Undecided) {
            let Some(&first) = bytes.trim_ascii_start().first() else {
                return;
            };
            self.reading = self.decide(first);
        }
        match &mut self.reading {
            Reading::Undecided => {}
            Reading::Multipart(parser) => parser.push(bytes),
            Reading::Bare(splitter) => splitter.push(bytes),
        }
    }

    /// The next complete frame, `None` if more bytes are needed or the stream was closed.
    ///
    /// Empty parts and parts of a type that isn't a JPEG are passed over.
    ///
    /// # Errors
    ///
    /// An [`enum@Error`] if a limit is exceeded or there is no boundary to be found; the same one from then on.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator can't say that there is nothing yet"
    )]
    pub fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match &mut self.reading {
            Reading::Undecided => Ok(None),
            Reading::Bare(splitter) => splitter.next(),
            Reading::Multipart(parser) => loop {
                match parser.next() {
                    Ok(Some(part)) if carries_frame(&part) => return Ok(Some(part.body)),
                    Ok(Some(_)) => {}
                    Ok(None) => return Ok(None),
                    Err(multipart::Error::Part(limit)) => return Err(Error::TooLarge(limit)),
                    Err(error) => return Err(error.into()),
                }
            },
        }
    }

    /// The frame that the stream ended with, if nothing tells that it is incomplete.
    #[must_use]
    pub fn finish(self) -> Option<Bytes> {
        match self.reading {
            Reading::Undecided | Reading::Bare(_) => None,
            Reading::Multipart(parser) => {
                parser.finish().filter(carries_frame).map(|part| part.body)
            }
        }
    }

    /// Whether the stream said that there will be no more frames.
    #[must_use]
    pub fn closed(&self) -> bool {
        matches!(&self.reading, Reading::Multipart(parser) if parser.closed())
    }

    /// Bytes of garbage between JPEGs that lay end to end.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        match &self.reading {
            Reading::Bare(splitter) => splitter.skipped(),
            _ => 0,
        }
    }

    fn decide(&self, first: u8) -> Reading {
        let limits = Limits {
            part: self.max_frame,
            header: MAX_HEADER,
        };
        match &self.content_type {
            Some(content_type) if first != 0xFF => {
                Reading::Multipart(Box::new(Parser::from_content_type(content_type, limits)))
            }
            None if first == b'-' || first.is_ascii_alphabetic() => {
                Reading::Multipart(Box::new(Parser::new(None, limits)))
            }
            _ => Reading::Bare(Splitter::new(self.max_frame)),
        }
    }
}

fn carries_frame(part: &Part) -> bool {
    let kind = part.headers.content_type().unwrap_or("image/jpeg");
    let known = ["image/jpeg", "image/jpg", "application/octet-stream"];
    !part.body.is_empty() && known.iter().any(|it| kind.eq_ignore_ascii_case(it))
}
