//! The addresses of other camera servers, so that programs made for those work unchanged.
//!
//! mjpg-streamer, ustreamer, camera-streamer, go2rtc, Motion, Frigate, and the Flask articles. Where such an address names
//! no camera it means the first one, or the one in `?camera=`; where it has a number, cameras count from the first.

use std::sync::atomic::Ordering::Relaxed;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};

use super::{App, error::Failure, query::Asked, snapshot, stream};
use crate::hub::{Feed, State as CameraState};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/video_feed", get(default_stream))
        .route("/stream", get(default_stream).post(default_stream))
        .route("/stream.mjpg", get(default_stream))
        .route("/snapshot", get(default_snapshot))
        .route("/snapshot.jpg", get(default_snapshot))
        .route("/state", get(ustreamer_state))
        .route("/status", get(camera_streamer_status))
        .route("/webcam/", get(webcam))
        .route("/{webcam}/", get(numbered_webcam))
        .route("/api/stream.mjpeg", get(go2rtc_stream))
        .route("/api/frame.jpeg", get(go2rtc_frame))
        .route("/{camera}/mjpg/stream", get(motion_stream))
        .route("/{camera}/static/stream", get(motion_snapshot))
        .route("/api/{camera}", get(frigate_stream))
        .route("/api/{camera}/latest.jpg", get(frigate_snapshot))
}

/// The camera that an address without a name means.
fn default(app: &App, asked: &Asked) -> Result<Feed, Failure> {
    match asked.value("camera") {
        Some(name) => named(app, name),
        None => app
            .catalog
            .hub()
            .feeds()
            .into_iter()
            .next()
            .ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "this server has no cameras")),
    }
}

fn named(app: &App, name: &str) -> Result<Feed, Failure> {
    app.catalog
        .hub()
        .feed(name)
        .ok_or_else(|| Failure::no_camera(name))
}

/// A camera by its name, or else by its number.
fn named_or_numbered(app: &App, text: &str, first: usize) -> Result<Feed, Failure> {
    named(app, text).or_else(|unknown| match text.parse::<usize>() {
        Ok(number) => numbered(app, number, first),
        Err(_) => Err(unknown),
    })
}

fn numbered(app: &App, number: usize, first: usize) -> Result<Feed, Failure> {
    let feeds = app.catalog.hub().feeds();
    let index = number.checked_sub(first);
    index
        .and_then(|index| feeds.into_iter().nth(index))
        .ok_or_else(|| {
            Failure::new(
                StatusCode::NOT_FOUND,
                format!("there is no camera number {number}"),
            )
        })
}

async fn default_stream(
    State(app): State<App>,
    asked: Asked,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    stream::respond(&default(&app, &asked)?, &asked, &method, &headers)
}

async fn default_snapshot(State(app): State<App>, asked: Asked) -> Result<Response, Failure> {
    let feed = default(&app, &asked)?;
    snapshot::respond(&app, &feed, &asked).await
}

/// mjpg-streamer's `?action=stream`, `stream_1`, `snapshot`, `snapshot_1`: the number is that of its input plugin, from 0.
pub(super) async fn action(
    app: &App,
    asked: &Asked,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let feed = default(app, asked);
    act(app, asked, method, headers, feed).await
}

async fn act(
    app: &App,
    asked: &Asked,
    method: &Method,
    headers: &HeaderMap,
    default: Result<Feed, Failure>,
) -> Result<Response, Failure> {
    let action = asked.value("action").unwrap_or("stream");
    let (verb, number) = match action.split_once('_') {
        Some((verb, number)) => (verb, Some(number)),
        None => (action, None),
    };
    let feed = match number.map(str::parse) {
        None => default?,
        Some(Ok(number)) => numbered(app, number, 0)?,
        Some(Err(_)) => {
            return Err(Failure::bad(format!(
                "`action={action}` has no number at its end"
            )));
        }
    };
    match verb {
        "stream" => stream::respond(&feed, asked, method, headers),
        "snapshot" => snapshot::respond(app, &feed, asked).await,
        _ => Err(Failure::bad(format!(
            "`action={action}` is neither `stream` nor `snapshot`"
        ))),
    }
}

