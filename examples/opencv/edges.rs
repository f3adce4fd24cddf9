//! OpenCV on every frame of a camera, and what comes of it as a second camera next to the first.
//!
//! ```sh
//! cargo run -p framecast-example-opencv --bin edges
//! cargo run -p framecast-example-opencv --bin edges v4l2:
//! ```
//!
//! [`Edges`] takes its frames from the first camera by way of the hub: the device is open once for both, and only while one
//! of them is watched; nothing is computed while nobody watches the edges. A computation that is slower than the camera skips
//! frames, and delays neither the first camera nor its viewers.
#![allow(
    clippy::print_stdout,
    reason = "it tells its user where to look, and its test where to connect"
)]

use std::{env, error::Error as StdError};

use axum::{Router, response::Html, routing::get};
use bytes::Bytes;
use framecast::{
    Cameras,
    camera::{Camera, Error, ErrorKind, Frame, Frames, Layout, Size},
    hub::{self, Feed},
};
use futures_util::stream;
use opencv::{
    core::{Mat, Size as Kernel},
    imgcodecs::{IMREAD_GRAYSCALE, imdecode},
    imgproc,
    prelude::*,
};

const PAGE: &str = r#"<!doctype html>
<title>Edges</title>
<script type="module" src="/video/assets/framecast.js"></script>
<framecast-camera name="original" width="640"></framecast-camera>
<framecast-camera name="edges" width="640"></framecast-camera>
"#;

/// The edges in the pictures of another camera.
struct Edges {
    original: Feed,
}

impl Camera for Edges {
    fn frames(&self) -> Frames {
        // Called when somebody wants to see the edges. The subscription is what keeps the original open meanwhile.
        let subscription = self.original.subscribe();
        Frames::stream(stream::unfold(subscription, async |mut subscription| {
            let frame = subscription.next().await?.frame;
            let edges = match frame.no_signal.clone() {
                // Whoever watches the edges should learn why there are none.
                Some(reason) => Err(Error::new(ErrorKind::NoSignal, &*reason)),
                // A picture takes some milliseconds: too long for a thread that serves others.
                None => tokio::task::spawn_blocking(move || edges(&frame))
                    .await
                    .unwrap_or_else(|panic| {
                        Err(Error::new(ErrorKind::Panicked, panic.to_string()))
                    }),
            };
            Some((edges, subscription))
        }))
    }
}

/// The edges of one picture as a grey one, taken when the picture was taken.
fn edges(frame: &hub::Frame) -> Result<Frame, Error> {
    let edges = canny(&frame.jpeg).map_err(|error| {
        Error::new(ErrorKind::Broken, "OpenCV finds no edges").with_source(error)
    })?;
    Ok(edges.captured_at(frame.captured))
}

fn canny(jpeg: &[u8]) -> opencv::Result<Frame> {
    let grey = imdecode(&jpeg, IMREAD_GRAYSCALE)?;
    // Noise would have edges too.
    let mut smooth = Mat::default();
    let kernel = Kernel::new(5, 5);
    imgproc::gaussian_blur_def(&grey, &mut smooth, kernel, 1.4)?;
    let mut edges = Mat::default();
    imgproc::canny(&smooth, &mut edges, 50.0, 150.0, 3, false)?;
    let size = Size::new(edges.cols().unsigned_abs(), edges.rows().unsigned_abs());
    let pixels = Bytes::copy_from_slice(edges.data_bytes()?);
    Ok(Frame::raw(Layout::Grey, size, size.width, pixels))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let source = env::args().nth(1).unwrap_or("test".to_owned());
    let cameras = Cameras::new();
    let original = cameras.add("original", &source)?;
    cameras.add_camera("edges", Edges { original })?;

    let app = Router::new()
        .route("/", get(async || Html(PAGE)))
        .nest_service("/video", cameras.router());
    let address = env::args().nth(2).unwrap_or("127.0.0.1:5000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("watch at http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
