//! `/api/v1/recordings/pins`: what is kept for good.

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    super::{
        super::{
            App,
            access::Asker,
            error::{Failure, Problem},
        },
        recording::seconds,
        request::Said,
    },
    answer, asked, moment, watches,
};
use crate::{
    config::check_name,
    recordings::{Pin, Recordings},
};

/// All times that are kept for good.
#[derive(Debug, Serialize, ToSchema)]
pub struct PinsView {
    /// By their time.
    pub pins: Vec<PinView>,
}

/// A time that is kept for good.
#[derive(Debug, Serialize, ToSchema)]
pub struct PinView {
    /// Its number.
    pub id: u64,
    /// The camera.
    pub camera: String,
    /// From when, in seconds since 1970.
    pub start: f64,
    /// Until when.
    pub end: f64,
    /// Why.
    pub note: String,
}

/// A time to be kept for good.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPin {
    /// The camera.
    pub camera: String,
    /// From when: seconds since 1970.
    pub start: f64,
    /// Until when.
    pub end: f64,
    /// Why, for people; up to 1000 characters.
    #[serde(default)]
    pub note: String,
}

/// All times that are kept for good.
#[utoipa::path(get, path = "/api/v1/recordings/pins", tag = "recordings",
    params(("camera" = Option<String>, Query, description = "Of this camera only")),
    responses(
        (status = 200, description = "The pins", body = PinsView),
        (status = 400, description = "The address makes no sense", body = Problem),
        (status = 503, description = "The recordings can't be read at present", body = Problem)))]
pub(in super::super) async fn pins(State(app): State<App>, asker: Asker, uri: Uri) -> Response {
    let pins = async {
        let camera = asked(&uri).value("camera").map(str::to_owned);
        Ok(match app.catalog.recordings() {
            Some(recordings) => {
                recordings
                    .read(move |it| it.pins(camera.as_deref()))
                    .await?
            }
            None => Vec::new(),
        })
    };
    answer(pins.await.map(|pins: Vec<Pin>| {
        PinsView {
            pins: pins
                .iter()
                .filter(|pin| watches(&asker, &pin.camera))
                .map(PinView::of)
                .collect(),
        }
    }))
}

/// Keeps a time of a camera for good, whatever the limits say.
#[utoipa::path(post, path = "/api/v1/recordings/pins", tag = "recordings", request_body = NewPin,
    responses(
        (status = 201, description = "It is kept", body = PinView),
        (status = 400, description = "The body is no JSON", body = Problem),
        (status = 404, description = "There is no camera of that name for who asks", body = Problem),
        (status = 408, description = "The body does not come", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "That is no time of a camera", body = Problem),
        (status = 503, description = "The recordings can't be changed at present", body = Problem)))]
pub(in super::super) async fn pin(
    State(app): State<App>,
    asker: Asker,
    Said(new): Said<NewPin>,
) -> Response {
    let pinned = async {
        let senseless = |why: String| Failure::new(StatusCode::UNPROCESSABLE_ENTITY, why);
        check_name(&new.camera).map_err(|bad| senseless(bad.to_string()))?;
        if !asker.finds(&new.camera) {
            return Err(Failure::no_camera(&new.camera));
        }
        let moment = |at: f64| moment(at).ok_or_else(|| senseless(format!("{at} is no time")));
        let time = moment(new.start)?..moment(new.end)?;
        if time.start > time.end {
            return Err(senseless("`end` lies before `start`".to_owned()));
        }
        if new.note.chars().count() > 1000 {
            return Err(senseless(
                "`note` is longer than 1000 characters".to_owned(),
            ));
        }
        let recordings = app.catalog.recordings().ok_or_else(nowhere)?;
        let pin = move |it: &Recordings| it.pin(&new.camera, time, &new.note);
        Ok(recordings.read(pin).await?)
    };
    match pinned.await {
        Ok(pin) => (StatusCode::CREATED, Json(PinView::of(&pin))).into_response(),
        Err(failure) => failure.into_json(),
    }
}

/// No longer keeps a time for good.
#[utoipa::path(delete, path = "/api/v1/recordings/pins/{id}", tag = "recordings",
    params(("id" = u64, Path, description = "The pin's number")),
    responses(
        (status = 204, description = "The limits count for it again"),
        (status = 404, description = "There is no pin of that number", body = Problem),
        (status = 503, description = "The recordings can't be changed at present", body = Problem)))]
pub(in super::super) async fn unpin(
    State(app): State<App>,
    asker: Asker,
    Path(id): Path<String>,
) -> Response {
    let unpinned = async {
        let missing = || Failure::new(StatusCode::NOT_FOUND, format!("there is no pin {id}"));
        let id: u64 = id.parse().map_err(|_| missing())?;
        let recordings = app.catalog.recordings().ok_or_else(missing)?;
        let pins = recordings.read(|it| it.pins(None)).await?;
        let pin = pins.iter().find(|pin| pin.id == id).ok_or_else(missing)?;
        if !asker.finds(&pin.camera) {
            return Err(missing());
        }
        Ok(recordings.read(move |it| it.unpin(id)).await?)
    };
    match unpinned.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err::<_, Failure>(failure) => failure.into_json(),
    }
}

fn nowhere() -> Failure {
    let why = "there is no folder to record to: name one with `path` in [recordings]";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, why)
}

impl PinView {
    fn of(pin: &Pin) -> Self {
        Self {
            id: pin.id,
            camera: pin.camera.to_string(),
            start: seconds(pin.start),
            end: seconds(pin.end),
            note: pin.note.clone(),
        }
    }
}
