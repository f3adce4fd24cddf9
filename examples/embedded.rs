//! framecast inside an application that has pages, state and a shutdown of its own.
//!
//! ```sh
//! cargo run -p framecast-examples --bin embedded
//! ```
//!
//! The application's page shows a camera next to its own text; `/watch` is a route of its own that looks at the frames.
//! Everything of framecast is under `/video`.
#![allow(
    clippy::print_stdout,
    reason = "it tells its user where to look, and its test where to connect"
)]

use std::{env, error::Error};

use axum::{Router, extract::State, response::Html, routing::get};
use framecast::{Cameras, hub::Feed};
use tokio::signal::unix::{SignalKind, signal};

const PAGE: &str = r#"<!doctype html>
<title>Workshop</title>
<script type="module" src="/video/assets/framecast.js"></script>
<h1>The workshop</h1>
<framecast-camera name="bench" width="640"></framecast-camera>
<p>No JavaScript? <img src="/video/cameras/bench/stream.mjpg?width=320" alt="the bench"></p>
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cameras = Cameras::new();
    let bench = cameras.add("bench", "test#size=640x480,fps=15")?;

    let app = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/watch", get(watch))
        .with_state(bench)
        // Not `nest`, which leaves out `/video/`, the page with all cameras.
        .nest_service("/video", cameras.router());

    let address = env::args().nth(1).unwrap_or("127.0.0.1:5000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("open http://{}/", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            stopped().await;
            // A stream never ends by itself: without this the server would wait for its viewers for ever.
            cameras.close().await;
        })
        .await?;
    println!("stopped");
    Ok(())
}

/// Looks at ten frames, as a motion detector would at all of them. The camera runs while the subscription lives.
async fn watch(State(bench): State<Feed>) -> String {
    let mut subscription = bench.subscribe();
    let mut seen = String::new();
    while seen.lines().count() < 10 {
        let Some(received) = subscription.next().await else {
            return seen + "the camera was closed\n";
        };
        let frame = received.frame;
        seen += &format!(
            "frame {}: {} bytes, {}, {} skipped\n",
            frame.seq,
            frame.jpeg.len(),
            frame.no_signal.as_deref().unwrap_or("live"),
            received.skipped
        );
    }
    seen
}

/// Ctrl+C, or what a supervisor sends.
async fn stopped() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
