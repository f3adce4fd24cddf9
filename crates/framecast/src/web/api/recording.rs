//! `/api/v1/cameras/{name}/recording`: whether a camera is being recorded, and starting and stopping that.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    super::{
        App,
        error::{Failure, Problem},
    },
    request::{Named, SaidIfAny},
};
use crate::{
    config::parse_duration,
    sinks::recorder::{self, Status},
};

/// A camera's recording as it is now.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingView {
    /// When it is recorded.
    pub mode: RecordingMode,
    /// What it is doing.
    pub state: RecordingState,
    /// Since when, in seconds since 1970.
    pub since: f64,
    /// Why pictures can't be written, while they can't.
    pub fault: Option<String>,
    /// Pictures written since the server started.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Pictures that were not written because the disk was slow, full or gone.
    pub dropped_frames: u64,
    /// Seconds of the past that are ready in memory.
    pub buffered: f64,
    /// Bytes of all that is kept of the camera.
    pub stored_bytes: u64,
}

/// When a camera is recorded.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingMode {
    /// Never.
    Off,
    /// As long as the server runs.
    Always,
    /// From a start to a stop.
    Manual,
}

/// What a camera's recording is doing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// Nothing.
    Off,
    /// Keeping the last pictures ready in memory.
    Buffering,
    /// It is to be recorded, and there is no picture.
    Waiting,
    /// Writing pictures.
    Recording,
    /// Pictures can't be written; that is tried again by itself.
    Faulted,
}

/// How to start.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordingStart {
    /// How much of what was before to keep too: a time such as `60s`. There is as much as the camera's `pre_record` keeps
    /// in memory.
    pub include: Option<String>,
}

/// Whether a camera is being recorded.
#[utoipa::path(get, path = "/api/v1/cameras/{name}/recording", tag = "recordings",
    params(("name" = String, Path, description = "The camera's name")),
    responses(
        (status = 200, description = "The recording as it is now", body = RecordingView),
        (status = 404, description = "There is no camera of that name", body = Problem)))]
pub(super) async fn show(State(app): State<App>, Named(name): Named) -> Response {
    answer(view(&app, &name))
}

/// Starts to record a camera, from now on or from a while ago. A recording that runs goes on.
#[utoipa::path(post, path = "/api/v1/cameras/{name}/recording/start", tag = "recordings",
    request_body(content = Option<RecordingStart>, content_type = "application/json"),
    params(("name" = String, Path, description = "The camera's name")),
    responses(
        (status = 200, description = "The recording as it is now", body = RecordingView),
        (status = 400, description = "The body is no JSON", body = Problem),
        (status = 408, description = "The body does not come", body = Problem),
        (status = 404, description = "There is no camera of that name", body = Problem),
        (status = 409, description = "The camera is not to be started by hand", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 422, description = "There is no such time", body = Problem)))]
pub(super) async fn start(
    State(app): State<App>,
    Named(name): Named,
    SaidIfAny(start): SaidIfAny<RecordingStart>,
) -> Response {
    let started = since(start).and_then(|include| {
        app.catalog.start_recording(&name, include)?;
        view(&app, &name)
    });
    answer(started)
}

/// Ends what was started.
#[utoipa::path(post, path = "/api/v1/cameras/{name}/recording/stop", tag = "recordings",
    params(("name" = String, Path, description = "The camera's name")),
    responses(
        (status = 200, description = "The recording as it is now", body = RecordingView),
        (status = 404, description = "There is no camera of that name", body = Problem),
        (status = 409, description = "The camera is not to be stopped by hand", body = Problem)))]
pub(super) async fn stop(State(app): State<App>, Named(name): Named) -> Response {
    let stopped = match app.catalog.stop_recording(&name) {
        Ok(()) => view(&app, &name),
        Err(refused) => Err(refused.into()),
    };
    answer(stopped)
}

/// How much of the time before is wanted.
fn since(start: Option<RecordingStart>) -> Result<Duration, Failure> {
    match start.and_then(|start| start.include) {
        Some(text) => parse_duration(&text).map_err(|why| {
            Failure::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("`include`: {why}"),
            )
        }),
        None => Ok(Duration::ZERO),
    }
}

fn answer(view: Result<RecordingView, Failure>) -> Response {
    match view {
        Ok(view) => Json(view).into_response(),
        Err(failure) => failure.into_json(),
    }
}

fn view(app: &App, name: &str) -> Result<RecordingView, Failure> {
    if app.catalog.entry(name).is_none() {
        return Err(Failure::no_camera(name));
    }
    let stored = app.catalog.recordings().map(|it| it.stored(name));
    let status = app.catalog.recording(name).unwrap_or_else(Status::none);
    Ok(RecordingView::of(&status, stored.unwrap_or_default()))
}

impl RecordingView {
    fn of(status: &Status, stored_bytes: u64) -> Self {
        let (state, fault) = match &status.state {
            recorder::State::Off => (RecordingState::Off, None),
            recorder::State::Buffering => (RecordingState::Buffering, None),
            recorder::State::Waiting => (RecordingState::Waiting, None),
            recorder::State::Recording => (RecordingState::Recording, None),
            recorder::State::Faulted { why } => (RecordingState::Faulted, Some(why.to_string())),
        };
        Self {
            mode: match status.mode {
                recorder::Mode::Off => RecordingMode::Off,
                recorder::Mode::Always => RecordingMode::Always,
                recorder::Mode::Manual => RecordingMode::Manual,
            },
            state,
            since: seconds(status.since),
            fault,
            frames: status.frames,
            bytes: status.bytes,
            dropped_frames: status.dropped,
            buffered: status.buffered.as_secs_f64(),
            stored_bytes,
        }
    }
}

/// A time as the interface tells it: in seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> f64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // A millisecond is what a double still holds well.
    since.as_millis() as f64 / 1000.0
}
