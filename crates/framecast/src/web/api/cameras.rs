//! `/api/v1/cameras`.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use framecast_camera::Size;

use super::{
    super::{
        App,
        access::Asker,
        error::{Failure, Problem},
    },
    request::{Named, Said},
    types::{CameraView, CamerasView, NewCamera, SettingsChange},
};
use crate::{
    catalog::Entry,
    config::check_name,
    drivers::{Request, Source},
    hub::Policy,
    sinks::recorder,
};

/// The cameras that one may see, with their state, size, rate, viewers and counters.
#[utoipa::path(get, path = "/api/v1/cameras", tag = "cameras",
    responses((status = 200, description = "All cameras", body = CamerasView)))]
pub(super) async fn list(State(app): State<App>, asker: Asker) -> Json<CamerasView> {
    let feeds = app.catalog.hub().feeds();
    let seen = feeds.iter().filter(|feed| asker.sees(feed.name()));
    Json(CamerasView {
        cameras: seen
            .map(|feed| CameraView::of(&app.catalog, feed))
            .collect(),
    })
}

/// One camera.
#[utoipa::path(get, path = "/api/v1/cameras/{name}", tag = "cameras",
    params(("name" = String, Path, description = "The camera's name")),
    responses(
        (status = 200, description = "The camera", body = CameraView),
        (status = 404, description = "There is no camera of that name", body = Problem)))]
pub(super) async fn show(State(app): State<App>, Named(name): Named) -> Response {
    match view(&app, &name) {
        Ok(view) => Json(view).into_response(),
        Err(failure) => failure.into_json(),
    }
}

/// Adds a camera, until it is removed or the server stops.
#[utoipa::path(post, path = "/api/v1/cameras", tag = "cameras", request_body = NewCamera,
    responses(
        (status = 201, description = "The camera was added", body = CameraView),
        (status = 400, description = "The body is no JSON", body = Problem),
        (status = 403, description = "Such a source can't be added over HTTP", body = Problem),
        (status = 408, description = "The body does not come", body = Problem),
        (status = 409, description = "The name is taken", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "The camera can't be made", body = Problem)))]
pub(super) async fn add(State(app): State<App>, Said(camera): Said<NewCamera>) -> Response {
    let added = entry(&app, camera).and_then(|entry| {
        let name = entry.request.name.clone();
        app.catalog.add(entry)?;
        Ok((format!("cameras/{name}"), view(&app, &name)?))
    });
    match added {
        Ok((location, view)) => (
            StatusCode::CREATED,
            [(header::LOCATION, location)],
            Json(view),
        )
            .into_response(),
        Err(failure) => failure.into_json(),
    }
}

/// Changes size, rate or quality for all viewers of a camera, who stay connected.
#[utoipa::path(patch, path = "/api/v1/cameras/{name}", tag = "cameras", request_body = SettingsChange,
    params(("name" = String, Path, description = "The camera's name")),
    responses(
        (status = 200, description = "The camera as it is now", body = CameraView),
        (status = 400, description = "The body is no JSON", body = Problem),
        (status = 404, description = "There is no camera of that name", body = Problem),
        (status = 408, description = "The body does not come", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "The camera can't be so", body = Problem)))]
pub(super) async fn change(
    State(app): State<App>,
    Named(name): Named,
    Said(change): Said<SettingsChange>,
) -> Response {
    let changed = change.resolve().map_err(senseless).and_then(|change| {
        app.catalog.change(&name, change)?;
        view(&app, &name)
    });
    match changed {
        Ok(view) => Json(view).into_response(),
        Err(failure) => failure.into_json(),
    }
}

/// Removes a camera and ends its viewers' streams.
#[utoipa::path(delete, path = "/api/v1/cameras/{name}", tag = "cameras",
    params(("name" = String, Path, description = "The camera's name")),
    responses(
        (status = 204, description = "The camera was removed"),
        (status = 404, description = "There is no camera of that name", body = Problem)))]
pub(super) async fn remove(State(app): State<App>, asker: Asker, Named(name): Named) -> Response {
    if !asker.sees(&name) {
        return Failure::no_camera(&name).into_json();
    }
    match app.catalog.remove(&name) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refused) => Failure::from(refused).into_json(),
    }
}

fn view(app: &App, name: &str) -> Result<CameraView, Failure> {
    let feed = app.catalog.hub().feed(name);
    feed.map(|feed| CameraView::of(&app.catalog, &feed))
        .ok_or_else(|| Failure::no_camera(name))
}

fn senseless(message: String) -> Failure {
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, message)
}

fn entry(app: &App, camera: NewCamera) -> Result<Entry, Failure> {
    check_name(&camera.name).map_err(|bad| senseless(bad.to_string()))?;
    let Ok(source) = camera.source.parse::<Source>();
    let scheme = app.catalog.registry().scheme(source.scheme());
    if scheme.is_some_and(|scheme| !scheme.remote) {
        return Err(Failure::new(
            StatusCode::FORBIDDEN,
            format!(
                "a `{}` camera can't be added over HTTP: put it into the configuration",
                source.scheme()
            ),
        ));
    }
    let size = camera.size.map(|text| text.parse::<Size>());
    let mut policy = Policy::default();
    if let Some(linger) = camera.linger {
        policy.linger = linger.parse().map_err(senseless)?;
    }
    Ok(Entry {
        request: Request {
            size: size.transpose().map_err(senseless)?,
            fps: camera.fps,
            quality: camera.quality,
            options: camera.options,
            ..Request::new(camera.name, source)
        },
        policy,
        record: recorder::Plan::default(),
    })
}