/// `/webcam/?action=…`, as the proxies of 3D-printer images have it.
async fn webcam(
    State(app): State<App>,
    asked: Asked,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    action(&app, &asked, &method, &headers).await
}

/// `/webcam2/?action=…` is the second camera.
async fn numbered_webcam(
    State(app): State<App>,
    Path(webcam): Path<String>,
    asked: Asked,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let number = webcam.strip_prefix("webcam").map(str::parse);
    let Some(Ok(number)) = number else {
        return Err(Failure::new(
            StatusCode::NOT_FOUND,
            format!("nothing is served at /{webcam}/"),
        ));
    };
    let feed = numbered(&app, number, 1);
    act(&app, &asked, &method, &headers, feed).await
}

/// What ustreamer tells at `/state`.
async fn ustreamer_state(State(app): State<App>, asked: Asked) -> Result<Json<Value>, Failure> {
    let feed = default(&app, &asked)?;
    let entry = app.catalog.entry(feed.name());
    let size = feed.size();
    let fps = feed.fps().round();
    let quality = entry.as_ref().and_then(|entry| entry.request.quality);
    Ok(Json(json!({
        "ok": true,
        "result": {
            "instance_id": "",
            "encoder": { "type": "CPU", "quality": quality.unwrap_or(80) },
            "source": {
                "resolution": {
                    "width": size.map_or(0, |size| size.width),
                    "height": size.map_or(0, |size| size.height),
                },
                "online": feed.status().state == CameraState::Live,
                "desired_fps": entry.and_then(|entry| entry.request.fps).unwrap_or(fps),
                "captured_fps": fps,
            },
            "stream": {
                "queued_fps": fps,
                "clients": feed.stats().viewers.load(Relaxed),
                "clients_stat": {},
            },
        },
    })))
}

/// What camera-streamer tells at `/status`, as far as it applies.
async fn camera_streamer_status(
    State(app): State<App>,
    asked: Asked,
) -> Result<Json<Value>, Failure> {
    let feed = default(&app, &asked)?;
    let size = feed.size();
    let output = json!({
        "enabled": true,
        "width": size.map(|size| size.width),
        "height": size.map(|size| size.height),
    });
    Ok(Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "outputs": { "snapshot": output, "stream": output },
        "endpoints": {
            "snapshot": { "enabled": true, "uri": "/snapshot" },
            "stream": { "enabled": true, "uri": "/stream" },
        },
    })))
}

fn source(asked: &Asked) -> Result<&str, Failure> {
    asked
        .value("src")
        .ok_or_else(|| Failure::bad("`src` is missing: the camera's name"))
}

async fn go2rtc_stream(
    State(app): State<App>,
    asked: Asked,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let feed = named(&app, source(&asked)?)?;
    stream::respond(&feed, &asked, &method, &headers)
}

async fn go2rtc_frame(State(app): State<App>, asked: Asked) -> Result<Response, Failure> {
    let feed = named(&app, source(&asked)?)?;
    snapshot::respond(&app, &feed, &asked).await
}

/// Motion counts its cameras from 1.
async fn motion_stream(
    State(app): State<App>,
    Path(camera): Path<String>,
    asked: Asked,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let feed = named_or_numbered(&app, &camera, 1)?;
    stream::respond(&feed, &asked, &method, &headers)
}

async fn motion_snapshot(
    State(app): State<App>,
    Path(camera): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let feed = named_or_numbered(&app, &camera, 1)?;
    snapshot::respond(&app, &feed, &asked).await
}

async fn frigate_stream(
    State(app): State<App>,
    Path(camera): Path<String>,
    asked: Asked,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    stream::respond(&named(&app, &camera)?, &asked, &method, &headers)
}

async fn frigate_snapshot(
    State(app): State<App>,
    Path(camera): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let feed = named(&app, &camera)?;
    snapshot::respond(&app, &feed, &asked).await
}
