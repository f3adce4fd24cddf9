//! The addresses of other camera servers, so that programs made for those work unchanged.
//!
//! mjpg-streamer, ustreamer, camera-streamer, go2rtc, Motion, Frigate, and the Flask articles. Where such an address names
//! no camera it means the first one, or the one in `?camera=`; where it has a number, cameras count from the first.

use std::sync::atomic::Ordering::Relaxed;

use axum::{Json, extract::Path, http::StatusCode, response::Response};
use serde_json::{Value, json};

use super::{
    error::Failure,
    routes::{Needs, Routes},
    snapshot, stream,
    viewer::Viewer,
};
use crate::access::Action;
use crate::hub::{Feed, State as CameraState};

pub(super) fn add_to(routes: Routes) -> Routes {
    const WATCH: Needs = Needs::Found(Action::Stream);
    const TAKE: Needs = Needs::Found(Action::Snapshot);
    const LOOK: Needs = Needs::Found(Action::See);
    routes
        .get("/video_feed", WATCH, default_stream)
        .get("/stream", WATCH, default_stream)
        .post("/stream", WATCH, default_stream)
        .get("/stream.mjpg", WATCH, default_stream)
        .get("/snapshot", TAKE, default_snapshot)
        .get("/snapshot.jpg", TAKE, default_snapshot)
        .get("/state", LOOK, ustreamer_state)
        .get("/status", LOOK, camera_streamer_status)
        .get("/webcam/", WATCH, action)
        .get("/{webcam}/", WATCH, numbered_webcam)
        .get("/api/stream.mjpeg", WATCH, go2rtc_stream)
        .get("/api/frame.jpeg", TAKE, go2rtc_frame)
        .get("/{camera}/mjpg/stream", WATCH, motion_stream)
        .get("/{camera}/static/stream", TAKE, motion_snapshot)
        .get("/api/{camera}", WATCH, stream::of_camera)
        .get("/api/{camera}/latest.jpg", TAKE, snapshot::of_camera)
}

/// Which camera is meant where the address does not name it.
impl Viewer {
    /// The one in `?camera=`, or the first.
    fn default(&self) -> Result<Feed, Failure> {
        match self.asked.value("camera") {
            Some(name) => self.feed(name),
            None => match self.feeds().next() {
                Some(first) => self.feed(first.name()),
                None => Err(Failure::new(
                    StatusCode::NOT_FOUND,
                    "this server has no cameras",
                )),
            },
        }
    }

    /// The one of that number among those that this viewer may see, counted from `first`.
    fn numbered(&self, number: usize, first: usize) -> Result<Feed, Failure> {
        let index = number.checked_sub(first);
        match index.and_then(|index| self.feeds().nth(index)) {
            Some(feed) => self.feed(feed.name()),
            None => {
                let message = format!("there is no camera number {number}");
                Err(Failure::new(StatusCode::NOT_FOUND, message))
            }
        }
    }

    /// The one of that name, or else of that number, counted from 1.
    fn named_or_numbered(&self, text: &str) -> Result<Feed, Failure> {
        self.feed(text)
            .or_else(|unknown| match text.parse::<usize>() {
                Ok(number) => self.numbered(number, 1),
                Err(_) => Err(unknown),
            })
    }

    /// The one in `?src=`.
    fn source(&self) -> Result<Feed, Failure> {
        let name = self.asked.value("src");
        self.feed(name.ok_or_else(|| Failure::bad("`src` is missing: the camera's name"))?)
    }
}

async fn default_stream(viewer: Viewer) -> Result<Response, Failure> {
    stream::respond(&viewer, &viewer.default()?)
}

async fn default_snapshot(viewer: Viewer) -> Result<Response, Failure> {
    snapshot::respond(&viewer, &viewer.default()?).await
}

/// mjpg-streamer's `?action=stream`, `stream_1`, `snapshot`, `snapshot_1`: the number is that of its input plugin, from 0.
/// Proxies of 3D-printer images have the same under `/webcam/`.
pub(super) async fn action(viewer: Viewer) -> Result<Response, Failure> {
    let default = viewer.default();
    act(&viewer, default).await
}

/// `/webcam2/?action=…` is the second camera.
async fn numbered_webcam(viewer: Viewer, Path(webcam): Path<String>) -> Result<Response, Failure> {
    let number = webcam.strip_prefix("webcam").map(str::parse);
    let Some(Ok(number)) = number else {
        return Err(Failure::new(
            StatusCode::NOT_FOUND,
            format!("nothing is served at /{webcam}/"),
        ));
    };
    let feed = viewer.numbered(number, 1);
    act(&viewer, feed).await
}

async fn act(viewer: &Viewer, default: Result<Feed, Failure>) -> Result<Response, Failure> {
    let action = viewer.asked.value("action").unwrap_or("stream");
    let (verb, number) = match action.split_once('_') {
        Some((verb, number)) => (verb, Some(number)),
        None => (action, None),
    };
    let feed = match number.map(str::parse) {
        None => default?,
        Some(Ok(number)) => viewer.numbered(number, 0)?,
        Some(Err(_)) => {
            let message = format!("`action={action}` has no number at its end");
            return Err(Failure::bad(message));
        }
    };
    match verb {
        "stream" => stream::respond(viewer, &feed),
        "snapshot" => snapshot::respond(viewer, &feed).await,
        _ => Err(Failure::bad(format!(
            "`action={action}` is neither `stream` nor `snapshot`"
        ))),
    }
}

/// What ustreamer tells at `/state`.
async fn ustreamer_state(viewer: Viewer) -> Result<Json<Value>, Failure> {
    let feed = viewer.default()?;
    let entry = viewer.app.catalog.entry(feed.name());
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
async fn camera_streamer_status(viewer: Viewer) -> Result<Json<Value>, Failure> {
    let feed = viewer.default()?;
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

async fn go2rtc_stream(viewer: Viewer) -> Result<Response, Failure> {
    stream::respond(&viewer, &viewer.source()?)
}

async fn go2rtc_frame(viewer: Viewer) -> Result<Response, Failure> {
    snapshot::respond(&viewer, &viewer.source()?).await
}

async fn motion_stream(viewer: Viewer, Path(camera): Path<String>) -> Result<Response, Failure> {
    stream::respond(&viewer, &viewer.named_or_numbered(&camera)?)
}

async fn motion_snapshot(viewer: Viewer, Path(camera): Path<String>) -> Result<Response, Failure> {
    snapshot::respond(&viewer, &viewer.named_or_numbered(&camera)?).await
}
