//! How no is said: to people, to programs, and to scripts in a page.

use axum::{
    extract::OriginalUri,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{App, credentials, error::Failure, ui};
use crate::access::Why;

/// What the answer depends on.
#[derive(Debug)]
pub(super) struct Asked {
    /// Whether a person is led here, and not a program or a part of a page.
    pub(super) is_navigation: bool,
    /// Whether it is a browser that asks, which would show a window of its own for a name and a password.
    is_browser: bool,
    is_page: bool,
    is_json: bool,
    camera: Option<String>,
    /// The way to the login page from here, which brings back.
    login: String,
}

impl Asked {
    pub(super) fn of(parts: &Parts, camera: Option<&str>) -> Self {
        let (headers, uri) = (&parts.headers, &parts.uri);
        let original = parts.extensions.get::<OriginalUri>();
        let original = original.map_or(uri, |OriginalUri(original)| original);
        let is_navigation = is_navigation(&parts.method, headers);
        Self {
            is_navigation,
            is_browser: is_browser(headers),
            is_page: uri.path().ends_with('/'),
            is_json: uri.path().starts_with("/api/v1/"),
            camera: camera.map(str::to_owned),
            login: login(original, uri),
        }
    }

    fn say(&self, failure: Failure) -> Response {
        if self.is_json {
            failure.into_json()
        } else {
            failure.into_response()
        }
    }
}

/// Somebody who is not allowed.
pub(super) fn answer(app: &App, asked: &Asked, why: Why) -> Response {
    match why {
        Why::LogIn => unknown(
            asked,
            Failure::new(StatusCode::UNAUTHORIZED, "log in to see the cameras"),
        ),
        Why::Forbidden => asked.say(Failure::new(
            StatusCode::FORBIDDEN,
            "you are logged in, but not allowed to do this",
        )),
        // As if it were not there.
        Why::Hidden => match &asked.camera {
            Some(name) if asked.is_page => ui::missing(app, name),
            Some(name) => asked.say(Failure::no_camera(name)),
            None => asked.say(Failure::new(
                StatusCode::NOT_FOUND,
                "nothing is served here",
            )),
        },
    }
}

/// Somebody who did not say who they are, or said it wrong.
pub(super) fn unknown(asked: &Asked, failure: Failure) -> Response {
    let needs_login = failure.status == StatusCode::UNAUTHORIZED;
    if needs_login && asked.is_navigation {
        let mut response = Redirect::to(&asked.login).into_response();
        no_store(&mut response);
        return response;
    }
    let mut response = asked.say(failure);
    no_store(&mut response);
    if needs_login {
        // A scheme that browsers don't know: a page has a better way to ask than the window they would open.
        let challenge = if asked.is_browser {
            "Login realm=\"framecast\""
        } else {
            "Basic realm=\"framecast\", charset=\"UTF-8\""
        };
        let challenge = HeaderValue::from_static(challenge);
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn no_store(response: &mut Response) {
    let value = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, value);
}

fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let wants_page = match text(FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => text(header::ACCEPT).is_some_and(|accept| accept.contains("text/html")),
    };
    matches!(*method, Method::GET | Method::HEAD) && wants_page
}

fn is_browser(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT);
    headers.contains_key("sec-fetch-mode")
        || agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"))
}

/// The login page, relative to `original`: that holds behind a proxy that takes a prefix off. `uri` is the same without what
/// this server is nested under.
fn login(original: &Uri, uri: &Uri) -> String {
    let clean = credentials::without_token(uri);
    let next = clean.path_and_query().map_or("", |it| it.as_str());
    let next = next.trim_start_matches('/');
    let up = match original.path().rsplit_once('/') {
        // Nested, without the slash behind.
        Some((_, last)) if uri.path() == "/" && !last.is_empty() => format!("{last}/"),
        _ => "../".repeat(uri.path().matches('/').count().saturating_sub(1)),
    };
    let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
    format!("./{up}login?next={next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_login_is_relative_and_brings_back() {
        for (original, uri, meant) in [
            ("/", "/", "./login?next="),
            (
                "/cameras/door/",
                "/cameras/door/",
                "./../../login?next=cameras%2Fdoor%2F",
            ),
            ("/a?w=1&token=x", "/a?w=1&token=x", "./login?next=a%3Fw%3D1"),
            ("/video/stream", "/stream", "./login?next=stream"),
            ("/video", "/", "./video/login?next="),
            ("/video/", "/", "./login?next="),
            (
                "//evil.example/",
                "//evil.example/",
                "./../../login?next=evil%2Eexample%2F",
            ),
        ] {
            let way = login(&original.parse().unwrap(), &uri.parse().unwrap());
            assert_eq!(way, meant, "{original}");
        }
    }
}
