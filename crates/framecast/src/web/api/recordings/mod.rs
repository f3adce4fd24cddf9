//! What was recorded: `list` has the files, `pins` what is kept for good, and here are the times, and deleting them; `views`
//! is what all of them tell.

mod list;
mod pins;
mod views;

use std::{
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json,
    extract::State,
    http::Uri,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    super::{
        App,
        access::Asker,
        error::{Failure, Problem},
        query::Asked,
    },
    request::Named,
};
use crate::{
    access::{Action, Decision},
    recordings::{Recordings, Span},
};

pub(super) use list::{__path_list, list};
pub(super) use pins::{__path_pin, __path_pins, __path_unpin, pin, pins, unpin};
pub use pins::{NewPin, PinView, PinsView};
pub use views::{ErasedView, SegmentView, SpanView, SpansView};

/// What of a camera was recorded, as times without a gap. Where the clock was set back they may overlap.
#[utoipa::path(get, path = "/api/v1/cameras/{name}/recordings/spans", tag = "recordings",
    params(
        ("name" = String, Path, description = "The camera's name; it may be one that is no longer there"),
        ("from" = Option<String>, Query, description = "From this time on: seconds since 1970, 2026-11-20T19:00:00Z, or as long ago as -30s"),
        ("to" = Option<String>, Query, description = "Until before this time")),
    responses(
        (status = 200, description = "The times", body = SpansView),
        (status = 400, description = "There is no such time", body = Problem),
        (status = 404, description = "There is no camera of that name, nor anything recorded of one", body = Problem),
        (status = 503, description = "The recordings can't be read at present", body = Problem)))]
pub(super) async fn spans(State(app): State<App>, Named(name): Named, uri: Uri) -> Response {
    let spans = async {
        let time = time(&asked(&uri))?;
        Ok(match known(&app, &name).await? {
            Some(recordings) => recordings.read(move |it| it.spans(&name, time)).await?,
            None => Vec::new(),
        })
    };
    answer(spans.await.map(|spans: Vec<Span>| SpansView {
        spans: spans.iter().map(SpanView::of).collect(),
    }))
}

/// Deletes what was recorded of a camera in a time. Files are deleted whole, those at both ends too; what is pinned or being
/// written stays.
#[utoipa::path(delete, path = "/api/v1/cameras/{name}/recordings", tag = "recordings",
    params(
        ("name" = String, Path, description = "The camera's name; it may be one that is no longer there"),
        ("from" = String, Query, description = "From this time on: seconds since 1970, 2026-11-20T19:00:00Z, or as long ago as -30s"),
        ("to" = String, Query, description = "Until before this time")),
    responses(
        (status = 200, description = "What is gone", body = ErasedView),
        (status = 400, description = "There is no such time, or none was named", body = Problem),
        (status = 404, description = "There is no camera of that name, nor anything recorded of one", body = Problem),
        (status = 503, description = "The recordings can't be changed at present", body = Problem)))]
pub(super) async fn erase(State(app): State<App>, Named(name): Named, uri: Uri) -> Response {
    let erased = async {
        let asked = asked(&uri);
        // Forgetting one must not delete everything.
        for end in ["from", "to"] {
            if asked.value(end).is_none() {
                return Err(Failure::bad(format!("say `{end}`")));
            }
        }
        let time = time(&asked)?;
        Ok(match known(&app, &name).await? {
            Some(recordings) => recordings.read(move |it| it.erase(&name, time)).await?,
            None => Vec::new(),
        })
    };
    answer(erased.await.map(|erased: Vec<Span>| ErasedView {
        bytes: erased.iter().map(|span| span.bytes).sum(),
        spans: erased.iter().map(SpanView::of).collect(),
    }))
}

/// Where recordings of this camera are, if anywhere. It may be one that is no longer there, if something was recorded of it.
async fn known(app: &App, name: &str) -> Result<Option<Recordings>, Failure> {
    let recordings = app.catalog.recordings().cloned();
    if app.catalog.entry(name).is_some() {
        return Ok(recordings);
    }
    let missing = || Failure::no_camera(name);
    let recordings = recordings.ok_or_else(missing)?;
    let cameras = recordings.read(Recordings::cameras).await?;
    let is_recorded = cameras.iter().any(|camera| camera == name);
    is_recorded.then_some(Some(recordings)).ok_or_else(missing)
}

fn answer<T: Serialize>(view: Result<T, Failure>) -> Response {
    match view {
        Ok(view) => Json(view).into_response(),
        Err(failure) => failure.into_json(),
    }
}

/// Whether they may watch a camera, and so know of what was recorded of it.
fn watches(asker: &Asker, camera: &str) -> bool {
    asker.decide(Action::Stream, camera) == Decision::Allow
}

fn asked(uri: &Uri) -> Asked {
    Asked::of(uri.query().unwrap_or_default())
}

/// The time that an address asks for; everything, if it asks for none.
fn time(asked: &Asked) -> Result<Range<SystemTime>, Failure> {
    let end = |name| {
        match asked.value(name) {
        Some(text) => parse_time(text).map(Some).ok_or_else(|| {
            Failure::bad(format!(
                "`{name}`: `{text}` is no time; write seconds since 1970, 2026-11-20T19:00:00Z, or -30s for as long ago"
            ))
        }),
        None => Ok(None),
    }
    };
    let always = Duration::from_secs(1 << 33);
    Ok(end("from")?.unwrap_or(UNIX_EPOCH)..end("to")?.unwrap_or(UNIX_EPOCH + always))
}

fn parse_time(text: &str) -> Option<SystemTime> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds >= 0.0
    {
        return moment(seconds);
    }
    match text.strip_prefix('-') {
        Some(ago) => SystemTime::now().checked_sub(humantime::parse_duration(ago).ok()?),
        None => humantime::parse_rfc3339_weak(text).ok(),
    }
}

/// Seconds since 1970, as far as they are a time.
fn moment(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    // What the index can hold.
    (since.as_secs() < 1 << 33).then(|| UNIX_EPOCH + since)
}
