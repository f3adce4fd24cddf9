//! A camera's endless Motion JPEG stream.

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderName, HeaderValue, Method, Version, header},
    response::{IntoResponse, Response},
};

use super::{dialect, error::Failure, playback, takeover, viewer::Viewer};
use crate::{
    hub::Feed,
    sinks::mjpeg::{self, Dialect, Parts},
};

/// `/cameras/NAME/stream.mjpg`
pub(super) async fn of_camera(
    viewer: Viewer,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let live = viewer.feed(&name)?;
    let Some(session) = playback::session(&viewer, &live).await? else {
        return respond(&viewer, &live);
    };
    let mut response = respond(&viewer, session.feed())?;
    if let Ok(id) = HeaderValue::from_str(session.status().id.as_str()) {
        let name = HeaderName::from_static("x-framecast-session");
        response.headers_mut().insert(name, id);
    }
    Ok(response)
}

/// The stream of `feed` as the viewer asked for it and can read it.
pub(super) fn respond(viewer: &Viewer, feed: &Feed) -> Result<Response, Failure> {
    let asked = &viewer.asked;
    let dialect = match asked.dialect()? {
        Some(forced) => forced,
        // What ustreamer calls it.
        None if asked.is_on("advance_headers") => Dialect::Browser,
        None => dialect::of(&viewer.headers),
    };
    let (variant, fps, adaptive) = (asked.variant()?, asked.fps()?, asked.adaptive()?);
    let mut response = (
        [
            (header::CONTENT_TYPE, mjpeg::CONTENT_TYPE),
            (header::CACHE_CONTROL, "no-store, no-transform"),
            (HeaderName::from_static("x-accel-buffering"), "no"),
        ],
        Body::empty(),
    )
        .into_response();
    // Ends with the connection, without chunks: many a small program reads the parts right off the socket.
    *response.version_mut() = Version::HTTP_10;
    if viewer.method != Method::HEAD {
        let parts = if adaptive {
            Parts::adaptive(feed.clone(), variant, fps, dialect)?
        } else {
            Parts::new(feed.subscribe_to(variant)?.at_most(fps), dialect)
        };
        takeover::carry(parts, viewer.offer, &mut response);
    }
    Ok(response)
}
