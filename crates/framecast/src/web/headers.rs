//! What every answer tells browsers, whatever is in it.
//!
//! What does not belong here: what only pages say (`ui`), and what answers say of themselves, such as how long to keep them.

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, header},
};
use tower_http::set_header::SetResponseHeaderLayer;

/// What is said, unless the answer says it itself.
const SAID: [(HeaderName, &str); 2] = [
    // Nothing is taken for a page or a script that isn't called one.
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Addresses of cameras are nobody else's business.
    (header::REFERRER_POLICY, "same-origin"),
];

/// Adds them to all answers of `router`.
pub(super) fn on_all<S>(router: Router<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    SAID.into_iter().fold(router, |router, (name, value)| {
        let value = HeaderValue::from_static(value);
        router.layer(SetResponseHeaderLayer::if_not_present(name, value))
    })
}

/// Adds them to one answer that no router gives.
pub(super) fn on_one(headers: &mut HeaderMap) {
    for (name, value) in SAID {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The same for an answer that is written by hand.
pub(super) fn in_text() -> String {
    SAID.iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect()
}
