//! Who asks, and whether they may: what stands before every address. The answer itself is `crate::access`'s.
//!
//! What does not belong here: the words in which no is said (`denied`), and logging in (`login`).

use std::{
    fmt::Display,
    sync::{Arc, OnceLock},
};

use axum::{
    extract::{FromRequestParts, OriginalUri, RawPathParams, Request},
    http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::Response,
};
use tracing::info;

use super::{
    App,
    credentials::{self, By},
    denied::{self, Asked},
    error::Failure,
    guard, lasting, login,
    peer::Client,
    routes::Needs,
};
use crate::access::{
    Access, Action, Asking, Decision, Identity, Link, Offered, Refused, Secret, Why,
};

/// Somebody who uses an address and may.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    access: Access,
    identity: Identity,
    /// How it is known who it is.
    by: By,
    /// What the address is for.
    action: Action,
    /// The camera that the handler found.
    found: Arc<OnceLock<String>>,
}

impl Asker {
    /// Whether they may do something to a camera, and if not, whether they may know of it.
    pub(super) fn decide(&self, action: Action, camera: &str) -> Decision {
        self.access.decide(&self.identity, action, Some(camera))
    }

    /// Whether there is such a camera for them.
    pub(super) fn sees(&self, camera: &str) -> bool {
        self.decide(Action::See, camera) == Decision::Allow
    }

    /// Whether they may do to a camera what the address is for; it is the one that the answer is about then.
    pub(super) fn finds(&self, camera: &str) -> bool {
        let may = self.decide(self.aim(), camera) == Decision::Allow;
        if may {
            let _first = self.found.set(camera.to_owned());
        }
        may
    }

    /// Whether what was allowed still is.
    pub(super) fn still_may(&self, action: Action, camera: Option<&str>) -> bool {
        let asking = self.asking(action, camera.map(str::to_owned));
        self.access
            .still_allows(&asking, std::time::SystemTime::now())
    }

    /// Waits until they may no longer do to a camera what the address is for.
    pub(super) async fn ended(&self, camera: &str) {
        self.access
            .ended(&self.asking(self.aim(), Some(camera.to_owned())))
            .await;
    }

    /// What the address does to a camera. The pages for people have those of other servers behind a parameter.
    fn aim(&self) -> Action {
        if self.action.is_of_camera() {
            self.action
        } else {
            Action::Stream
        }
    }

