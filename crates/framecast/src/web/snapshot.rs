//! One picture of a camera.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::{
    body::Bytes,
    extract::Path,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use framecast_camera::{Captured, Size};
use tokio::sync::SemaphorePermit;

use super::{error::Failure, viewer::Viewer};
use crate::{
    hub::{Feed, Frame},
    playback::{Moment, still},
    sinks::snapshot::{self, Missing},
};

/// `/cameras/NAME/snapshot.jpg`
pub(super) async fn of_camera(
    viewer: Viewer,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let feed = viewer.feed(&name)?;
    match viewer.asked.moment()? {
        Some(moment) => recorded(&viewer, &name, moment).await,
        None => respond(&viewer, &feed).await,
    }
}

/// The picture that was recorded at a moment, or 404 with the reason why there is none.
async fn recorded(viewer: &Viewer, name: &str, moment: Moment) -> Result<Response, Failure> {
    let _place = place(viewer)?;
    let (variant, time) = (viewer.asked.variant()?, moment.resolve(SystemTime::now()));
    let still = still(viewer.app.sessions.recordings(), name, time, variant).await?;
    let picture = Picture {
        jpeg: still.jpeg,
        captured: still.captured,
        size: still.size,
        online: true,
    };
    Ok(picture.respond(StatusCode::OK))
}

/// A picture of `feed` as fresh as the viewer asked for, or 503 with a picture that says why there is none.
pub(super) async fn respond(viewer: &Viewer, feed: &Feed) -> Result<Response, Failure> {
    let _place = place(viewer)?;
    let (variant, wish) = (viewer.asked.variant()?, viewer.asked.wish()?);
    match snapshot::take(feed.subscribe_to(variant)?, wish).await {
        Ok(frame) => Ok(Picture::of(&frame).respond(StatusCode::OK)),
        Err(Missing {
            stand_in: Some(frame),
            ..
        }) => Ok(Picture::of(&frame).respond(StatusCode::SERVICE_UNAVAILABLE)),
        Err(Missing { reason, .. }) => Err(Failure::new(StatusCode::GATEWAY_TIMEOUT, reason)),
    }
}

/// Only so many wait at a time.
fn place(viewer: &Viewer) -> Result<SemaphorePermit<'_>, Failure> {
    viewer.app.waiting.try_acquire().map_err(|_| {
        Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many snapshots are being waited for: try again in a moment",
        )
    })
}

/// A picture on its way out.
struct Picture {
    jpeg: Bytes,
    captured: Captured,
    size: Size,
    online: bool,
}

impl Picture {
    fn of(frame: &Frame) -> Self {
        Self {
            jpeg: frame.jpeg.clone(),
            captured: frame.captured,
            size: frame.size,
            online: frame.is_live(),
        }
    }

    fn respond(self, status: StatusCode) -> Response {
        let wall = self.captured.wall;
        let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let age = self.captured.age(Instant::now());
        let named = |name, value| (HeaderName::from_static(name), value);
        (
            status,
            [
                (header::CONTENT_TYPE, "image/jpeg".to_owned()),
                (header::CACHE_CONTROL, "no-store, no-transform".to_owned()),
                named(
                    "x-timestamp",
                    format!("{}.{:06}", since.as_secs(), since.subsec_micros()),
                ),
                named("x-framecast-age", format!("{:.3}", age.as_secs_f64())),
                named("x-framecast-online", self.online.to_string()),
                named("x-framecast-size", self.size.to_string()),
            ],
            self.jpeg,
        )
            .into_response()
    }
}
