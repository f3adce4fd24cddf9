//! What HTTP serves, and the only module that speaks it.
//!
//! In reading order: [`router`] is the map of all addresses; `routes` ties each to its rule, and `access` asks that before
//! the handler is called, with `credentials`, `peer`, `forwarded`, `login`, `lasting` and `denied` around it; `serve` is the
//! loop that accepts connections, with TLS and both versions of HTTP, `refusal` and `pace` turn away those that are too many or
//! too slow, and `takeover`, `backlog`, `writer` and `lanes` give a stream one to itself; `stream`, `snapshot`, `playback`,
//! `export` with `exports`, `push` and `socket` are a camera's own addresses; `viewer`, `query`, `range` and `dialect` read what
//! a viewer asks for and what its program understands; `guard`, `host`, `hsts` and `headers` stand around all of them; [`api`]
//! is the JSON interface; `compat` answers the addresses of other servers; [`pages`] and [`assets`] are for people.
//!
//! What does not belong here: how frames are made, chosen or framed (`hub`, `sinks`).

pub mod api;
pub mod assets;
pub mod pages;

mod access;
mod backlog;
mod command;
mod compat;
mod credentials;
mod denied;
mod dialect;
pub mod error;
mod export;
mod exports;
mod forwarded;
mod guard;
mod headers;
mod host;
mod hsts;
mod lanes;
mod lasting;
mod login;
mod pace;
mod peer;
mod playback;
mod push;
mod query;
mod range;
mod refusal;
mod routes;
mod serve;
mod snapshot;
mod socket;
mod stream;
mod takeover;
mod ui;
mod viewer;
mod writer;

use std::sync::Arc;

use axum::Router;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    access::{Access, Action},
    catalog::Catalog,
    config::Limits,
    playback::Sessions,
    telemetry::Telemetry,
};

pub use guard::called_by;
pub use hsts::insist;
pub use peer::Peer;
pub use routes::{Needs, Rule};
pub use serve::{Https, Listener, Speaks, ToHttps, serve};

use exports::Exports;
use routes::Routes;

/// What every handler may need. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The cameras.
    pub catalog: Catalog,
    /// What is played of their recordings.
    pub sessions: Sessions,
    /// What the server takes on.
    pub limits: Limits,
    /// Other web sites that may show the cameras and change them: origins, or `*` for all, which may only show them.
    pub allow_origins: Arc<[String]>,
    /// Who may do what; at first everyone may do everything.
    pub access: Access,
    /// The figures behind `/metrics`.
    pub telemetry: Telemetry,
    /// Cancelled when the server stops.
    pub shutdown: CancellationToken,
    waiting: Arc<Semaphore>,
    exports: Exports,
}

impl App {
    /// An application around these cameras, which stops with `shutdown`.
    pub fn new(
        catalog: Catalog,
        limits: Limits,
        allow_origins: Vec<String>,
        shutdown: CancellationToken,
    ) -> Self {
        let sessions = Sessions::new(catalog.recordings().cloned());
        Self {
            access: Access::open(),
            telemetry: Telemetry::new(catalog.clone(), sessions.clone(), None),
            catalog,
            sessions,
            waiting: Arc::new(Semaphore::new(limits.waiting)),
            exports: Exports::new(),
            limits,
            allow_origins: allow_origins.into(),
            shutdown,
        }
    }
}

/// All addresses of the server. It may be nested under a path of another application.
pub fn router(app: App) -> Router {
    let (routes, _) = routes(&app).finish();
    guard::around(routes, &app).with_state(app)
}

/// All addresses of the server, each with what one must be allowed to do to use it.
pub fn rules(app: &App) -> Vec<Rule> {
    routes(app).finish().1
}

fn routes(app: &App) -> Routes {
    const NOTHING: Needs = Needs::Nothing;
    const BROWSE: Needs = Needs::Server(Action::Browse);
    let routes = Routes::new(app)
        .get("/", BROWSE, ui::index)
        .get("/login", NOTHING, login::form)
        .post("/login", NOTHING, login::log_in)
        .post("/logout", NOTHING, login::log_out)
        .get("/cameras/{name}", BROWSE, ui::with_slash)
        .get("/cameras/{name}/", Needs::Named(Action::See), ui::camera)
        .get(
            "/cameras/{name}/stream.mjpg",
            Needs::Named(Action::Stream),
            stream::of_camera,
        )
        .get(
            "/cameras/{name}/snapshot.jpg",
            Needs::Named(Action::Snapshot),
            snapshot::of_camera,
        )
        .post(
            "/cameras/{name}/push",
            Needs::Named(Action::Push),
            push::receive,
        )
        .put(
            "/cameras/{name}/push",
            Needs::Named(Action::Push),
            push::receive,
        )
        // The session asks again for each camera.
        .get("/ws", BROWSE, socket::open)
        .get("/assets/{*path}", NOTHING, assets::assets)
        .get("/healthz", NOTHING, ui::healthz)
        .get("/readyz", NOTHING, ui::readyz)
        .get("/metrics", Needs::Server(Action::Measure), ui::metrics)
        .get("/api/v1/openapi.json", NOTHING, api::document)
        .otherwise(BROWSE, ui::nothing_here);
    api::add_to(compat::add_to(routes))
}
