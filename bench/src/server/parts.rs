//! What the servers that only write send: the bytes that framecast sends to a program.

use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use clap::Args;
use framecast_media::multipart::{CONTENT_TYPE, DELIMITER, opening, part_headers};

use crate::stamp::stamped;

/// The cameras of a server that only writes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Cameras {
    /// Address and port
    #[arg(long)]
    pub(crate) listen: SocketAddr,
    /// The picture
    #[arg(long)]
    pub(crate) jpeg: PathBuf,
    /// Frames a second
    #[arg(long)]
    pub(crate) fps: f64,
    /// Cameras, at /0, /1 and so on
    #[arg(long, default_value_t = 1)]
    pub(crate) cameras: usize,
}

impl Cameras {
    /// The time from frame to frame.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.fps)
    }

    /// The time that a camera is behind the first: all are spread over the interval.
    pub(crate) fn phase(&self, camera: usize) -> Duration {
        self.interval() * camera as u32 / self.cameras.max(1) as u32
    }

    /// The camera that a request asks for.
    pub(crate) fn asked(&self, request: &[u8]) -> usize {
        let text = String::from_utf8_lossy(request);
        let path = text
            .strip_prefix("GET /")
            .and_then(|it| it.split(' ').next());
        let number: usize = path.and_then(|it| it.parse().ok()).unwrap_or(0);
        number.min(self.cameras.saturating_sub(1))
    }
}

/// The head of the answer and the first boundary.
pub(crate) fn head() -> Bytes {
    let head = format!(
        "HTTP/1.0 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nCache-Control: no-store, no-transform\r\n\r\n"
    );
    [head.as_bytes(), opening()].concat().into()
}

/// A part: its headers, the picture as it is born now, and the next boundary.
pub(crate) fn part(jpeg: &[u8], number: u64) -> Bytes {
    let now = SystemTime::now();
    let frame = stamped(jpeg, number, now);
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let extra = [
        (
            "X-Timestamp",
            format!("{}.{:06}", since.as_secs(), since.subsec_micros()),
        ),
        ("X-Framecast-Sequence", number.to_string()),
        ("X-Framecast-Size", "640x480".to_owned()),
        ("X-Framecast-Online", "true".to_owned()),
    ];
    [&part_headers(Some(frame.len()), &extra), &frame, DELIMITER]
        .concat()
        .into()
}
