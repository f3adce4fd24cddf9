//! The Rust code in the documentation compiles: each block of it stands in this file, inside of what it needs around it.
#![allow(
    dead_code,
    unused_variables,
    clippy::unwrap_used,
    reason = "it is compiled, not run, and written for readers"
)]

use std::{error::Error as StdError, fs, path::Path, path::PathBuf};

use axum::{extract::Request, middleware::Next, response::Response, routing::get};
use framecast::{
    Cameras,
    camera::{
        Camera, Captured, Error, ErrorKind, Frame, Frames, Size,
        conformance::{self, Patience},
    },
    drivers::Scheme,
    hub::Feed,
};
use tokio::net::TcpListener;

type Outcome = Result<(), Box<dyn StdError>>;

#[test]
fn every_block_of_rust_stands_here() {
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let here = squeezed(include_str!("documented.rs"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = 0;
    for page in ["README.md", "docs/embedding.md", "docs/drivers.md"] {
        let text = fs::read_to_string(root.join(page)).unwrap();
        for block in text.split("```rust\n").skip(1) {
            let block = block.split("```").next().unwrap();
            assert!(here.contains(&squeezed(block)), "{page}:\n{block}");
            found += 1;
        }
    }
    assert!(found >= 8, "only {found} blocks");
}

#[rustfmt::skip]
async fn readme(listener: TcpListener) -> Outcome {
    let cameras = framecast::Cameras::new();
    cameras.add("door", "http://192.168.1.20/video")?;
    let app = axum::Router::new().nest_service("/video", cameras.router());
    axum::serve(listener, app).await?;
    Ok(())
}

#[rustfmt::skip]
async fn embedding(listener: TcpListener) -> Outcome {
    let cameras = framecast::Cameras::new();
    cameras.add("door", "http://192.168.1.20/video")?;
    let app = axum::Router::new()
        .route("/", get(index))
        .nest_service("/video", cameras.router());
    axum::serve(listener, app).await?;
    Ok(())
}

#[rustfmt::skip]
async fn look(feed: Feed) {
    let mut subscription = feed.subscribe();
    while let Some(received) = subscription.next().await {
        let frame = received.frame;             // the newest; received.skipped says how many you missed
        if frame.is_live() {
            look_at(&frame.jpeg, frame.size, frame.captured);
        }
    }
}

#[rustfmt::skip]
async fn shut_down(listener: TcpListener, cameras: Cameras) -> Outcome {
    let video = cameras.router().layer(axum::middleware::from_fn(only_members));
    let app = axum::Router::new().nest_service("/video", video);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            stop_requested().await;
            cameras.close().await;
        })
        .await?;
    Ok(())
}

#[rustfmt::skip]
mod driver {
    use super::*;

    struct Webcam { path: PathBuf }

    impl Camera for Webcam {
        fn frames(&self) -> Frames {
            let path = self.path.clone();
            Frames::blocking(move |_stop| {
                let mut device = Device::open(&path)?;
                Ok(std::iter::from_fn(move || Some(device.capture().map(Frame::jpeg))))
            })
        }
    }

    #[tokio::test]
    async fn the_webcam_keeps_the_contract() {
        let webcam = Webcam { path: "/dev/video0".into() };
        conformance::check(&webcam, Patience::default()).await.unwrap();
    }

    fn busy(io_error: std::io::Error) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Busy, "camera /dev/video0 is used by another program").with_source(io_error))
    }

    fn registered() -> Outcome {
        let webcam = Scheme::new("webcam", "a camera of mine: webcam:DEVICE", |request| {
            Ok(Webcam { path: request.source.rest().into() })
        });
        let cameras = Cameras::with_schemes([webcam]);
        cameras.add("desk", "webcam:/dev/video0#fps=10")?;
        Ok(())
    }
}

struct Device;

impl Device {
    fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self)
    }

    fn capture(&mut self) -> Result<Vec<u8>, Error> {
        std::thread::sleep(std::time::Duration::from_millis(10));
        Ok(vec![0xff, 0xd8, 0xff, 0xd9])
    }
}

async fn index() {}

fn look_at(jpeg: &[u8], size: Size, captured: Captured) {}

async fn stop_requested() {}

async fn only_members(request: Request, next: Next) -> Response {
    next.run(request).await
}
