//! What HTTP serves, and the only module that speaks it.
//!
//! In reading order: [`router`] is the map of all addresses; `serve` is the loop that accepts connections; `takeover` and
//! `writer` give a stream a connection to itself; `stream`,
//! `snapshot`, `push` and `socket` are a camera's own addresses; `viewer`, `query` and `dialect` read what a viewer
//! asks for and what its program understands; [`api`] is the JSON interface; `compat` answers the addresses of other servers; [`pages`] and
//! [`assets`] are for people.
//!
//! What does not belong here: how frames are made, chosen or framed (`hub`, `sinks`).

pub mod api;
pub mod assets;
pub mod pages;

mod compat;
mod dialect;
pub mod error;
mod guard;
mod lanes;
mod push;
mod query;
mod serve;
mod snapshot;
mod socket;
mod stream;
mod takeover;
mod ui;
mod viewer;
mod writer;

use std::sync::Arc;

use axum::{
    Router,
    routing::{any, get},
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{catalog::Catalog, config::Limits, telemetry::Telemetry};

pub use guard::called_by;
pub use serve::{Listener, serve};

/// What every handler may need. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The cameras.
    pub catalog: Catalog,
    /// What the server takes on.
    pub limits: Limits,
    /// Other web sites that may show the cameras and change them: origins, or `*` for all, which may only show them.
    pub allow_origins: Arc<[String]>,
    /// The figures behind `/metrics`.
    pub telemetry: Telemetry,
    /// Cancelled when the server stops.
    pub shutdown: CancellationToken,
    waiting: Arc<Semaphore>,
}

impl App {
    /// An application around these cameras, which stops with `shutdown`.
    pub fn new(
        catalog: Catalog,
        limits: Limits,
        allow_origins: Vec<String>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            telemetry: Telemetry::new(catalog.clone()),
            catalog,
            waiting: Arc::new(Semaphore::new(limits.waiting)),
            limits,
            allow_origins: allow_origins.into(),
            shutdown,
        }
    }
}

/// All addresses of the server. It may be nested under a path of another application.
pub fn router(app: App) -> Router {
    let (api, _) = api::router().split_for_parts();
    let cameras = Router::new()
        .route("/cameras/{name}", get(ui::with_slash))
        .route("/cameras/{name}/", get(ui::camera))
        .route("/cameras/{name}/stream.mjpg", get(stream::of_camera))
        .route("/cameras/{name}/snapshot.jpg", get(snapshot::of_camera))
        .route(
            "/cameras/{name}/push",
            axum::routing::post(push::receive).put(push::receive),
        )
        .route("/ws", any(socket::open))
        .route("/", get(ui::index))
        .route("/assets/{*path}", get(assets::assets))
        .route("/healthz", get(ui::healthz))
        .route("/readyz", get(ui::readyz))
        .route("/metrics", get(ui::metrics))
        .route("/api/v1/openapi.json", get(api::document));
    let routes = cameras
        .merge(compat::router())
        .merge(api)
        .fallback(ui::nothing_here);
    guard::around(routes, &app).with_state(app)
}
