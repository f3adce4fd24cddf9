//! What stands around every request: who may call from another site, how large a body may be, what all answers say.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, Method, StatusCode, header},
};
use tower_http::{
    cors::{AllowOrigin, CorsLayer, ExposeHeaders},
    csrf::CsrfLayer,
    set_header::SetResponseHeaderLayer,
};
use tracing::warn;

use super::App;

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
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let same = authority.is_some() && authority == host.and_then(|host| host.to_str().ok());
    same || app
        .allow_origins
        .iter()
        .any(|allowed| allowed == "*" || allowed == origin)
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
        .allow_headers([header::CONTENT_TYPE])
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
