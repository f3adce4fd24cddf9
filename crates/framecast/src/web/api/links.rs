//! `/api/v1/cameras/{name}/links`: signed addresses for those who can't log in.

use std::time::{Duration, SystemTime};

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
        access::Asker,
        error::{Failure, Problem},
    },
    request::{Named, Said},
};
use crate::{
    access::{Action, Link},
    config::parse_duration,
};

/// How long an address counts if nothing is said.
const LASTS: Duration = Duration::from_secs(3600);

/// An address to be signed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// `stream`, `snapshot` or `push`; a stream if it is left out.
    #[schema(pattern = "^(stream|snapshot|push)$")]
    pub action: Option<String>,
    /// How long it counts: a time such as `10min`, a year at most; an hour if it is left out.
    pub lasts: Option<String>,
}

/// A signed address.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// The address, relative to the server's base.
    pub path: String,
    /// Until when it counts, in seconds since 1970.
    pub until: u64,
}

/// Signs an address that lets whoever has it do one thing with one camera for a while, without logging in.
#[utoipa::path(post, path = "/api/v1/cameras/{name}/links", tag = "access", request_body = NewLink,
    params(("name" = String, Path, description = "The camera's name")),
    responses(
        (status = 201, description = "The address", body = LinkView),
        (status = 400, description = "The body is no JSON", body = Problem),
        (status = 403, description = "One may see the camera, but not share it", body = Problem),
        (status = 404, description = "There is no camera of that name", body = Problem),
        (status = 408, description = "The body does not come", body = Problem),
        (status = 413, description = "The body is too large", body = Problem),
        (status = 415, description = "The body is not declared as JSON", body = Problem),
        (status = 422, description = "The action or the time can't be meant", body = Problem)))]
pub(super) async fn sign(
    State(app): State<App>,
    asker: Asker,
    Named(name): Named,
    Said(wanted): Said<NewLink>,
) -> Response {
    if app.catalog.hub().feed(&name).is_none() {
        return Failure::no_camera(&name).into_json();
    }
    match link(name, wanted) {
        Ok(link) => {
            let view = LinkView {
                path: asker.sign(&link),
                until: link.until,
            };
            (StatusCode::CREATED, Json(view)).into_response()
        }
        Err(failure) => failure.into_json(),
    }
}

fn link(camera: String, wanted: NewLink) -> Result<Link, Failure> {
    let senseless = |message| Failure::new(StatusCode::UNPROCESSABLE_ENTITY, message);
    let action = match wanted.action {
        Some(action) => action.parse().map_err(senseless)?,
        None => Action::Stream,
    };
    let lasts = match wanted.lasts {
        Some(lasts) => parse_duration(&lasts).map_err(senseless)?,
        None => LASTS,
    };
    Ok(Link::lasting(camera, action, lasts, SystemTime::now()))
}
