//! Tells browsers to come encrypted only from now on (RFC 6797), where that is safe.
//!
//! A browser that was told so refuses every other way to that name for as long as it was told, whatever server is there then, and
//! no longer lets a certificate pass that it can't verify. So addresses and names of a local network, which pass from one machine
//! to another, are never told.

use std::time::Duration;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};

use super::{Peer, guard, host};

/// Tells it to those who came encrypted, by a public name. To be put inside of [`called_by`](super::called_by).
pub fn insist(router: Router, max_age: Duration) -> Router {
    let value = HeaderValue::from_str(&format!("max-age={}", max_age.as_secs()));
    match value {
        Ok(value) => router.layer(middleware::from_fn_with_state(value, tell)),
        Err(_) => router,
    }
}

async fn tell(State(value): State<HeaderValue>, request: Request, next: Next) -> Response {
    let encrypted = request.extensions().get::<Peer>().is_some_and(|it| it.tls);
    // That it is one of the server's own was asked before.
    let everything = ["*".to_owned()];
    let named = guard::own_name(&request, &everything);
    let told = encrypted && named.is_ok_and(|named| !host::is_local(named));
    let mut response = next.run(request).await;
    if told {
        response
            .headers_mut()
            .insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}
