//! Logging in and out with a browser, and the address with a token that does so at once.

use axum::{
    body::Bytes,
    extract::{Extension, FromRequest, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use tracing::info;
use url::form_urlencoded;

use super::{
    App, access, credentials,
    error::Failure,
    guard, pace,
    pages::{self, Login},
    peer::Client,
    ui,
};
use crate::access::{Identity, Offered, SESSION_LASTS, Secret, is_token};

/// What the form says.
#[derive(Default)]
struct Form {
    name: String,
    password: String,
    next: String,
}

impl Form {
    fn read(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (key, value) in form_urlencoded::parse(body) {
            match &*key {
                "name" => form.name = value.into_owned(),
                "password" => form.password = value.into_owned(),
                "next" => form.next = value.into_owned(),
                _ => {}
            }
        }
        form
    }
}

/// `GET /login`
pub(super) async fn form(
    State(app): State<App>,
    Query(asked): Query<Vec<(String, String)>>,
) -> Response {
    if !app.access.rules().required {
        return Redirect::to("./").into_response();
    }
    let next = asked.iter().find(|(key, _)| key == "next");
    page(
        &app,
        StatusCode::OK,
        next.map_or("", |(_, next)| next),
        None,
    )
}

/// `POST /login`
pub(super) async fn log_in(
    State(app): State<App>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    // Else a page of another site could log its visitors in as somebody whom it chooses, and see what they do then.
    if guard::is_same_origin(&headers) == Some(false) {
        return elsewhere();
    }
    let body = match pace::in_time(Bytes::from_request(request, &app)).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) => return rejection.into_response(),
        Err(failure) => return failure.into_response(),
    };
    let form = Form::read(&body);
    let secret = Secret::new(form.password);
    let offered = if is_token(secret.expose()) || form.name.is_empty() {
        Offered::Token(secret)
    } else {
        Offered::Password {
            name: form.name,
            password: secret,
        }
    };
    match access::identify(&app.access, offered, client).await {
        Ok(identity) => begin(
            &app,
            &identity,
            client,
            &format!("./{}", inside(&form.next)),
        ),
        Err(failure) => {
            // A 401 would have to say how to log in by a header, and this is the way by a page.
            let status = match failure.status {
                StatusCode::UNAUTHORIZED => StatusCode::FORBIDDEN,
                status => status,
            };
            page(&app, status, &form.next, Some(&failure))
        }
    }
}

/// `POST /logout`
pub(super) async fn log_out(
    State(app): State<App>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
) -> Response {
    if guard::is_same_origin(&headers) == Some(false) {
        return elsewhere();
    }
    if let Some(cookie) = access::session(&app.access, &headers)
        && let Some(who) = app.access.log_out(&cookie)
    {
        info!(target: "audit", who, from = access::shown(client.from), action = "log out", result = "done", "logged out");
    }
    let mut response = Redirect::to("./login").into_response();
    set_cookie(&mut response, &app, client, "", 0);
    response
}

/// Leads a browser that came with a token to the same address without it, with a cookie in its place.
pub(super) fn keep(app: &App, identity: &Identity, client: Client, uri: &Uri) -> Response {
    let clean = credentials::without_token(uri);
    // Only the last part of the path, so that it holds under any prefix.
    let clean = clean.path_and_query().map_or("", |it| it.as_str());
    let (path, query) = clean
        .split_once('?')
        .map_or((clean, None), |(p, q)| (p, Some(q)));
    let last = path.rsplit('/').next().unwrap_or_default();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    begin(app, identity, client, &format!("./{last}{query}"))
}

fn begin(app: &App, identity: &Identity, client: Client, to: &str) -> Response {
    info!(target: "audit", who = %identity.who, from = access::shown(client.from), action = "log in", result = "done", "logged in");
    let mut response = Redirect::to(to).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    if let Some(cookie) = app.access.log_in(identity, std::time::SystemTime::now()) {
        set_cookie(
            &mut response,
            app,
            client,
            cookie.expose(),
            SESSION_LASTS.as_secs(),
        );
    }
    response
}

fn set_cookie(response: &mut Response, app: &App, client: Client, value: &str, seconds: u64) {
    let name = app.access.cookie_name();
    let secure = if client.is_encrypted { "; Secure" } else { "" };
    let cookie =
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn page(app: &App, status: StatusCode, next: &str, fault: Option<&Failure>) -> Response {
    let login = Login {
        next: inside(next),
        has_users: !app.access.rules().users.is_empty(),
        fault: fault.map(|failure| failure.message.as_str()),
    };
    let mut response = ui::page_for_itself(pages::login(&login).into_string());
    if let Some(failure) = fault {
        failure.add_retry_after(response.headers_mut());
    }
    (status, response).into_response()
}

/// An address of this server below its base, or its base if it is anything else.
fn inside(next: &str) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/?&=%+,@!".contains(c);
    let path = next.split('?').next().unwrap_or_default();
    let is_inside = next.chars().all(is_plain)
        && !next.starts_with('/')
        && !path.split('/').any(|segment| segment == "..")
        && !path.to_ascii_lowercase().contains("%2");
    if is_inside { next } else { "" }
}

fn elsewhere() -> Response {
    Failure::new(
        StatusCode::FORBIDDEN,
        "logging in and out is for this server's own pages",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    #[test]
    fn a_login_leads_back_to_where_it_came_from() {
        for next in [
            "",
            "cameras/door/",
            "cameras/door/stream.mjpg?width=320&n=1",
        ] {
            assert_eq!(inside(next), next);
        }
        for next in [
            "//evil.example",
            "https://evil.example",
            "/evil",
            "../x",
            "a/../../x",
            "a/%2e%2e/x",
            "javascript:alert(1)",
            "\\\\evil.example",
            "a\nb",
        ] {
            assert_eq!(inside(next), "", "{next}");
        }
    }

    proptest! {
        #[test]
        fn a_login_never_leads_to_another_place(next in "[ -~]{0,30}") {
            let base = Url::parse("http://cams.example/video/login").unwrap();
            let to = base.join(&format!("./{}", inside(&next))).unwrap();
            prop_assert_eq!(to.host_str(), Some("cams.example"));
            prop_assert!(to.path().starts_with("/video/"), "{}", to);
        }
    }
}
