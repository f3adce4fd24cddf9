//! `/api/v1/cameras/{name}/exports`: how far an export is.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    super::{
        App,
        error::{Failure, Problem},
        exports::Job,
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
