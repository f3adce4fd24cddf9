//! One viewer: the head of the answer, then the parts.

use std::{
    net::TcpStream,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, bail};
use framecast_media::multipart::{Headers, Limits, Parser};
use memchr::memmem;

use super::{Sample, age};
use crate::stamp;

const LIMITS: Limits = Limits {
    part: 16 << 20,
    header: 8 << 10,
};
/// The longest head of an answer.
const LONGEST_HEAD: usize = 16 << 10;

#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) index: usize,
    pub(super) socket: TcpStream,
    head: Vec<u8>,
    /// Once the head has come.
    parser: Option<Parser>,
    /// Bytes of the stream that the parser was given.
    pushed: u64,
}

/// What of some received bytes is the stream.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: usize,
    pub(super) is_served: bool,
}

impl Viewer {
    pub(super) fn new(index: usize, socket: TcpStream) -> Self {
        Self {
            index,
            socket,
            head: Vec::new(),
            parser: None,
            pushed: 0,
        }
    }

    /// Whether the head of the answer has come.
    pub(super) fn is_served(&self) -> bool {
        self.parser.is_some()
    }

    /// Takes in what came. Errors if the answer is something else than a stream.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<Body> {
        if let Some(parser) = &mut self.parser {
            parser.push(bytes);
            self.pushed += bytes.len() as u64;
            return Ok(Body {
                bytes: bytes.len(),
                is_served: true,
            });
        }
        self.head.extend_from_slice(bytes);
        let Some(head) = head(&self.head)? else {
            return Ok(Body {
                bytes: 0,
                is_served: false,
            });
        };
        let mut parser = Parser::from_content_type(&head.content_type, LIMITS);
        let body = self.head.split_off(head.length);
        self.head = Vec::new();
        parser.push(&body);
        self.pushed = body.len() as u64;
        self.parser = Some(parser);
        Ok(Body {
            bytes: body.len(),
            is_served: true,
        })
    }

    /// The parts that are complete by now.
    pub(super) fn samples(&mut self) -> Vec<Sample> {
        let mut samples = Vec::new();
        let Some(parser) = &mut self.parser else {
            return samples;
        };
        while let Ok(Some(part)) = parser.next() {
            let frame = stamp::read(&part.body).or_else(|| said(&part.headers));
            samples.push(Sample {
                viewer: self.index,
                at: Instant::now(),
                frame: frame.map(|(number, born)| (number, age(born))),
                end: self.pushed - parser.buffered() as u64,
            });
        }
        samples
    }
}

/// Number and birth of a frame that was encoded anew, as framecast's headers tell them.
fn said(headers: &Headers) -> Option<(u64, SystemTime)> {
    let number = headers.get("X-Framecast-Sequence")?.parse().ok()?;
    let seconds = headers.get("X-Timestamp")?.parse().ok()?;
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    Some((number, UNIX_EPOCH + since))
}

/// What the head of an answer says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    /// Its bytes, with the blank line.
    length: usize,
    content_type: String,
}

/// The head of an answer that begins with `bytes`; `None` as long as it isn't complete. Errors if it is no success.
fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
        if bytes.len() > LONGEST_HEAD {
            bail!("the head of the answer has no end");
        }
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = text.lines();
    let status = lines.next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        bail!("the server answers `{status}`");
    }
    let content_type = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.trim().to_owned());
    Ok(Some(Head {
        length: end + 4,
        content_type: content_type.unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn viewer() -> Viewer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        Viewer::new(3, socket)
    }

    #[test]
    fn a_head_is_read_once_it_is_complete() {
        let answer =
            b"HTTP/1.0 200 OK\r\nContent-type: multipart/x-mixed-replace;boundary=b\r\n\r\n--b";
        for cut in 0..answer.len() - 3 {
            assert_eq!(head(&answer[..cut]).unwrap(), None);
        }
        let head = head(answer).unwrap().unwrap();
        assert_eq!(head.length, answer.len() - 3);
        assert_eq!(head.content_type, "multipart/x-mixed-replace;boundary=b");
    }

    #[test]
    fn a_refusal_is_an_error() {
        assert!(head(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").is_err());
        assert!(head(&vec![b'x'; LONGEST_HEAD + 1]).is_err());
    }

    #[test]
    fn parts_are_found_however_they_are_cut() {
        let jpeg = stamp::stamped(b"\xFF\xD8picture\xFF\xD9", 7, SystemTime::now());
        let mut answer =
            b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n--b\r\n"
                .to_vec();
        let begin = answer.len() - 5;
        for _ in 0..3 {
            answer.extend_from_slice(b"Content-Type: image/jpeg\r\n\r\n");
            answer.extend_from_slice(&jpeg);
            answer.extend_from_slice(b"\r\n--b\r\n");
        }
        for step in [1, 7, answer.len()] {
            let mut viewer = viewer();
            let (mut bytes, mut samples) = (0, Vec::new());
            for piece in answer.chunks(step) {
                bytes += viewer.receive(piece).unwrap().bytes;
                samples.extend(viewer.samples());
            }
            assert_eq!(bytes, answer.len() - begin, "cut at {step}");
            assert_eq!(samples.len(), 3, "cut at {step}");
            let part = 28 + jpeg.len() + 7;
            for pair in samples.windows(2) {
                assert_eq!(pair[1].end - pair[0].end, part as u64);
                let (number, age) = pair[1].frame.unwrap();
                assert!(age < Duration::from_secs(60));
                assert_eq!((pair[1].viewer, number), (3, 7));
            }
        }
    }
}