    /// Signs an address for others.
    pub(super) fn sign(&self, link: &Link) -> String {
        self.access.sign(link)
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether it is a browser that logged in, and can log out.
    pub(super) fn has_session(&self) -> bool {
        self.by == By::Cookie && self.access.rules().required
    }

    fn asking(&self, action: Action, camera: Option<String>) -> Asking {
        Asking {
            identity: self.identity.clone(),
            action,
            camera,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        // Not there for addresses that need nothing: their handlers must not ask.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Failure::new(StatusCode::FORBIDDEN, "it is not known who asks"))
    }
}

/// Lets a request pass if its sender may, and says no otherwise.
pub(super) async fn check(app: App, needs: Needs, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let rules = app.access.rules();
    let client = Client::of(&parts.extensions, &parts.headers, &rules.trusted_proxies);
    parts.extensions.insert(client);
    let action = match needs {
        Needs::Nothing => return next.run(Request::from_parts(parts, body)).await,
        Needs::Server(action) | Needs::Named(action) | Needs::Found(action) => action,
    };
    let named = match needs {
        Needs::Named(_) => Some(name(&mut parts).await),
        _ => None,
    };
    let asked = Asked::of(&parts, named.as_deref());
    let known = who(&app, &parts, client, action, named.as_deref()).await;
    let (identity, by) = match known {
        Ok(known) => known,
        Err(failure) => return denied::unknown(&asked, failure),
    };
    if by == By::Address && asked.is_navigation {
        return login::keep(&app, &identity, client, &parts.uri);
    }
    let decision = match needs {
        // The handler asks again, once it knows which.
        Needs::Found(_) => app.access.decide(&identity, Action::Browse, None),
        _ => app.access.decide(&identity, action, named.as_deref()),
    };
    let changes = !parts.method.is_safe() && action != Action::Browse && action != Action::Stream;
    if let Decision::Deny(why) = decision {
        if changes && why != Why::LogIn {
            audit(&identity, action, named.as_deref(), &"denied");
        }
        return denied::answer(&app, &asked, why);
    }
    let asker = Asker {
        access: app.access.clone(),
        identity,
        by,
        action,
        found: Arc::default(),
    };
    if by == By::Address {
        parts.uri = credentials::without_token(&parts.uri);
        if let Some(OriginalUri(original)) = parts.extensions.get_mut() {
            *original = credentials::without_token(original);
        }
    }
    parts.extensions.insert(asker.clone());
    let response = next.run(Request::from_parts(parts, body)).await;
    let camera = named.or_else(|| asker.found.get().cloned());
    if changes {
        let status = response.status();
        audit(&asker.identity, action, camera.as_deref(), &status.as_u16());
    }
    match camera {
        Some(camera) => lasting::until(response, async move { asker.ended(&camera).await }),
        None => response,
    }
}

/// The camera in the path.
async fn name(parts: &mut Parts) -> String {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok();
    let name = params.as_ref().and_then(|params| {
        let mut params = params.iter();
        params.find(|(key, _)| *key == "name").map(|(_, name)| name)
    });
    name.unwrap_or_default().to_owned()
}

/// Who sends a request.
async fn who(
    app: &App,
    parts: &Parts,
    client: Client,
    action: Action,
    named: Option<&str>,
) -> Result<(Identity, By), Failure> {
    let access = &app.access;
    if let Some(camera) = named
        && action.is_for_links()
        && access.rules().required
        && let Some((until, signature)) = signature(&parts.uri)
    {
        let link = access.link(camera, action, &until, &signature, client.from);
        return link
            .map(|identity| (identity, By::Nothing))
            .map_err(|error| Failure::new(StatusCode::FORBIDDEN, error.to_string()));
    }
    let (headers, method) = (&parts.headers, &parts.method);
    let cookie = access.cookie_name();
    let (mut offered, mut by) = credentials::offered(headers, method, &parts.uri, &cookie);
    // A browser sends its cookie whoever leads it here.
    if by == By::Cookie && !cookie_counts(app, headers, method) {
        (offered, by) = (Offered::Nothing, By::Nothing);
    }
    let identity = identify(access, offered, client).await?;
    Ok((identity, by))
}

/// Finds out who somebody is, and notes it where that fails.
pub(super) async fn identify(
    access: &Access,
    offered: Offered,
    client: Client,
) -> Result<Identity, Failure> {
    let user = match &offered {
        // Not what was typed: many a password has been typed in the place of a name.
        Offered::Password { name, .. } if access.rules().users.contains_key(name) => name.clone(),
        Offered::Password { .. } => "unknown".to_owned(),
        _ => "token".to_owned(),
    };
    let identified = access.identify(offered, client.from, client.is_local).await;
    identified.map_err(|refused| match refused {
        Refused::Wrong => {
            info!(target: "audit", who = user, from = shown(client.from), action = "log in", result = "wrong", "login failed");
            Failure::new(StatusCode::UNAUTHORIZED, "the name, password or token is wrong")
        }
        Refused::TooSoon(wait) => {
            let seconds = wait.as_secs() + 1;
            let message = format!("too many failed logins: try again in {seconds} seconds");
            Failure::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(seconds)
        }
        Refused::Busy => Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many are logging in: try again in a moment",
        ),
    })
}

/// Whether a cookie says who sends the request, and not only whose browser it is.
fn cookie_counts(app: &App, headers: &HeaderMap, method: &Method) -> bool {
    if headers.contains_key(header::UPGRADE) {
        // Only sites that are named; `*` lets all look who say themselves who they are.
        let origin = headers.get(header::ORIGIN).and_then(|it| it.to_str().ok());
        let named = |origin| app.allow_origins.iter().any(|allowed| allowed == origin);
        return guard::is_same_origin(headers) == Some(true) || origin.is_some_and(named);
    }
    method.is_safe() || guard::is_same_origin(headers) == Some(true)
}

/// `until` and `signature` of a signed address.
fn signature(uri: &Uri) -> Option<(String, String)> {
    let pairs = url::form_urlencoded::parse(uri.query()?.as_bytes());
    let (mut until, mut signature) = (String::new(), None);
    for (name, value) in pairs {
        match &*name {
            "until" => until = value.into_owned(),
            "signature" => signature = Some(value.into_owned()),
            _ => {}
        }
    }
    Some((until, signature?))
}

/// Notes what somebody did, or tried to.
pub(super) fn audit(
    identity: &Identity,
    action: impl Display,
    camera: Option<&str>,
    result: &dyn Display,
) {
    info!(
        target: "audit",
        who = %identity.who,
        from = shown(identity.from),
        action = %action,
        camera = camera.map(|camera| camera.chars().take(64).collect::<String>()),
        result = %result,
        "audit"
    );
}

pub(super) fn shown(from: Option<std::net::IpAddr>) -> String {
    from.map_or_else(|| "unknown".to_owned(), |from| from.to_string())
}

/// The cookie that a request has for this server.
pub(super) fn session(access: &Access, headers: &HeaderMap) -> Option<Secret> {
    credentials::cookie_in(headers, &access.cookie_name())
}
