//! Motion JPEG: one endless multipart body per viewer, each part the newest frame.
//!
//! A part is closed as soon as its JPEG is out. Browsers show a picture only once what follows it has come: Chromium and
//! WebKit wait for the whole header block of the next part. So an `<img>` gets that block in advance, hence without a
//! length, while programs get the length of every part. Source: RFC 2046 §5.1, and measurements in real browsers.

use std::{convert::Infallible, fmt::Write as _, str::FromStr, time::UNIX_EPOCH};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream;

use crate::hub::{Frame, Received, Subscription};

/// The body's media type.
pub const CONTENT_TYPE: &str = "multipart/x-mixed-replace; boundary=framecast";

const ADVANCED: &str = "--framecast\r\nContent-Type: image/jpeg\r\n\r\n";
const AFTER_ADVANCED: &str = "\r\n--framecast\r\nContent-Type: image/jpeg\r\n\r\n";
const OPENING: &str = "--framecast\r\n";
const AFTER: &str = "\r\n--framecast\r\n";

/// How parts are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// For browsers: the headers of the next part go out right behind each picture.
    Browser,
    /// For programs: each part with its length, capture time, number and size.
    Program,
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "browser" => Ok(Self::Browser),
            "program" => Ok(Self::Program),
            _ => Err(format!(
                "`{text}` is no dialect: it is `browser` or `program`"
            )),
        }
    }
}

/// The body for one viewer: ends when the subscription does.
///
/// Each item is handed to the connection as it is; pictures are shared with all other viewers, not copied. The stream takes
/// the next frame only when asked for it, so a connection that is polled when there is room holds one frame at most.
pub fn body(
    subscription: Subscription,
    dialect: Dialect,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let opening = match dialect {
        Dialect::Browser => ADVANCED,
        Dialect::Program => OPENING,
    };
    let writer = Writer {
        subscription,
        dialect,
        next: Next::Open(Bytes::from_static(opening.as_bytes())),
    };
    stream::unfold(writer, async |mut writer| {
        let bytes = writer.step().await?;
        Some((Ok(bytes), writer))
    })
}

struct Writer {
    subscription: Subscription,
    dialect: Dialect,
    next: Next,
}

/// What goes out next.
enum Next {
    Open(Bytes),
    Frame,
    Picture(Received),
    Close,
}

impl Writer {
    async fn step(&mut self) -> Option<Bytes> {
        loop {
            match std::mem::replace(&mut self.next, Next::Frame) {
                Next::Open(opening) => return Some(opening),
                Next::Frame => {
                    let received = self.subscription.next().await?;
                    let headers = match self.dialect {
                        Dialect::Browser => None,
                        Dialect::Program => Some(headers(&received.frame)),
                    };
                    self.next = Next::Picture(received);
                    if headers.is_some() {
                        return headers;
                    }
                }
                Next::Picture(Received { frame, skipped }) => {
                    self.subscription.feed().stats().send_frame(&frame, skipped);
                    self.next = Next::Close;
                    return Some(frame.jpeg.clone());
                }
                Next::Close => {
                    let close = match self.dialect {
                        Dialect::Browser => AFTER_ADVANCED,
                        Dialect::Program => AFTER,
                    };
                    return Some(Bytes::from_static(close.as_bytes()));
                }
            }
        }
    }
}

/// The headers of one part: lines shorter than the 128 bytes that ffmpeg reads.
fn headers(frame: &Frame) -> Bytes {
    let captured = frame
        .captured
        .wall
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut text = String::with_capacity(192);
    // Writing to a string can't fail.
    let _infallible = write!(
        text,
        "Content-Type: image/jpeg\r\nContent-Length: {}\r\nX-Timestamp: {}.{:06}\r\n\
         X-Framecast-Sequence: {}\r\nX-Framecast-Size: {}\r\nX-Framecast-Online: {}\r\n\r\n",
        frame.jpeg.len(),
        captured.as_secs(),
        captured.subsec_micros(),
        frame.seq,
        frame.size,
        frame.is_live(),
    );
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_delimiters_are_made_of_the_boundary_that_is_announced() {
        let (_, boundary) = CONTENT_TYPE.split_once("boundary=").unwrap();
        for text in [ADVANCED, AFTER_ADVANCED, OPENING, AFTER] {
            assert!(text.contains(&format!("--{boundary}\r\n")));
        }
    }
}
