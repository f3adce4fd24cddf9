//! What the JSON interface reads of a request: a camera's name, and a body, with its failures as JSON.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, request::Parts},
    response::Response,
};
use serde::de::DeserializeOwned;

use super::{
    super::{error::Failure, pace},
    object::Object,
};

/// The camera's name in the address.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            // Not UTF-8, which no camera's name is.
            Err(_) => Err(Failure::no_camera(parts.uri.path()).into_json()),
        }
    }
}

/// The names of a camera and of what is its in the address: a session, an export.
pub(super) struct NamedBoth(pub(super) String, pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for NamedBoth {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path((camera, other))) => Ok(Self(camera, other)),
            // Not UTF-8, which neither is.
            Err(_) => Err(Failure::no_camera(parts.uri.path()).into_json()),
        }
    }
}

/// A JSON object that a client sent.
pub(super) struct Said<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Said<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let read = Json::<Object<T>>::from_request(request, state);
        match in_time(read).await? {
            Ok(Json(Object(said))) => Ok(Self(said)),
            Err(rejection) => Err(refused(rejection.status(), rejection.body_text())),
        }
    }
}

/// A JSON object that a client sent, or an empty body.
pub(super) struct SaidIfAny<T>(pub(super) Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for SaidIfAny<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let body = match in_time(Bytes::from_request(request, state)).await? {
            Ok(body) if body.is_empty() => return Ok(Self(None)),
            Ok(body) => body,
            Err(rejection) => return Err(refused(rejection.status(), rejection.body_text())),
        };
        match Json::<Object<T>>::from_bytes(&body) {
            Ok(Json(Object(said))) => Ok(Self(Some(said))),
            Err(rejection) => Err(refused(rejection.status(), rejection.body_text())),
        }
    }
}

async fn in_time<T>(read: impl Future<Output = T>) -> Result<T, Response> {
    let read = pace::in_time(read).await;
    read.map_err(Failure::into_json)
}

fn refused(status: StatusCode, why: String) -> Response {
    Failure::new(status, why).into_json()
}
