//! How failures are answered: one clear line, as text or as JSON.

use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::query::Senseless;
use crate::{catalog::Refused, hub::TooMany, recordings};

/// A failure on its way to the client.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// Seconds after which another try may help.
    retry_after: Option<u64>,
}

/// What the JSON interface answers when something went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What failed, and what to do about it.
    pub error: String,
}

impl Failure {
    /// A message may hold what the client said: it stays one line, whatever that was.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: on_one_line(message.into()),
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(2),
        }
    }

    /// Another try may help after so many seconds.
    pub(super) fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    pub(super) fn add_retry_after(&self, headers: &mut HeaderMap) {
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn no_camera(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("no camera is called `{name}`"),
        )
    }

    /// As the JSON interface tells it.
    pub(super) fn into_json(self) -> Response {
        let problem = Json(Problem {
            error: self.message.clone(),
        });
        let mut response = (self.status, problem).into_response();
        self.add_retry_after(response.headers_mut());
        response
    }
}

/// As a line of text.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (
            self.status,
            [(header::CACHE_CONTROL, "no-store")],
            format!("{}\n", self.message),
        )
            .into_response();
        self.add_retry_after(response.headers_mut());
        response
    }
}

/// The text with control characters as they are written in Rust.
fn on_one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut line = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

impl From<Senseless> for Failure {
    fn from(Senseless(why): Senseless) -> Self {
        Self::bad(why)
    }
}

impl From<TooMany> for Failure {
    fn from(error: TooMany) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let status = match refused {
            Refused::Unknown(_) => StatusCode::NOT_FOUND,
            Refused::Exists(_) | Refused::Recording(_) => StatusCode::CONFLICT,
            Refused::Camera(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, refused.to_string())
    }
}

impl From<recordings::Error> for Failure {
    fn from(error: recordings::Error) -> Self {
        let status = match error {
            recordings::Error::Unknown { .. } => StatusCode::NOT_FOUND,
            // A disk that is full or gone comes back.
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}
