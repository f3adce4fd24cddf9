//! Who may use which address: every address of the router, tried by everyone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{net::IpAddr, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
    response::Response,
};
use framecast::{
    access::{Access, Action, Grant, Key, Role, Rules, Secret, Token},
    catalog::{Catalog, Entry},
    config::Limits,
    drivers::{self, Registry, push},
    hub::Policy,
    web::{self, App, Needs, Peer},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Least {
    /// Everyone, unasked.
    Everyone,
    /// Whoever may see any camera.
    Somebody,
    /// Whoever may see the camera.
    Viewer,
    /// Whoever may see all cameras.
    ViewerOfAll,
    /// Whoever may control the camera.
    Controller,
    /// Admins.
    Admin,
}

use Least::{Admin, Controller, Everyone, Somebody, Viewer, ViewerOfAll};

/// Every address there is, and who may use it. An address that is not here has not been thought about.
const TABLE: &[(&str, &str, Least)] = &[
    ("GET", "/", Somebody),
    ("GET", "/login", Everyone),
    ("POST", "/login", Everyone),
    ("POST", "/logout", Everyone),
    ("GET", "/cameras/{name}", Somebody),
    ("GET", "/cameras/{name}/", Viewer),
    ("GET", "/cameras/{name}/stream.mjpg", Viewer),
    ("GET", "/cameras/{name}/snapshot.jpg", Viewer),
    ("GET", "/cameras/{name}/export.mp4", Viewer),
    ("GET", "/cameras/{name}/export.zip", Viewer),
    ("POST", "/cameras/{name}/push", Controller),
    ("PUT", "/cameras/{name}/push", Controller),
    ("GET", "/ws", Somebody),
    ("GET", "/assets/{*path}", Everyone),
    ("GET", "/healthz", Everyone),
    ("GET", "/readyz", Everyone),
    ("GET", "/metrics", ViewerOfAll),
    ("GET", "/api/v1/openapi.json", Everyone),
    ("GET", "/video_feed", Viewer),
    ("GET", "/stream", Viewer),
    ("POST", "/stream", Viewer),
    ("GET", "/stream.mjpg", Viewer),
    ("GET", "/snapshot", Viewer),
    ("GET", "/snapshot.jpg", Viewer),
    ("GET", "/state", Viewer),
    ("GET", "/status", Viewer),
    ("GET", "/webcam/", Viewer),
    ("GET", "/{webcam}/", Viewer),
    ("GET", "/api/stream.mjpeg", Viewer),
    ("GET", "/api/frame.jpeg", Viewer),
    ("GET", "/{camera}/mjpg/stream", Viewer),
    ("GET", "/{camera}/static/stream", Viewer),
    ("GET", "/api/{camera}", Viewer),
    ("GET", "/api/{camera}/latest.jpg", Viewer),
    ("GET", "/api/v1/session", Somebody),
    ("GET", "/api/v1/cameras", Somebody),
    ("POST", "/api/v1/cameras", Admin),
    ("GET", "/api/v1/cameras/{name}", Viewer),
    ("PATCH", "/api/v1/cameras/{name}", Controller),
    ("DELETE", "/api/v1/cameras/{name}", Admin),
    ("GET", "/api/v1/cameras/{name}/controls", Viewer),
    ("PATCH", "/api/v1/cameras/{name}/controls", Controller),
    ("POST", "/api/v1/cameras/{name}/links", Controller),
    ("GET", "/api/v1/devices", Admin),
    ("POST", "/api/v1/cameras/{name}/playback", Viewer),
    ("GET", "/api/v1/cameras/{name}/playback/{session}", Viewer),
    ("PATCH", "/api/v1/cameras/{name}/playback/{session}", Viewer),
    (
        "DELETE",
        "/api/v1/cameras/{name}/playback/{session}",
        Viewer,
    ),
    ("GET", "/api/v1/cameras/{name}/exports/{job}", Viewer),
    ("GET", "/api/v1/cameras/{name}/recording", Viewer),
    ("POST", "/api/v1/cameras/{name}/recording/start", Controller),
    ("POST", "/api/v1/cameras/{name}/recording/stop", Controller),
    ("GET", "/api/v1/cameras/{name}/recordings/spans", Viewer),
    ("DELETE", "/api/v1/cameras/{name}/recordings", Admin),
    ("GET", "/api/v1/recordings", Somebody),
    ("GET", "/api/v1/recordings/pins", Somebody),
    ("POST", "/api/v1/recordings/pins", Somebody),
    ("DELETE", "/api/v1/recordings/pins/{id}", Somebody),
];

/// A session of playback.
const SESSION: &str = "walked-over";

/// Everyone who tries, by the name of their token.
fn people() -> Vec<(&'static str, Option<Grant>)> {
    let door = ["door".to_owned()];
    vec![
        ("nobody", None),
        (
            "viewer of door",
            Some(Grant::only(Role::View, door.clone())),
        ),
        ("controller of door", Some(Grant::only(Role::Control, door))),
        ("viewer", Some(Grant::everywhere(Role::View))),
        ("controller", Some(Grant::everywhere(Role::Control))),
        ("admin", Some(Grant::everywhere(Role::Admin))),
    ]
}

struct Server {
    app: App,
    router: Router,
    people: Vec<(&'static str, Option<Grant>, Option<Secret>)>,
}

fn server(change: impl FnOnce(&mut Rules)) -> Server {
    let mut rules = Rules {
        required: true,
        ..Rules::default()
    };
    let people = people().into_iter().map(|(name, grant)| {
        let secret = grant.clone().map(|grant| {
            let (token, secret) = Token::make(name.to_owned(), grant, None).unwrap();
            rules.add_tokens([token]);
            secret
        });
        (name, grant, secret)
    });
    let people = people.collect();
    change(&mut rules);
    let ports = push::Ports::default();
    let catalog = Catalog::new(Registry::bundled(&ports), ports);
    let stop = CancellationToken::new();
    let mut app = App::new(catalog, Limits::default(), Vec::new(), stop);
    app.access = Access::new(rules, Key::random().unwrap(), None);
    let server = Server {
        router: web::router(app.clone()),
        app,
        people,
    };
    server.add("door");
    server.add("yard");
    server
}

impl Server {
    fn add(&self, name: &str) {
        if self.app.catalog.entry(name).is_none() {
            let source = "test".parse::<drivers::Source>().unwrap();
            let mut request = drivers::Request::new(name, source);
            request.size = Some("64x48".parse().unwrap());
            let policy = Policy::default();
            let record = framecast::sinks::recorder::Plan::default();
            let entry = Entry {
                request,
                policy,
                record,
            };
            self.app.catalog.add(entry).unwrap();
        }
    }

    async fn ask(&self, method: &str, path: &str, secret: Option<&Secret>) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(secret) = secret {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", secret.expose()));
        }
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    fn secret(&self, name: &str) -> Option<&Secret> {
        self.people
            .iter()
            .find(|(known, ..)| *known == name)
            .unwrap()
            .2
            .as_ref()
    }
}

/// The address for one camera, whatever way it has to name it. Cameras are numbered among those that one may see, so there
/// is no number of a hidden one; the second is asked for.
fn address(path: &str, camera: &str) -> String {
    let number = if camera == "door" { 1 } else { 2 };
    let named = path
        .replace("{name}", camera)
        .replace("{camera}", camera)
        .replace("{webcam}", &format!("webcam{number}"))
        .replace("{session}", SESSION)
        .replace("{job}", "to-take-away")
        .replace("{id}", "1")
        .replace("{*path}", "framecast.js");
    let by_path = path.contains('{');
    if by_path {
        named
    } else {
        format!("{named}?camera={camera}&src={camera}")
    }
}

/// What is to come of it: `None` is "let pass".
fn expected(least: Least, camera: &str, grant: Option<&Grant>) -> Option<StatusCode> {
    let Some(grant) = grant else {
        return (least != Everyone).then_some(StatusCode::UNAUTHORIZED);
    };
    let (on, all) = (grant.on(camera), grant.everywhere);
    let may = match least {
        Everyone | Somebody => true,
        Viewer => on.is_some(),
        ViewerOfAll => all.is_some(),
        Controller => on >= Some(Role::Control),
        Admin => all == Some(Role::Admin),
    };
    let is_of_camera = matches!(least, Viewer | Controller);
    if may {
        None
    } else if is_of_camera && on.is_none() {
        Some(StatusCode::NOT_FOUND)
    } else {
        Some(StatusCode::FORBIDDEN)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_lets_those_pass_who_may_and_nobody_else() {
    let server = server(|_| {});
    let rules = web::rules(&server.app);
    let mut wrong = Vec::new();
    for rule in &rules {
        let known = TABLE
            .iter()
            .find(|(method, path, _)| rule.method == *method && rule.path == *path);
        let Some((_, _, least)) = known else {
            wrong.push(format!(
                "{} {}: say in the table who may use it",
                rule.method, rule.path
            ));
            continue;
        };
        for (who, grant, secret) in &server.people {
            for camera in ["door", "yard"] {
                server.add(camera);
                if rule.path.contains("{session}") {
                    let begins = format!("/cameras/{camera}/stream.mjpg?session={SESSION}");
                    let begun = server.ask("GET", &begins, server.secret("admin")).await;
                    assert_eq!(begun.status(), 200);
                }
                let path = address(&rule.path, camera);
                let methods = match rule.method {
                    Method::GET => vec!["GET", "HEAD"],
                    ref method => vec![method.as_str()],
                };
                for method in methods {
                    let answer = server.ask(method, &path, secret.as_ref()).await;
                    let refused = [
                        StatusCode::UNAUTHORIZED,
                        StatusCode::FORBIDDEN,
                        StatusCode::NOT_FOUND,
                    ];
                    let status = answer.status();
                    let is = refused.contains(&status).then_some(status);
                    // An empty form is a wrong password.
                    let meant = match rule.path.as_str() {
                        "/login" if method == "POST" => Some(StatusCode::FORBIDDEN),
                        // There is no such pin, whoever asks.
                        "/api/v1/recordings/pins/{id}" if grant.is_some() => {
                            Some(StatusCode::NOT_FOUND)
                        }
                        // Nothing is recorded, and so nothing taken away.
                        path if path.contains("/export") => {
                            let refused = expected(*least, camera, grant.as_ref());
                            refused.or(Some(StatusCode::NOT_FOUND))
                        }
                        _ => expected(*least, camera, grant.as_ref()),
                    };
                    // Whoever guesses is slowed down after a while.
                    let slowed = status == StatusCode::TOO_MANY_REQUESTS && rule.path == "/login";
                    if is != meant && !slowed {
                        wrong.push(format!("{method} {path} by {who}: {status}, not {meant:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(
        rules.len(),
        TABLE.len(),
        "the table has addresses that are not there"
    );
    server.app.catalog.hub().close().await;
}

#[tokio::test]
async fn what_is_nowhere_is_told_to_nobody() {
    let server = server(|_| {});
    for path in ["/nothing", "/api/v1/nothing", "/cameras/door/nothing", "//"] {
        assert_eq!(server.ask("GET", path, None).await.status(), 401, "{path}");
        let viewer = server.secret("viewer");
        assert_eq!(
            server.ask("GET", path, viewer).await.status(),
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_hidden_camera_answers_as_one_that_is_not_there() {
    let server = server(|_| {});
    let viewer = server.secret("viewer of door");
    for (method, path) in [
        ("GET", "/cameras/NAME/"),
        ("GET", "/cameras/NAME"),
        ("GET", "/cameras/NAME/stream.mjpg"),
        ("GET", "/cameras/NAME/snapshot.jpg"),
        ("POST", "/cameras/NAME/push"),
        ("GET", "/api/v1/cameras/NAME"),
        ("PATCH", "/api/v1/cameras/NAME"),
        ("GET", "/api/v1/cameras/NAME/controls"),
        ("POST", "/api/v1/cameras/NAME/links"),
        ("GET", "/video_feed?camera=NAME"),
        ("GET", "/api/frame.jpeg?src=NAME"),
        ("GET", "/NAME/mjpg/stream"),
        ("GET", "/api/NAME"),
    ] {
        let mut said = Vec::new();
        for name in ["yard", "zzzz"] {
            let answer = server
                .ask(method, &path.replace("NAME", name), viewer)
                .await;
            let (parts, body) = answer.into_parts();
            let body = to_bytes(body, 1 << 20).await.unwrap();
            let body = String::from_utf8(body.to_vec())
                .unwrap()
                .replace(name, "NAME");
            let headers = format!("{:?}", parts.headers).replace(name, "NAME");
            said.push((parts.status, headers, body));
        }
        assert_eq!(said[0], said[1], "{method} {path}");
    }
}

#[tokio::test]
async fn lists_show_the_cameras_that_one_may_see() {
    let server = server(|_| {});
    for (who, sees_yard) in [("viewer of door", false), ("viewer", true)] {
        for path in ["/", "/api/v1/cameras"] {
            let answer = server.ask("GET", path, server.secret(who)).await;
            let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(body.contains("door"), "{path}");
            assert_eq!(body.contains("yard"), sees_yard, "{path} by {who}");
        }
    }
}

#[tokio::test]
async fn a_camera_of_one_network_is_not_there_for_the_others() {
    let server = server(|rules| {
        let home = vec!["192.168.1.0/24".parse().unwrap()];
        rules.networks.insert("door".to_owned(), home);
        rules.trusted_proxies = vec!["10.0.0.1/32".parse().unwrap()];
    });
    let admin = server.secret("admin").unwrap().expose();
    let status = async |from: Option<&str>, forwarded: Option<&str>| {
        let mut request = Request::get("/api/v1/cameras/door")
            .header(header::AUTHORIZATION, format!("Bearer {admin}"));
        if let Some(forwarded) = forwarded {
            request = request.header("x-forwarded-for", forwarded);
        }
        if let Some(from) = from {
            request = request.extension(Peer {
                address: Some(from.parse::<IpAddr>().unwrap()),
                tls: false,
            });
        }
        let request = request.body(Body::empty()).unwrap();
        server
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(status(Some("192.168.1.9"), None).await, 200);
    assert_eq!(status(Some("192.168.2.9"), None).await, 404);
    assert_eq!(status(None, None).await, 404);
    // Only a trusted proxy says where somebody is.
    assert_eq!(status(Some("192.168.2.9"), Some("192.168.1.9")).await, 404);
    assert_eq!(status(Some("10.0.0.1"), Some("192.168.1.9")).await, 200);
    assert_eq!(
        status(Some("10.0.0.1"), Some("192.168.1.9, 6.6.6.6")).await,
        404
    );
}

#[tokio::test]
async fn programs_of_this_machine_have_a_role_only_where_that_is_said() {
    for (role, meant) in [(None, 401), (Some(Role::View), 200)] {
        let server = server(|rules| rules.local = role);
        let status = async |from: &str, header: Option<&'static str>| {
            let mut request = Request::get("/api/v1/cameras/door").extension(Peer {
                address: Some(from.parse::<IpAddr>().unwrap()),
                tls: false,
            });
            if let Some(name) = header {
                request = request.header(name, "192.168.1.9");
            }
            let request = request.body(Body::empty()).unwrap();
            server
                .router
                .clone()
                .oneshot(request)
                .await
                .unwrap()
                .status()
                .as_u16()
        };
        assert_eq!(status("127.0.0.1", None).await, meant);
        assert_eq!(status("::1", None).await, meant);
        // What a proxy passes on is not of this machine, whoever is trusted.
        assert_eq!(status("127.0.0.1", Some("x-forwarded-for")).await, 401);
        assert_eq!(status("127.0.0.1", Some("x-real-ip")).await, 401);
        assert_eq!(status("192.168.1.9", None).await, 401);
    }
}

#[tokio::test]
async fn every_action_of_a_rule_is_done_to_what_it_says() {
    for rule in web::rules(&server(|_| {}).app) {
        match rule.needs {
            Needs::Nothing => {}
            Needs::Server(action) => assert!(!action.is_of_camera(), "{rule:?}"),
            Needs::Named(action) => {
                assert!(
                    action.is_of_camera() && rule.path.contains("{name}"),
                    "{rule:?}"
                );
            }
            Needs::Found(action) => assert!(action.is_of_camera(), "{rule:?}"),
        }
        // What changes something is never done by GET.
        let changes = matches!(
            rule.needs,
            Needs::Named(Action::Control | Action::Push | Action::Share)
        );
        assert!(!(changes && rule.method == Method::GET), "{rule:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_revoked_ends_what_goes_on_with_it_and_nothing_else() {
    let server = server(|_| {});
    let access = &server.app.access;
    let asking = async |who: &str| framecast::access::Asking {
        identity: access
            .identify(
                framecast::access::Offered::Token(server.secret(who).unwrap().clone()),
                None,
                false,
            )
            .await
            .unwrap(),
        action: Action::Stream,
        camera: Some("door".to_owned()),
    };
    let (viewer, admin) = (asking("viewer").await, asking("admin").await);
    let mut rules = (*access.rules()).clone();
    rules.tokens.retain(|_, token| token.name != "viewer");
    let ended = access.ended(&viewer);
    access.replace(rules);
    ended.await;
    let goes_on = tokio::time::timeout(Duration::from_secs(60), access.ended(&admin)).await;
    assert!(goes_on.is_err());
}
