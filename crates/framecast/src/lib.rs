//! Any camera on a web page, live, for everyone who wants to watch.
//!
//! Everything that yields frames is a **camera**; everything that takes frames is a **sink**; the **hub** between them runs
//! a camera only while a sink wants its frames. The modules, in the order in which a frame passes them:
//!
//! - [`drivers`]: from a source such as `test` or `http://…` to a camera, and the registry for drivers of your own;
//! - [`hub`]: one capture per camera, the newest frame for each subscriber, retry, variants, counters;
//! - [`recordings`]: the store of what was recorded: files, their index, and reading them back;
//! - [`export`]: recordings as files to take away: MP4, time-lapse, ZIP;
//! - [`sinks`]: frames as bytes: Motion JPEG, snapshots, many cameras on one connection;
//! - [`catalog`]: what was asked for, and the feed that came of it;
//! - [`web`]: everything that speaks HTTP, as an [`axum::Router`] that may be nested in an application of yours;
//! - [`telemetry`]: the figures for Prometheus;
//! - [`access`]: who may do what;
//! - [`tls`]: the certificate that is shown;
//! - [`config`] and [`cli`]: what the user wants;
//! - [`server`]: assembly, start and stop.
//!
//! Embedding takes four lines:
//!
//! ```no_run
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cameras = framecast::Cameras::new();
//! cameras.add("door", "http://192.168.1.20/video")?;
//! let app = axum::Router::new().nest_service("/video", cameras.router());
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! axum::serve(listener, app).await?;
//! # Ok(()) }
//! ```

pub mod access;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod drivers;
pub mod export;
pub mod hub;
pub mod playback;
pub mod recordings;
pub mod server;
pub mod sinks;
pub mod telemetry;
pub mod tls;
pub mod web;

mod embed;

pub use embed::{AddError, Cameras};
pub use framecast_camera as camera;
