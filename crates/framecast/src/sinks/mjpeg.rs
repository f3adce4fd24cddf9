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

/// The bytes of one part. Cheap to clone.
#[derive(Clone, Debug)]
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
        let feed = self.subscription.feed();
        feed.stats().send_frame(&received.frame, received.skipped);
        Some(Part::of(&received.frame, self.dialect, feed))
    }

    /// What the parts are of, if they are of every newest frame of one feed: somebody else can send them then.
    pub(crate) fn plain(&self) -> Option<Plain<'_>> {
        let seen = match self.adaptive {
            None => self.subscription.seen()?,
            Some(_) => return None,
        };
        Some(Plain {
            feed: self.subscription.feed(),
            dialect: self.dialect,
            seen,
        })
    }

    /// Returns when the camera was removed or the server stops.
    pub(crate) async fn gone(&self) {
        self.subscription.feed().gone().await;
    }

    /// Goes on behind the frame of this number, up to which somebody else has sent and counted them.
    pub(crate) fn resume(&mut self, seen: u64) {
        self.subscription.see(seen);
    }
}

/// A stream of every newest frame.
#[derive(Debug)]
pub(crate) struct Plain<'a> {
    /// Where the frames come from.
    pub(crate) feed: &'a Feed,
    /// How the parts are framed.
    pub(crate) dialect: Dialect,
    /// Number of the frame that was sent last; 0 before the first.
    pub(crate) seen: u64,
}

impl Part {
    /// The part of a `feed`'s frame: in one piece if many share it.
    pub(crate) fn of(frame: &Frame, dialect: Dialect, feed: &Feed) -> Self {
        if feed.stats().viewers.load(Relaxed) > FEW {
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

    /// Its bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Pieces(pieces) => pieces.iter().map(Bytes::len).sum(),
        }
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
