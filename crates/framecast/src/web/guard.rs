//! What stands around every request: who may call from another site, how large a body may be, what all answers say.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower_http::{
    cors::{AllowOrigin, CorsLayer, ExposeHeaders},
    csrf::CsrfLayer,
};
use tracing::warn;

use super::{App, error::Failure, headers, host};

/// The largest JSON body.
const MOST_JSON: usize = 64 * 1024;

pub(super) fn around(routes: Router<App>, app: &App) -> Router<App> {
    let mut csrf = CsrfLayer::new();
    for origin in app.allow_origins.iter().filter(|origin| *origin != "*") {
        csrf = match csrf.clone().add_trusted_origin(origin) {
            Ok(csrf) => csrf,
            Err(error) => {
                warn!("the allowed origin `{origin}` is left out: {error}");
                csrf
            }
        };
    }
    let guarded = routes
        .layer(DefaultBodyLimit::max(MOST_JSON))
        // A page on another site can make a browser send requests here, but not change anything.
        .layer(csrf)
        .layer(cors(&app.allow_origins));
    headers::on_all(guarded)
}

/// Whether a page from `origin` may read what the server says. Browsers leave it to the server to ask this of a WebSocket.
pub(super) fn may_read(
    app: &App,
    origin: Option<&HeaderValue>,
    host: Option<&HeaderValue>,
) -> bool {
    let Some(origin) = origin else {
        // No browser, or one that was not led here by another page.
        return true;
    };
    if is_own(origin, host) {
        return true;
    }
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    app.allow_origins
        .iter()
        .any(|allowed| allowed == "*" || allowed == origin)
}

/// Whether a browser sends this for one of the server's own pages; `None` if it doesn't look like a browser.
pub(super) fn is_same_origin(headers: &HeaderMap) -> Option<bool> {
    if let Some(site) = headers.get("sec-fetch-site") {
        return Some(site == "same-origin" || site == "none");
    }
    let origin = headers.get(header::ORIGIN)?;
    Some(is_own(origin, headers.get(header::HOST)))
}

fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let host = host.and_then(|host| host.to_str().ok());
    origin
        .to_str()
        .is_ok_and(|origin| host::is_same_site(origin, host))
}

fn cors(origins: &[String]) -> CorsLayer {
    let layer = CorsLayer::new().expose_headers(ExposeHeaders::any());
    if origins.iter().any(|origin| origin == "*") {
        // Everyone may look; only sites that are named may change something.
        return layer.allow_origin(AllowOrigin::any());
    }
    layer
        .allow_origin(AllowOrigin::list(
            origins.iter().filter_map(|origin| origin.parse().ok()),
        ))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION])
}

/// Refuses requests that call the server by a name which is neither its own nor in `hosts`: see the module `host`.
pub fn called_by(router: Router, hosts: &[String]) -> Router {
    let hosts: Arc<[String]> = hosts.into();
    headers::on_all(router.layer(middleware::from_fn_with_state(hosts, check_name)))
}

async fn check_name(State(hosts): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    match own_name(&request, &hosts) {
        Ok(_) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

/// The name and port by which a request calls the server, empty if it doesn't say; an error if it isn't one of its own.
pub(super) fn own_name<'r, B>(
    request: &'r axum::http::Request<B>,
    hosts: &[String],
) -> Result<&'r str, Failure> {
    let mut named = request.headers().get_all(header::HOST).iter();
    let first = named.next().map_or(Ok(""), |value| value.to_str());
    if named.next().is_some() {
        // RFC 9112 section 3.2: what stands before this server may have chosen by the other one.
        return Err(Failure::bad("the request has several `Host` headers"));
    }
    // Where the request's own address has a host, it counts in place of the header.
    let named = request
        .uri()
        .authority()
        .map_or(first, |it| Ok(it.as_str()));
    let all = hosts.iter().any(|host| host == "*");
    match named {
        Ok(named) if all || host::is_own(named, hosts) => Ok(named),
        _ => Err(Failure::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this server does not answer to that host name: add it to `allow_hosts` (or --allow-host), or use its address",
        )),
    }
}

/// The answer to a connection for which there is no room.
pub(super) fn too_many_connections() -> String {
    let body = "too many connections: try again in a moment\n";
    format!(
        "HTTP/1.1 {} Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
         Retry-After: 5\r\nConnection: close\r\n{}\r\n{body}",
        StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        body.len(),
        headers::in_text()
    )
}
