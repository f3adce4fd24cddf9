//! The addresses for people and for supervisors: pages, health, metrics.

use axum::{
    extract::{OriginalUri, Path, State},
    http::{HeaderName, StatusCode, Uri, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use framecast_camera::Size;

use super::{
    App, compat,
    error::Failure,
    pages::{self, Tile},
    viewer::Viewer,
};
use crate::{
    hub::{Feed, State as CameraState},
    sinks::recorder::{self, Mode, Status},
};

/// `/`: the page, or what mjpg-streamer serves there.
pub(super) async fn index(
    viewer: Viewer,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Failure> {
    if viewer.asked.value("action").is_some() {
        return compat::action(viewer).await;
    }
    let app = &viewer.app;
    // The page's addresses are relative: under a path of another application it needs the slash.
    if !uri.path().ends_with('/') {
        return Ok(redirect(&uri));
    }
    let feeds = app.catalog.hub().feeds();
    let known: Vec<Known> = feeds.iter().map(|feed| Known::of(app, feed)).collect();
    let tiles: Vec<Tile<'_>> = known.iter().map(Known::tile).collect();
    Ok(page(pages::index(&tiles).into_string()))
}

/// `/cameras/NAME/`: the camera's own page.
pub(super) async fn camera(State(app): State<App>, Path(name): Path<String>) -> Response {
    match app.catalog.hub().feed(&name) {
        Some(feed) => page(pages::camera(&Known::of(&app, &feed).tile()).into_string()),
        None => {
            let missing = page(pages::missing(&name, "../../").into_string());
            (StatusCode::NOT_FOUND, missing).into_response()
        }
    }
}

/// `/cameras/NAME`: the page's addresses are relative and need the slash.
pub(super) async fn with_slash(OriginalUri(uri): OriginalUri) -> Response {
    redirect(&uri)
}

fn redirect(uri: &Uri) -> Response {
    let name = uri.path().rsplit('/').next().unwrap_or_default();
    // Relative, so that it holds behind a proxy that takes a prefix off.
    Redirect::permanent(&format!("./{name}/")).into_response()
}

/// The process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The server takes viewers: it is not stopping.
pub(super) async fn readyz(State(app): State<App>) -> Response {
    if app.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    "ready\n".into_response()
}

/// Everything that is counted, in the OpenMetrics text format.
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Failure> {
    let text = app
        .telemetry
        .encode()
        .map_err(|error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}

pub(super) async fn nothing_here(uri: Uri) -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        format!("nothing is served at {}", uri.path()),
    )
}

fn page(html: String) -> Response {
    const POLICY: &str = "default-src 'none'; img-src 'self' blob: data:; script-src 'self'; style-src 'self'; \
                          connect-src 'self' ws: wss:; manifest-src 'self'; base-uri 'none'; form-action 'none'";
    (
        [
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::CACHE_CONTROL, "no-cache"),
            (HeaderName::from_static("referrer-policy"), "same-origin"),
        ],
        Html(html),
    )
        .into_response()
}

/// What a page tells of a camera.
struct Known {
    name: String,
    source: String,
    state: CameraState,
    size: Option<Size>,
    recording: Option<String>,
}

impl Known {
    fn of(app: &App, feed: &Feed) -> Self {
        let entry = app.catalog.entry(feed.name());
        Self {
            name: feed.name().to_string(),
            source: entry.map_or_else(String::new, |entry| entry.request.source.to_string()),
            state: feed.status().state,
            size: feed.size(),
            recording: app.catalog.recording(feed.name()).and_then(told),
        }
    }

    fn tile(&self) -> Tile<'_> {
        Tile {
            name: &self.name,
            source: &self.source,
            state: self.state.as_str(),
            reason: self.state.reason().map(AsRef::as_ref),
            size: self.size.map(|size| (size.width, size.height)),
            recording: self.recording.as_deref(),
        }
    }
}

/// What a page tells of a recording.
fn told(status: Status) -> Option<String> {
    match (status.mode, status.state) {
        (Mode::Off, _) => None,
        (_, recorder::State::Faulted { why }) => Some(why.to_string()),
        (_, state) => Some(state.as_str().to_owned()),
    }
}
