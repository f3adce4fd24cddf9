//! `/api/v1/cameras/{name}/controls`: brightness, exposure, focus and whatever else a camera lets one turn.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use framecast_camera::{Camera, Control, ControlKind, Error, ErrorKind, Setting};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    super::{
        App,
        error::{Failure, Problem},
    },
    request::{Named, Said},
};

/// All that can be turned on a camera.
#[derive(Debug, Serialize, ToSchema)]
pub struct ControlsView {
    /// In the device's order; empty for a camera that has none.
    pub controls: Vec<ControlView>,
}

/// Something that can be turned on a camera.
#[derive(Debug, Serialize, ToSchema)]
pub struct ControlView {
    /// Its name for settings.
    pub name: String,
    /// The driver's words for it.
    pub about: String,
    /// What values it takes.
    pub kind: ControlKindView,
    /// The lowest value.
    pub least: i64,
    /// The highest value.
    pub most: i64,
    /// What two neighbouring values differ by.
    pub step: u64,
    /// Where it stands unless someone turns it.
    pub default: i64,
    /// Where it stands now.
    pub value: Option<i64>,
    /// The choices of a menu.
    pub menu: Vec<MenuView>,
    /// Whether it can be read only.
    pub read_only: bool,
    /// Whether it has no effect just now.
    pub inactive: bool,
}

/// What values a control takes.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlKindView {
    /// A number from a range.
    Number,
    /// 0 or 1.
    Switch,
    /// One of some choices.
    Menu,
    /// Does something when any value is set.
    Button,
    /// Several bits.
    Bits,
}

/// A choice of a menu.
#[derive(Debug, Serialize, ToSchema)]
pub struct MenuView {
    /// The value that it stands for.
    pub value: i64,
    /// Its words.
    pub about: String,
}

/// What can be turned on a camera, with the present values.
#[utoipa::path(get, path = "/api/v1/cameras/{name}/controls", tag = "cameras",
    params(("name" = String, Path, description = "The camera's name")),
    responses(
        (status = 200, description = "Its controls", body = ControlsView),
        (status = 404, description = "There is no camera of that name", body = Problem),
        (status = 503, description = "The device can't be asked", body = Problem)))]
pub(super) async fn list(State(app): State<App>, Named(name): Named) -> Response {
    answer(&app, &name, Vec::new()).await
}

/// Turns controls of a camera, by name: `{"brightness": 10, "focus_automatic_continuous": 0}`. Answers how all stand then.
#[utoipa::path(patch, path = "/api/v1/cameras/{name}/controls", tag = "cameras",
    request_body = BTreeMap<String, i64>,
    params(("name" = String, Path, description = "The camera's name")),
    responses(
        (status = 200, description = "Its controls as they stand now", body = ControlsView),
        (status = 400, description = "The body is no JSON", body = Problem),
        (status = 404, description = "There is no camera of that name", body = Problem),
        (status = 408, description = "The body does not come", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "It has no such control, or not that value", body = Problem),
        (status = 503, description = "The device can't be reached", body = Problem)))]
pub(super) async fn turn(
    State(app): State<App>,
    Named(name): Named,
    Said(values): Said<BTreeMap<String, i64>>,
) -> Response {
    let settings = values.into_iter();
    let settings = settings.map(|(name, value)| Setting { name, value });
    answer(&app, &name, settings.collect()).await
}

async fn answer(app: &App, name: &str, settings: Vec<Setting>) -> Response {
    let Some(feed) = app.catalog.hub().feed(name) else {
        return Failure::no_camera(name).into_json();
    };
    let camera = feed.camera();
    // A device may take a while to answer.
    let turned = tokio::task::spawn_blocking(move || turned(&camera, &settings));
    match turned.await {
        Ok(Ok(controls)) => Json(ControlsView {
            controls: controls.into_iter().map(ControlView::of).collect(),
        })
        .into_response(),
        Ok(Err(error)) => failure(&error).into_json(),
        Err(_panicked) => {
            let message = "the driver panicked";
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message).into_json()
        }
    }
}

fn turned(camera: &Arc<dyn Camera>, settings: &[Setting]) -> Result<Vec<Control>, Error> {
    let Some(controls) = camera.controls() else {
        return match settings {
            [] => Ok(Vec::new()),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                "this camera has no controls",
            )),
        };
    };
    for setting in settings {
        controls.set(setting)?;
    }
    controls.list()
}

fn failure(error: &Error) -> Failure {
    let status = match error.kind() {
        ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    Failure::new(status, error.to_string())
}

impl ControlView {
    pub(super) fn of(control: Control) -> Self {
        let menu = control.menu.into_iter();
        Self {
            name: control.name,
            about: control.about,
            kind: match control.kind {
                ControlKind::Switch => ControlKindView::Switch,
                ControlKind::Menu => ControlKindView::Menu,
                ControlKind::Button => ControlKindView::Button,
                ControlKind::Bits => ControlKindView::Bits,
                _ => ControlKindView::Number,
            },
            least: control.least,
            most: control.most,
            step: control.step,
            default: control.default,
            value: control.value,
            menu: menu
                .map(|(value, about)| MenuView { value, about })
                .collect(),
            read_only: control.read_only,
            inactive: control.inactive,
        }
    }
}
