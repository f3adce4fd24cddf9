//! Frames that a client sends to a `push` camera: `POST /cameras/NAME/push`.
//!
//! One JPEG, an endless multipart body, or JPEGs end to end: whatever the body turns out to be. One sender at a time; what
//! it sends too fast or too large ends its request with a 4xx and concerns nobody else.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use framecast_camera::Frame;
use framecast_media::stream::Intake;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::{App, access::Asker, error::Failure, pace::LEAST};
use crate::drivers::push::Taken;

/// How long a sender may take to its next frame, or to the next [`LEAST`] bytes of one.
const SILENCE: Duration = Duration::from_secs(60);

/// Takes the frames of one request, and answers how many there were.
pub(super) async fn receive(
    State(app): State<App>,
    asker: Asker,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // A token may be revoked while its owner sends: that ends as if the sender had left.
    let sending = frames(&app, &name, &headers, body);
    let sent = tokio::select! {
        sent = sending => sent,
        () = asker.ended(&name) => Err(Failure::new(StatusCode::FORBIDDEN, "you may no longer send frames here")),
    };
    match sent {
        Ok(0) => failed(Failure::bad(
            "the body holds no JPEG: send one, several end to end, or multipart/x-mixed-replace",
        )),
        Ok(frames) => (StatusCode::OK, format!("{frames} frames\n")).into_response(),
        Err(failure) => failed(failure),
    }
}

/// The rest of the body is not read: the connection is of no more use.
fn failed(failure: Failure) -> Response {
    let mut response = failure.into_response();
    response.headers_mut().insert(
        header::CONNECTION,
        header::HeaderValue::from_static("close"),
    );
    response
}

async fn frames(app: &App, name: &str, headers: &HeaderMap, body: Body) -> Result<u64, Failure> {
    let (port, feed) = match (app.catalog.port(name), app.catalog.hub().feed(name)) {
        (Some(port), Some(feed)) => (port, feed),
        (None, Some(_)) => {
            return Err(Failure::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("camera `{name}` takes no frames: its source is not `push`"),
            ));
        }
        (_, None) => return Err(Failure::no_camera(name)),
    };
    let too_large = || {
        Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a frame may have {} bytes at most", app.limits.frame_bytes),
        )
    };
    let taken = |taken: Taken| Failure::new(StatusCode::CONFLICT, taken.to_string());
    let sender = port.sender().map_err(taken)?;
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if content_type == Some("image/jpeg")
        && body.size_hint().lower() > app.limits.frame_bytes as u64
    {
        return Err(too_large());
    }
    let mut intake = Intake::new(content_type, app.limits.frame_bytes);
    let mut frames = 0;
    let mut chunks = body.into_data_stream();
    let mut deadline = Instant::now() + SILENCE;
    let mut since_then = 0;
    loop {
        let chunk = tokio::select! {
            () = feed.gone() => {
                return Err(Failure::new(StatusCode::GONE, "the camera was removed"));
            }
            chunk = timeout_at(deadline, chunks.next()) => chunk,
        };
        let silent = |_| {
            let why = format!("neither a frame nor {LEAST} bytes of one came within a minute");
            Failure::new(StatusCode::REQUEST_TIMEOUT, why)
        };
        let before = frames;
        let last = match chunk.map_err(silent)? {
            Some(Ok(bytes)) => {
                sender.is_heard().map_err(taken)?;
                since_then += bytes.len();
                intake.push(&bytes);
                false
            }
            Some(Err(error)) => return Err(Failure::bad(format!("the body broke off: {error}"))),
            None => true,
        };
        loop {
            let next = match intake.next() {
                Ok(next) => next,
                Err(framecast_media::stream::Error::TooLarge(_)) => return Err(too_large()),
                Err(error) => return Err(Failure::bad(error.to_string())),
            };
            let Some(jpeg) = next else { break };
            if !sender.may_send(app.limits.push_rate) {
                return Err(Failure::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    format!("more than {} frames a second", app.limits.push_rate),
                ));
            }
            sender.send(Frame::jpeg(jpeg));
            frames += 1;
        }
        if frames > before || since_then >= LEAST {
            deadline = Instant::now() + SILENCE;
            since_then = 0;
        }
        if last {
            if let Some(jpeg) = intake.finish() {
                sender.send(Frame::jpeg(jpeg));
                frames += 1;
            }
            return Ok(frames);
        }
    }
}
