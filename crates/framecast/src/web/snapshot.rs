//! One picture of a camera.

use std::time::{Instant, UNIX_EPOCH};

use axum::{
    extract::Path,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{error::Failure, viewer::Viewer};
use crate::{
    hub::{Feed, Frame},
    sinks::snapshot::{self, Missing},
};

/// `/cameras/NAME/snapshot.jpg`
pub(super) async fn of_camera(
    viewer: Viewer,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    respond(&viewer, &viewer.feed(&name)?).await
}

/// A picture of `feed` as fresh as the viewer asked for, or 503 with a picture that says why there is none.
pub(super) async fn respond(viewer: &Viewer, feed: &Feed) -> Result<Response, Failure> {
    let Ok(_place) = viewer.app.waiting.try_acquire() else {
        return Err(Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many snapshots are being waited for: try again in a moment",
        ));
    };
    let (variant, wish) = (viewer.asked.variant()?, viewer.asked.wish()?);
    match snapshot::take(feed.subscribe_to(variant)?, wish).await {
        Ok(frame) => Ok(picture(StatusCode::OK, &frame)),
        Err(Missing {
            stand_in: Some(frame),
            ..
        }) => Ok(picture(StatusCode::SERVICE_UNAVAILABLE, &frame)),
        Err(Missing { reason, .. }) => Err(Failure::new(StatusCode::GATEWAY_TIMEOUT, reason)),
    }
}

fn picture(status: StatusCode, frame: &Frame) -> Response {
    let captured = frame
        .captured
        .wall
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let named = |name, value| (HeaderName::from_static(name), value);
    (
        status,
        [
            (header::CONTENT_TYPE, "image/jpeg".to_owned()),
            (header::CACHE_CONTROL, "no-store, no-transform".to_owned()),
            named(
                "x-timestamp",
                format!("{}.{:06}", captured.as_secs(), captured.subsec_micros()),
            ),
            named(
                "x-framecast-age",
                format!("{:.3}", frame.age(Instant::now()).as_secs_f64()),
            ),
            named("x-framecast-online", frame.is_live().to_string()),
            named("x-framecast-size", frame.size.to_string()),
        ],
        frame.jpeg.clone(),
    )
        .into_response()
}
