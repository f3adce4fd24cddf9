//! Somebody who asks for pictures: what every address of a stream or a snapshot needs to know of a request.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, request::Parts},
};

use super::{App, access::Asker, error::Failure, query::Asked, takeover::Offer};
use crate::hub::Feed;

/// A request for pictures.
#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) app: App,
    pub(super) asked: Asked,
    pub(super) asker: Asker,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// Whether a stream may have the connection to itself.
    pub(super) offer: Option<Offer>,
}

impl Viewer {
    /// The camera of that name, if there is one for this viewer.
    pub(super) fn feed(&self, name: &str) -> Result<Feed, Failure> {
        self.app
            .catalog
            .hub()
            .feed(name)
            .filter(|_| self.asker.finds(name))
            .ok_or_else(|| Failure::no_camera(name))
    }

    /// The cameras there are for this viewer, in their order.
    pub(super) fn feeds(&self) -> impl Iterator<Item = Feed> {
        let feeds = self.app.catalog.hub().feeds().into_iter();
        feeds.filter(|feed| self.asker.sees(feed.name()))
    }
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        Ok(Self {
            asked: Asked::of(parts.uri.query().unwrap_or_default()),
            asker: Asker::from_request_parts(parts, app).await?,
            app: app.clone(),
            method: parts.method.clone(),
            headers: parts.headers.clone(),
            offer: parts.extensions.get().copied(),
        })
    }
}
