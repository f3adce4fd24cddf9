//! The addresses for people and for supervisors: pages, health, metrics.

use axum::{
    extract::{OriginalUri, Path, State},
    http::{StatusCode, Uri, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use framecast_camera::Size;

use super::{
    App,
    access::Asker,
    compat,
    error::Failure,
    pages::{self, Tile},
    viewer::Viewer,
};
use crate::{
    access::{Action, Decision, Who},
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
    let known: Vec<Known> = viewer.feeds().map(|feed| Known::of(app, &feed)).collect();
    let tiles: Vec<Tile<'_>> = known.iter().map(Known::tile).collect();
    let user = user(&viewer.asker);
    Ok(page(
        app,
        pages::index(&tiles, user.as_deref()).into_string(),
    ))
}

/// `/cameras/NAME/`: the camera's own page.
pub(super) async fn camera(
    State(app): State<App>,
    asker: Asker,
    Path(name): Path<String>,
) -> Response {
    let Some(feed) = app.catalog.hub().feed(&name) else {
        return missing(&app, &name);
    };
    let known = Known::of(&app, &feed);
    let may_control = asker.decide(Action::Control, &name) == Decision::Allow;
    let user = user(&asker);
    let html = pages::camera(&known.tile(), may_control, user.as_deref());
    page(&app, html.into_string())
}

/// There is no camera of this name, or none for the one who asks.
pub(super) fn missing(app: &App, name: &str) -> Response {
    let missing = page(app, pages::missing(name, "../../").into_string());
    (StatusCode::NOT_FOUND, missing).into_response()
}

/// The name to show beside the button to log out.
fn user(asker: &Asker) -> Option<String> {
    asker.has_session().then(|| match &asker.identity().who {
        Who::User { name, .. } | Who::Token { name, .. } => name.clone(),
        who => who.to_string(),
    })
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

/// A page that those sites may frame that may show the cameras.
fn page(app: &App, html: String) -> Response {
    let mut sites = "'self'".to_owned();
    for origin in app.allow_origins.iter() {
        sites = sites + " " + origin;
    }
    framed_by(&sites, html)
}

/// A page that no other may frame, and which nobody keeps.
pub(super) fn page_for_itself(html: String) -> Response {
    framed_by("'none'", html)
}

fn framed_by(sites: &str, html: String) -> Response {
    let policy = format!(
        "default-src 'none'; img-src 'self' blob: data:; script-src 'self'; style-src 'self'; \
         connect-src 'self' ws: wss:; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
         frame-ancestors {sites}"
    );
    (
        [
            (header::CONTENT_SECURITY_POLICY, policy.as_str()),
            (header::CACHE_CONTROL, "no-cache, private"),
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
    device: Option<String>,
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
            device: feed.given().map(|given| given.to_string()),
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
            device: self.device.as_deref(),
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
