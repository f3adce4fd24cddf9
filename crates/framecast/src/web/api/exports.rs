//! Exports as the document describes them, and `/api/v1/cameras/{name}/exports`: how far one is.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    super::{
        App,
        error::{Failure, Problem},
        export,
        exports::Job,
        viewer::Viewer,
    },
    request::NamedBoth,
};

/// An export as it is at the moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportView {
    /// Its name.
    pub job: String,
    /// The camera.
    pub camera: String,
    /// What it is: `mp4` or `zip`.
    pub form: &'static str,
    /// Pictures in it.
    pub pictures: u64,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// Bytes of it that are out.
    pub done_bytes: u64,
    /// Whether it is over.
    pub state: ExportState,
    /// Why it broke off.
    pub error: Option<String>,
}

/// Whether an export is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// It is on its way.
    Running,
    /// All that was asked for is out.
    Done,
    /// It broke off. A client that asks for the rest under the same name goes on.
    Failed,
}

/// A time of a camera as a video: with the times at which the pictures were taken, or, with `every`, as a time-lapse.
///
/// HEAD says how long it is.
#[utoipa::path(get, path = "/cameras/{name}/export.mp4", tag = "recordings",
    params(
        ("name" = String, Path, description = "The camera's name"),
        ("from" = Option<String>, Query, description = "From this time on: seconds since 1970, 2026-11-20T19:00:00Z, or as long ago as -30s; left out, a minute ago"),
        ("to" = Option<String>, Query, description = "Until before this time; left out, now"),
        ("every" = Option<String>, Query, description = "One picture of each such time only: 10s"),
        ("fps" = Option<String>, Query, description = "With `every`: pictures a second, from 0.1 to 240; 30 if left out"),
        ("job" = Option<String>, Query, description = "A name of 8 to 64 letters, digits, `_` and `-`, under which to ask how far it is"),
        ("Range" = Option<String>, Header, description = "A part of it, where the answer to the whole says `Accept-Ranges: bytes`")),
    responses(
        (status = 200, description = "The video", body = Vec<u8>, content_type = "video/mp4"),
        (status = 206, description = "The part of it that was asked for", body = Vec<u8>, content_type = "video/mp4"),
        (status = 400, description = "That makes no sense", body = String, content_type = "text/plain"),
        (status = 404, description = "Nothing was recorded then", body = String, content_type = "text/plain"),
        (status = 416, description = "There is no such part of it"),
        (status = 422, description = "It is too much for one file", body = String, content_type = "text/plain"),
        (status = 503, description = "Too many exports are running, or the recordings can't be read at present", body = String, content_type = "text/plain")))]
pub(super) async fn mp4(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Failure> {
    export::mp4(viewer, name).await
}

/// The pictures of a time of a camera in an archive, each named by its number and its time.
///
/// HEAD says how long it is.
#[utoipa::path(get, path = "/cameras/{name}/export.zip", tag = "recordings",
    params(
        ("name" = String, Path, description = "The camera's name"),
        ("from" = Option<String>, Query, description = "From this time on: seconds since 1970, 2026-11-20T19:00:00Z, or as long ago as -30s; left out, a minute ago"),
        ("to" = Option<String>, Query, description = "Until before this time; left out, now"),
        ("every" = Option<String>, Query, description = "One picture of each such time only: 10s"),
        ("job" = Option<String>, Query, description = "A name of 8 to 64 letters, digits, `_` and `-`, under which to ask how far it is"),
        ("Range" = Option<String>, Header, description = "A part of it, where the answer to the whole says `Accept-Ranges: bytes`")),
    responses(
        (status = 200, description = "The archive", body = Vec<u8>, content_type = "application/zip"),
        (status = 206, description = "The part of it that was asked for", body = Vec<u8>, content_type = "application/zip"),
        (status = 400, description = "That makes no sense", body = String, content_type = "text/plain"),
        (status = 404, description = "Nothing was recorded then", body = String, content_type = "text/plain"),
        (status = 416, description = "There is no such part of it"),
        (status = 422, description = "It is too much for one file", body = String, content_type = "text/plain"),
        (status = 503, description = "Too many exports are running, or the recordings can't be read at present", body = String, content_type = "text/plain")))]
pub(super) async fn zip(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Failure> {
    export::zip(viewer, name).await
}

/// How far the export is that was asked for with `job=…`. The last 64 are known.
#[utoipa::path(get, path = "/api/v1/cameras/{name}/exports/{job}", tag = "recordings",
    params(
        ("name" = String, Path, description = "The camera's name"),
        ("job" = String, Path, description = "The export's name")),
    responses(
        (status = 200, description = "The export as it is", body = ExportView),
        (status = 404, description = "There is no export of that name", body = Problem)))]
pub(super) async fn show(State(app): State<App>, NamedBoth(name, job): NamedBoth) -> Response {
    let known = job.parse().ok();
    match known.and_then(|id| app.exports.find(&name, &id)) {
        Some(job) => Json(ExportView::of(&job)).into_response(),
        None => {
            let why = format!("no export of `{name}` is called `{job}`");
            Failure::new(StatusCode::NOT_FOUND, why).into_json()
        }
    }
}

impl ExportView {
    fn of(job: &Job) -> Self {
        // Before the bytes are read: what is over has all of them.
        let ended = job.ended();
        Self {
            job: job.id.to_string(),
            camera: job.camera.clone(),
            form: job.kind,
            pictures: job.pictures,
            bytes: job.bytes,
            done_bytes: job.done(),
            state: match ended {
                None => ExportState::Running,
                Some(Ok(())) => ExportState::Done,
                Some(Err(_)) => ExportState::Failed,
            },
            error: ended.and_then(|end| end.clone().err()),
        }
    }
}
