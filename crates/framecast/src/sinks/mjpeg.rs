//! Motion JPEG: one endless multipart body per viewer, each part the newest frame.
//!
//! A part is closed as soon as its JPEG is out. Browsers show a picture only once what follows it has come: Chromium and
//! WebKit wait for the whole header block of the next part. So an `<img>` gets that block in advance, hence without a
//! length, while programs get the length of every part. Source: RFC 2046 §5.1, and measurements in real browsers.
//!
//! What does not belong here: sockets and bodies. Whoever carries the stream asks for a part when there is room for one.

use std::{
    str::FromStr,
    sync::{LazyLock, atomic::Ordering::Relaxed},
    time::UNIX_EPOCH,
};

use bytes::Bytes;
use framecast_media::multipart::{DELIMITER, opening, part_headers};

use super::adaptive::Adaptive;
use crate::hub::{Feed, Frame, Subscription, TooMany, Variant};

pub use framecast_media::multipart::CONTENT_TYPE;

/// The delimiter and the headers of the next part, in advance.
static AFTER_ADVANCED: LazyLock<Vec<u8>> =
    LazyLock::new(|| [DELIMITER, &part_headers(None, &[])].concat());
/// What a stream with headers in advance begins with.
static OPENING_ADVANCED: LazyLock<Vec<u8>> =
    LazyLock::new(|| [opening(), &part_headers(None, &[])].concat());

/// Up to so many viewers, making one piece of a part costs more than writing three.
const FEW: usize = 8;

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

/// One viewer's stream: the parts it gets, one after the other.
#[derive(Debug)]
pub struct Parts {
    subscription: Subscription,
    dialect: Dialect,
    adaptive: Option<Box<Adaptive>>,
}

/// The bytes of one part.
#[derive(Debug)]
pub enum Part {
    /// In one piece, which is shared with all other viewers of the frame.
    Whole(Bytes),
    /// In pieces, to be written one after the other: the picture is shared, and not copied for the few who watch.
    Pieces([Bytes; 3]),
}

impl Parts {
    /// The stream of a subscription in a dialect.
    pub fn new(subscription: Subscription, dialect: Dialect) -> Self {
        Self {
            subscription,
            dialect,
            adaptive: None,
        }
    }

    /// The stream of a camera in a dialect, in a size that suits the viewer's link, `full` at most.
    ///
    /// # Errors
    /// [`TooMany`] if as many variants as there may be are being watched.
    pub fn adaptive(
        camera: Feed,
        full: Variant,
        fps: Option<f64>,
        dialect: Dialect,
    ) -> Result<Self, TooMany> {
        let (adaptive, subscription) = Adaptive::new(camera, full, fps)?;
        Ok(Self {
            adaptive: Some(Box::new(adaptive)),
            ..Self::new(subscription, dialect)
        })
    }

    /// What goes before the first part.
    pub fn opening(&self) -> &'static [u8] {
        match self.dialect {
            Dialect::Browser => &OPENING_ADVANCED,
            Dialect::Program => opening(),
        }
    }

    /// The part of the newest frame that the viewer has not got yet, when there is one; `None` when the subscription ends.
    /// Safe to cancel.
    ///
    /// Asked for only when the part before is out, so that what comes next is what is newest then. Counts the frame as sent.
    pub async fn next(&mut self) -> Option<Part> {
        let received = match &mut self.adaptive {
            None => self.subscription.next().await?,
            Some(adaptive) => adaptive.next(&mut self.subscription).await?,
        };
        let stats = self.subscription.feed().stats();
        stats.send_frame(&received.frame, received.skipped);
        let many = stats.viewers.load(Relaxed) > FEW;
        Some(Part::of(&received.frame, self.dialect, many))
    }
}

impl Part {
    fn of(frame: &Frame, dialect: Dialect, many: bool) -> Self {
        if many {
            let both = frame.rendered(both);
            let jpeg = frame.jpeg.len();
            let head = both.len() - jpeg - AFTER_ADVANCED.len();
            return Self::Whole(match dialect {
                Dialect::Browser => both.slice(head..),
                Dialect::Program => both.slice(..head + jpeg + DELIMITER.len()),
            });
        }
        let (head, tail) = match dialect {
            Dialect::Browser => (Bytes::new(), &**AFTER_ADVANCED),
            Dialect::Program => (headers(frame).into(), DELIMITER),
        };
        Self::Pieces([head, frame.jpeg.clone(), Bytes::from_static(tail)])
    }
}

/// A frame's part in both dialects, which differ in their ends only.
fn both(frame: &Frame) -> Bytes {
    [&headers(frame), &*frame.jpeg, &AFTER_ADVANCED]
        .concat()
        .into()
}

/// The headers of one part, for programs.
fn headers(frame: &Frame) -> Vec<u8> {
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
}
