//! What the JSON interface reads of a request: a camera's name, and a body, with its failures as JSON.

use std::time::Duration;

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{StatusCode, request::Parts},
    response::Response,
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::{super::error::Failure, object::Object};

/// How long the whole body may take. Bytes now and then don't help: a body is small, and its sender has it already.
const BODY_TIME: Duration = Duration::from_secs(10);

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

/// A JSON object that a client sent.
pub(super) struct Said<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Said<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let read = Json::<Object<T>>::from_request(request, state);
        let failure = match timeout(BODY_TIME, read).await {
            Ok(Ok(Json(Object(said)))) => return Ok(Self(said)),
            Ok(Err(rejection)) => Failure::new(rejection.status(), rejection.body_text()),
            Err(_) => Failure::new(
                StatusCode::REQUEST_TIMEOUT,
                format!(
                    "the body did not come within {} seconds",
                    BODY_TIME.as_secs()
                ),
            ),
        };
        Err(failure.into_json())
    }
}
