//! A camera whose every frame is one colour, and which remembers when it sent it.

#![allow(dead_code, reason = "every test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use bytes::Bytes;
use framecast_media::jpeg::{self, Layout, Pixels, Range};
use futures_util::StreamExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::browser::Result;

/// Far enough from each other for any codec, and a neighbour never alike.
const COLOURS: [[u8; 3]; 6] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 0],
    [0, 255, 255],
    [255, 0, 255],
];

/// Where a part ends and the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Boundary and headers come with their own JPEG.
    HeadersFirst,
    /// Boundary and headers of the next part follow each JPEG.
    HeadersInAdvance,
}

/// A web server with a stream of colours.
#[derive(Debug)]
pub(crate) struct Source {
    address: SocketAddr,
    shared: Shared,
    running: CancellationToken,
}

#[derive(Debug, Clone)]
struct Shared {
    log: Log,
    pictures: Vec<Bytes>,
    interval: Duration,
}

/// What the newest stream has sent. A browser may leave an older one running for a while.
type Log = Arc<Mutex<Sent>>;

#[derive(Debug, Default)]
struct Sent {
    stream: u32,
    colours: Vec<([u8; 3], u64)>,
}

impl Source {
    /// Serves one colour per interval.
    pub(crate) async fn start(interval: Duration) -> Result<Self> {
        let pictures = COLOURS.map(solid).into_iter().collect::<Result<_>>()?;
        let mut source = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            shared: Shared {
                log: Log::default(),
                pictures,
                interval,
            },
            running: CancellationToken::new(),
        };
        source.start_again().await?;
        Ok(source)
    }

    /// Starts on the port it had.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        self.address = listener.local_addr()?;
        let running = CancellationToken::new();
        self.running = running.clone();
        let router = Router::new()
            .route(
                "/",
                get(async || Html("<!DOCTYPE html><title>colours</title><body>")),
            )
            .route("/{framing}", get(colours))
            .with_state((self.shared.clone(), running.clone()));
        tokio::spawn(
            running.run_until_cancelled_owned(async { axum::serve(listener, router).await }),
        );
        Ok(())
    }

    /// Ends the streams and answers no more.
    pub(crate) fn stop(&self) {
        self.running.cancel();
    }

    /// The address of an empty page.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of the stream.
    pub(crate) fn stream(&self, framing: Framing) -> String {
        match framing {
            Framing::HeadersFirst => format!("http://{}/first.mjpg", self.address),
            Framing::HeadersInAdvance => format!("http://{}/advance.mjpg", self.address),
        }
    }

    /// When a colour that was seen at `seen` had been sent, in milliseconds since 1970.
    pub(crate) fn sent(&self, colour: [u8; 3], seen: u64) -> Option<u64> {
        let log = self.shared.log.lock().unwrap();
        let sent = log.colours.iter().rev().filter(|sent| sent.0 == colour);
        sent.map(|(_, at)| *at).find(|at| *at <= seen)
    }
}

/// Milliseconds since 1970, as `Date.now()` counts them.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_millis() as u64
}

async fn colours(
    Path(framing): Path<String>,
    State((shared, running)): State<(Shared, CancellationToken)>,
) -> impl IntoResponse {
    const HEADERS: &[u8] = b"--frame\r\nContent-Type: image/jpeg\r\n\r\n";
    let Shared {
        log,
        pictures,
        interval,
    } = shared;
    let stream = {
        let mut log = log.lock().unwrap();
        *log = Sent {
            stream: log.stream + 1,
            colours: Vec::new(),
        };
        log.stream
    };
    let advance = framing == "advance.mjpg";
    let parts = futures_util::stream::unfold(0, move |sent| {
        let (log, pictures) = (log.clone(), pictures.clone());
        async move {
            if sent > 0 {
                tokio::time::sleep(interval).await;
            }
            let which = sent % COLOURS.len();
            let mut part = Vec::new();
            if !advance || sent == 0 {
                part.extend_from_slice(HEADERS);
            }
            part.extend_from_slice(&pictures[which]);
            part.extend_from_slice(b"\r\n");
            if advance {
                part.extend_from_slice(HEADERS);
            }
            {
                let mut log = log.lock().unwrap();
                if log.stream == stream {
                    log.colours.push((COLOURS[which], now()));
                }
            }
            Some((Ok::<_, std::io::Error>(Bytes::from(part)), sent + 1))
        }
    });
    let media_type = "multipart/x-mixed-replace;boundary=frame";
    let headers = [("content-type", media_type), ("cache-control", "no-store")];
    (
        headers,
        Body::from_stream(parts.take_until(running.cancelled_owned())),
    )
}

fn solid(colour: [u8; 3]) -> Result<Bytes> {
    const SIDE: u32 = 64;
    let rgb = colour.repeat((SIDE * SIDE) as usize);
    let pixels = Pixels {
        layout: Layout::Rgb24,
        width: SIDE,
        height: SIDE,
        stride: Layout::Rgb24.stride(SIDE),
        range: Range::Full,
        data: &rgb,
    };
    Ok(jpeg::encode(&pixels, 90)?.into())
}
