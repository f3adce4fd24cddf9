//! Motion JPEG: one endless multipart body per viewer, each part the newest frame.
//!
//! A part is closed as soon as its JPEG is out. Browsers show a picture only once what follows it has come: Chromium and
//! WebKit wait for the whole header block of the next part. So an `<img>` gets that block in advance, hence without a
//! length, while programs get the length of every part. Source: RFC 2046 §5.1, and measurements in real browsers.

use std::{convert::Infallible, str::FromStr, sync::LazyLock, time::UNIX_EPOCH};

use bytes::Bytes;
use framecast_media::multipart::{DELIMITER, opening, part_headers};
use futures_core::Stream;
use futures_util::stream;

use crate::hub::{Frame, Received, Subscription};

pub use framecast_media::multipart::CONTENT_TYPE;

/// The delimiter and the headers of the next part, in advance.
static AFTER_ADVANCED: LazyLock<Bytes> =
    LazyLock::new(|| [DELIMITER, &part_headers(None, &[])].concat().into());

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
        Dialect::Browser => [opening(), &part_headers(None, &[])].concat().into(),
        Dialect::Program => Bytes::from_static(opening()),
    };
    let writer = Writer {
        subscription,
        dialect,
        next: Next::Open(opening),
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
                    return Some(match self.dialect {
                        Dialect::Browser => AFTER_ADVANCED.clone(),
                        Dialect::Program => Bytes::from_static(DELIMITER),
                    });
                }
            }
        }
    }
}

/// The headers of one part, for programs.
fn headers(frame: &Frame) -> Bytes {
    let captured = frame
        .captured
        .wall
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let timestamp = format!("{}.{:06}", captured.as_secs(), captured.subsec_micros());
    part_headers(
        Some(frame.jpeg.len()),
        &[
            ("X-Timestamp", timestamp),
            ("X-Framecast-Sequence", frame.seq.to_string()),
            ("X-Framecast-Size", frame.size.to_string()),
            ("X-Framecast-Online", frame.is_live().to_string()),
        ],
    )
    .into()
}
