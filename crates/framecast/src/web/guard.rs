//! What stands around every request: who may call from another site, how large a body may be, what all answers say.

use std::{net::Ipv4Addr, sync::Arc};

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
    set_header::SetResponseHeaderLayer,
};
use tracing::warn;

use super::{App, error::Failure};

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
    routes
        .layer(DefaultBodyLimit::max(MOST_JSON))
        // A page on another site can make a browser send requests here, but not change anything.
        .layer(csrf)
        .layer(cors(&app.allow_origins))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
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
    let origin = origin.to_str().ok();
    let authority = origin.and_then(|origin| Some(origin.split_once("://")?.1));
    authority.is_some() && authority == host.and_then(|host| host.to_str().ok())
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

/// Refuses requests that call the server by a name which is not its own.
///
/// A web site can point its own name at this machine (DNS rebinding): to the browser its page and this server are then one
/// site. Addresses can't be pointed elsewhere, nor can names that public DNS does not know; other names must be in `hosts`.
pub fn called_by(router: Router, hosts: &[String]) -> Router {
    if hosts.iter().any(|host| host == "*") {
        return router;
    }
    let hosts: Arc<[String]> = hosts.into();
    router.layer(middleware::from_fn_with_state(hosts, check_name))
}

async fn check_name(State(hosts): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST);
    let named = named.map_or(Ok(""), |value| value.to_str());
    match named {
        Ok(named) if is_own_name(named, &hosts) => next.run(request).await,
        _ => Failure::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this server does not answer to that host name: add it to `allow_hosts` (or --allow-host), or use its address",
        )
        .into_response(),
    }
}

/// Whether `named`, a `Host` header, is an address, a name that public DNS does not know, or one of `hosts`.
fn is_own_name(named: &str, hosts: &[String]) -> bool {
    /// Top-level names that are not delegated: RFC 6761, RFC 6762, RFC 8375, and ICANN's and routers' own.
    const PRIVATE: [&str; 5] = ["localhost", "local", "lan", "internal", "home.arpa"];
    if named.starts_with('[') {
        // Only an IPv6 address has brackets.
        return true;
    }
    let name = named.rsplit_once(':').map_or(named, |(name, _port)| name);
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let private = |suffix: &&str| {
        name.strip_suffix(*suffix)
            .is_some_and(|front| front.is_empty() || front.ends_with('.'))
    };
    !name.contains('.')
        || name.parse::<Ipv4Addr>().is_ok()
        || PRIVATE.iter().any(private)
        || hosts.contains(&name)
}

/// The answer to a connection for which there is no room.
pub(super) fn too_many_connections() -> String {
    let body = "too many connections: try again in a moment\n";
    format!(
        "HTTP/1.1 {} Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
         Retry-After: 5\r\nConnection: close\r\n\r\n{body}",
        StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_of_local_networks_are_its_own() {
        for named in [
            "",
            "127.0.0.1:5000",
            "192.168.1.7",
            "[::1]:5000",
            "localhost:5000",
            "octopi",
            "camera.local:80",
            "Camera.LAN.",
            "a.b.home.arpa",
        ] {
            assert!(is_own_name(named, &[]), "{named}");
        }
    }

    #[test]
    fn a_public_name_is_its_own_only_if_it_is_listed() {
        let hosts = ["cams.example.org".to_owned()];
        assert!(is_own_name("cams.example.org:443", &hosts));
        assert!(is_own_name("CAMS.example.org", &hosts));
        for named in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:5000",
            "evillocal.example",
            "xcams.example.org",
            "evil.notlocal",
            "1.2.3",
        ] {
            assert!(!is_own_name(named, &hosts), "{named}");
        }
    }
}
