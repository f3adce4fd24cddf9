//! Logging in to the program itself, over real connections.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use server::{Answer, PATIENCE, Server, Viewer, eventually, framecast};

const PASSWORD: &str = "correct horse";

/// A browser that is led to an address.
const NAVIGATES: (&str, &str) = ("Sec-Fetch-Mode", "navigate");

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

fn get(server: &Server, path: &str, authorization: &str) -> Answer {
    server.ask("GET", path, &[("Authorization", authorization)], b"")
}

/// Posts the login form as a page of the server does.
fn log_in(server: &Server, form: &str) -> Answer {
    let origin = server.url("");
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Origin", origin.as_str()),
    ];
    server.ask("POST", "/login", &headers, form.as_bytes())
}

/// Name and value of the cookie that an answer sets.
fn cookie(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").expect("a cookie");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    cookie.split(';').next().unwrap().to_owned()
}

/// A server with an admin, a viewer of one camera, and a password for each.
fn with_users() -> Server {
    framecast()
        .camera("door=test#size=160x120,fps=10")
        .camera("yard=test#size=160x120,fps=10")
        .user("anna", PASSWORD, &["--role", "admin"])
        .user("ben", PASSWORD, &["--camera", "door"])
        .spawn()
}

/// Reads a stream until the server ends it, and says how long that took.
fn ends(mut stream: server::Open) -> Duration {
    let start = Instant::now();
    let mut some = [0; 4096];
    while start.elapsed() < PATIENCE {
        match stream.rest.read(&mut some) {
            Ok(0) | Err(_) => return start.elapsed(),
            Ok(_) => {}
        }
    }
    panic!("it goes on");
}

#[test]
fn a_server_that_others_can_reach_asks_for_a_token_that_it_made_up() {
    let server = framecast().listen("0.0.0.0:0").camera("test").spawn();
    let log = server.log();
    let shown = log
        .split("?token=")
        .nth(1)
        .expect("an address with the token");
    let token = shown.split_whitespace().next().unwrap();
    let file = server.path("framecast/token");
    assert_eq!(fs::read_to_string(&file).unwrap(), token);
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // This machine is no exception.
    let refused = server.get("/video_feed");
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Basic "), "{challenge}");
    let page = server.ask("GET", "/cameras/camera/", &[NAVIGATES], b"");
    assert_eq!(page.status, 303);
    assert_eq!(
        page.header("location"),
        Some("./../../login?next=cameras%2Fcamera%2F")
    );
    // The address with the token leads a browser to the clean one, with a cookie.
    let address = format!("/cameras/camera/?token={token}&n=1");
    let led = server.ask("GET", &address, &[NAVIGATES], b"");
    assert_eq!((led.status, led.header("location")), (303, Some("./?n=1")));
    let cookie = cookie(&led);
    assert!(!cookie.contains(token));
    let headers = [NAVIGATES, ("Cookie", cookie.as_str())];
    assert_eq!(
        server.ask("GET", "/cameras/camera/", &headers, b"").status,
        200
    );
    // Programs say it with every request, in whatever way they can.
    assert_eq!(
        get(&server, "/snapshot", &format!("Bearer {token}")).status,
        200
    );
    assert_eq!(get(&server, "/snapshot", &basic("", token)).status, 200);
    assert_eq!(server.get(&format!("/snapshot?token={token}")).status, 200);
    assert_eq!(server.get(&format!("/snapshot?token={token}x")).status, 401);
    // It is shown once.
    assert_eq!(server.log().matches(token).count(), 1);
}

#[test]
fn the_token_is_the_same_after_a_restart_and_not_shown_again() {
    let first = framecast().listen("0.0.0.0:0").camera("test").spawn();
    let state = first.path("");
    let token = fs::read_to_string(first.path("framecast/token")).unwrap();
    let start = || {
        framecast()
            .listen("0.0.0.0:0")
            .camera("test")
            .env("XDG_STATE_HOME", &state)
    };
    let second = start().spawn();
    assert!(!second.log().contains(&token) && second.log().contains("framecast/token"));
    assert_eq!(
        get(&second, "/snapshot", &format!("Bearer {token}")).status,
        200
    );
    // A user takes its place.
    drop(second);
    first.tell(&["user", "add", "anna"], PASSWORD);
    let third = start().spawn();
    assert_eq!(
        get(&third, "/snapshot", &format!("Bearer {token}")).status,
        401
    );
    assert_eq!(
        get(&third, "/snapshot", &basic("anna", PASSWORD)).status,
        200
    );
}

#[test]
fn users_log_in_by_name_and_password_and_see_what_is_theirs() {
    let server = with_users();
    let status = |path, authorization: &str| get(&server, path, authorization).status;
    let (anna, ben) = (basic("anna", PASSWORD), basic("ben", PASSWORD));
    assert_eq!(server.get("/api/v1/cameras").status, 401);
    assert_eq!(
        status("/api/v1/cameras", &basic("anna", "wrong horse")),
        401
    );
    assert_eq!(status("/api/v1/cameras", &basic("nobody", PASSWORD)), 401);
    assert_eq!(status("/cameras/yard/snapshot.jpg", &anna), 200);
    assert_eq!(status("/cameras/yard/snapshot.jpg", &ben), 404);
    assert_eq!(status("/cameras/door/snapshot.jpg", &ben), 200);
    assert_eq!(status("/api/v1/devices", &ben), 403);
    let session = get(&server, "/api/v1/session", &ben).value();
    assert_eq!(
        session,
        json!({"name": "ben", "kind": "user", "role": null})
    );
    // Neither a session nor health tells anything.
    assert_eq!(server.get("/healthz").status, 200);
    let stored = fs::read_to_string(server.path("framecast/users.json")).unwrap();
    assert!(stored.contains("$argon2id$") && !stored.contains(PASSWORD));
}

#[test]
fn a_browser_logs_in_and_out_by_a_page_of_its_own() {
    let server = with_users();
    let page = server.get("/login?next=cameras%2Fdoor%2F");
    assert!(
        page.text().contains("value=\"cameras/door/\""),
        "{}",
        page.text()
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("script-src 'self';"));
    let wrong = log_in(&server, "name=anna&password=wrong+horse");
    assert_eq!(wrong.status, 403);
    assert!(wrong.text().contains("name, password or token is wrong"));
    let done = log_in(
        &server,
        "name=anna&password=correct+horse&next=cameras%2Fdoor%2F",
    );
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("./cameras/door/"))
    );
    let cookie = cookie(&done);
    let with = [("Cookie", cookie.as_str())];
    let stream = server.open("GET", "/cameras/door/stream.mjpg", &with, b"");
    assert_eq!(stream.head.status, 200);
    assert!(server.ask("GET", "/", &with, b"").text().contains("anna"));
    // Another site leads nowhere.
    for form in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "..%2F..%2Fx",
    ] {
        let led = log_in(
            &server,
            &format!("name=anna&password=correct+horse&next={form}"),
        );
        assert_eq!(led.header("location"), Some("./"));
    }
    let origin = server.url("");
    let leaves = [("Cookie", cookie.as_str()), ("Origin", origin.as_str())];
    assert_eq!(server.ask("POST", "/logout", &leaves, b"").status, 303);
    assert_eq!(server.ask("GET", "/", &with, b"").status, 401);
    // What was watched under it ends too.
    ends(stream);
}

#[test]
fn a_page_of_another_site_changes_nothing_with_a_visitors_cookie() {
    let server = with_users();
    let done = log_in(&server, "name=anna&password=correct+horse");
    let cookie = cookie(&done);
    let origin = server.url("");
    let change = |extra: &[(&str, &str)]| {
        let headers = [
            &[
                ("Cookie", cookie.as_str()),
                ("Content-Type", "application/json"),
            ],
            extra,
        ]
        .concat();
        let body = br#"{"fps": 5}"#;
        server
            .ask("PATCH", "/api/v1/cameras/door", &headers, body)
            .status
    };
    assert_eq!(change(&[("Origin", &origin)]), 200);
    assert_eq!(change(&[("Sec-Fetch-Site", "same-origin")]), 200);
    assert_eq!(change(&[("Origin", "https://evil.example")]), 403);
    assert_eq!(
        change(&[("Sec-Fetch-Site", "same-site"), ("Origin", &origin)]),
        403
    );
    // Without either it is no browser, which has no business with a cookie.
    assert_eq!(change(&[]), 401);
    // Nor does it log a visitor in as somebody else, or out.
    for path in ["/login", "/logout"] {
        let evil = [
            ("Origin", "https://evil.example"),
            ("Cookie", cookie.as_str()),
        ];
        let form = b"name=ben&password=correct+horse";
        assert_eq!(server.ask("POST", path, &evil, form).status, 403, "{path}");
    }
    let socket = |origin: &str| {
        let headers = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Cookie", cookie.as_str()),
            ("Origin", origin),
        ];
        server.open("GET", "/ws", &headers, b"").head.status
    };
    assert_eq!(socket("https://evil.example"), 401);
    // `open` asks for the connection to be closed, so this is as far as it gets.
    assert_ne!(socket(&origin), 401);
}

#[test]
fn a_removed_user_and_a_revoked_token_are_out_within_seconds_and_nobody_else_is() {
    let start = framecast().camera("door=test#size=160x120,fps=10");
    let start = start.user("anna", PASSWORD, &[]).user("ben", PASSWORD, &[]);
    let token = start.token("frame", &["--camera", "door"]);
    let server = start.spawn();
    let watch = |authorization: &str| {
        let headers = [("Authorization", authorization)];
        let open = server.open("GET", "/cameras/door/stream.mjpg", &headers, b"");
        assert_eq!(open.head.status, 200);
        open
    };
    let mut anna = Viewer::of(watch(&basic("anna", PASSWORD)));
    let ben = watch(&basic("ben", PASSWORD));
    let frame = watch(&format!("Bearer {token}"));
    server.tell(&["user", "remove", "ben"], "");
    assert!(ends(ben) < Duration::from_secs(10));
    assert_eq!(
        get(&server, "/snapshot", &basic("ben", PASSWORD)).status,
        401
    );
    assert_eq!(server.tell(&["token", "list"], ""), "frame  view on door");
    server.tell(&["token", "revoke", "frame"], "");
    assert!(ends(frame) < Duration::from_secs(10));
    let before = anna.next().seq();
    anna.until(|part| part.seq() > before + 5);
    // Another password ends what was begun with the old one.
    server.tell(&["user", "add", "anna"], "another horse");
    eventually("the new password", || {
        let status = get(&server, "/snapshot", &basic("anna", "another horse")).status;
        (status == 200)
            .then_some(())
            .ok_or_else(|| status.to_string())
    });
    assert_eq!(
        get(&server, "/snapshot", &basic("anna", PASSWORD)).status,
        401
    );
    while anna.part().is_ok() {}
}

#[test]
fn users_of_the_file_come_and_go_with_it() {
    let open = "cameras.door = 'test'";
    let start = framecast();
    let secret = start.path("ben.password");
    fs::write(&secret, "correct horse\n").unwrap();
    let server = start.config(open).spawn();
    assert_eq!(server.get("/snapshot").status, 200);
    let closed = format!("{open}\nusers.ben = {{role = 'view', password_file = 'ben.password'}}");
    fs::write(server.path("framecast.toml"), closed).unwrap();
    eventually("a server that asks", || {
        let status = server.get("/snapshot").status;
        (status == 401)
            .then_some(())
            .ok_or_else(|| status.to_string())
    });
    assert_eq!(
        get(&server, "/snapshot", &basic("ben", PASSWORD)).status,
        200
    );
    // That the last one is gone is no reason to let everyone in.
    fs::write(server.path("framecast.toml"), open).unwrap();
    eventually("a server without users", || {
        let status = get(&server, "/snapshot", &basic("ben", PASSWORD)).status;
        (status == 401)
            .then_some(())
            .ok_or_else(|| status.to_string())
    });
    assert_eq!(server.get("/snapshot").status, 401);
}

#[test]
fn a_signed_address_shows_one_camera_for_a_while_to_whoever_has_it() {
    let server = with_users();
    let path = |action: &str, lasts: &str| {
        let args = ["sign", "door", "--action", action, "--lasts", lasts];
        format!("/{}", server.tell(&args, ""))
    };
    let stream = path("stream", "4s");
    let mut open = server.open("GET", &stream, &[], b"");
    assert_eq!(open.head.status, 200);
    open.rest.read_exact(&mut [0; 1000]).unwrap();
    assert_eq!(server.get(&stream.replace("door", "yard")).status, 403);
    assert_eq!(
        server
            .get(&stream.replace("stream.mjpg", "snapshot.jpg"))
            .status,
        403
    );
    assert_eq!(server.get(&stream.replace("until=", "until=9")).status, 403);
    assert_eq!(server.get(&path("snapshot", "1min")).status, 200);
    // It ends in the middle of the stream.
    ends(open);
    let late = server.get(&stream);
    assert_eq!(late.status, 403);
    assert!(late.text().contains("has expired"), "{}", late.text());
    // Those who control a camera sign over HTTP, others don't.
    let sign = |user: &str| {
        let authorization = basic(user, PASSWORD);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
        ];
        let body = br#"{"action": "snapshot", "lasts": "1min"}"#;
        server.ask("POST", "/api/v1/cameras/door/links", &headers, body)
    };
    assert_eq!(sign("ben").status, 403);
    let signed = sign("anna");
    assert_eq!(signed.status, 201, "{}", signed.text());
    let path = signed.value()["path"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("/{path}")).size(), (160, 120));
}

#[test]
fn whoever_guesses_is_slowed_down_and_logs_in_again_after_the_wait() {
    let server = with_users();
    let wrong = basic("anna", "wrong horse");
    let statuses: Vec<u16> = (0..8).map(|_| get(&server, "/", &wrong).status).collect();
    assert_eq!(statuses[..4], [401; 4]);
    assert!(statuses.contains(&429), "{statuses:?}");
    let told = eventually("a wait", || {
        let answer = get(&server, "/", &wrong);
        (answer.status == 429)
            .then_some(answer)
            .ok_or_else(String::new)
    });
    let wait: u64 = told.header("retry-after").unwrap().parse().unwrap();
    assert!(wait <= 31, "{wait}");
    // The owner is not locked out, nor is a session or a token concerned.
    eventually("the owner", || {
        let status = get(&server, "/", &basic("anna", PASSWORD)).status;
        (status == 200)
            .then_some(())
            .ok_or_else(|| status.to_string())
    });
}

#[test]
fn no_secret_is_in_the_log_and_what_was_done_is() {
    let start = framecast()
        .camera("door=test#size=160x120")
        .arg("--log=trace")
        .user("anna", PASSWORD, &["--role", "admin"]);
    let token = start.token("frame", &[]);
    let server = start.spawn();
    assert_eq!(server.get(&format!("/snapshot?token={token}")).status, 200);
    assert_eq!(server.get(&format!("/nothing?token={token}")).status, 404);
    let done = log_in(&server, "name=anna&password=correct+horse");
    let cookie = cookie(&done);
    log_in(&server, "name=my%20password&password=wrong+horse");
    let authorization = basic("anna", PASSWORD);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
    ];
    let changed = server.ask("PATCH", "/api/v1/cameras/door", &headers, b"{\"fps\": 5}");
    assert_eq!(changed.status, 200);
    let metrics = get(&server, "/metrics", &authorization).text();
    let log = eventually("the log", || {
        let log = server.log();
        log.contains("control").then_some(log.clone()).ok_or(log)
    });
    let session = cookie.split('=').nth(1).unwrap();
    let hash = STANDARD.encode(format!("anna:{PASSWORD}"));
    for secret in [
        &token,
        session,
        &hash,
        PASSWORD,
        "correct+horse",
        "wrong",
        "my password",
    ] {
        // `wrong` is what the audit calls a failed login; nothing else may say it.
        let shown = log.matches(secret).count();
        let allowed = if secret == "wrong" { 1 } else { 0 };
        assert_eq!(shown, allowed, "{secret}:\n{log}");
        assert!(!metrics.contains(secret));
    }
    for event in [
        "logged in who=user anna",
        "login failed who=\"unknown\"",
        "action=control camera=\"door\" result=200",
    ] {
        assert!(log.contains(event), "{event}:\n{log}");
    }
}

#[test]
fn the_audit_is_json_where_the_log_is() {
    let server = framecast()
        .camera("door=test")
        .arg("--log-json")
        .arg("--log=off,audit=info,framecast::server=info")
        .user("anna", PASSWORD, &["--role", "control"])
        .spawn();
    let authorization = basic("anna", PASSWORD);
    let headers = [("Authorization", authorization.as_str())];
    server.ask("POST", "/cameras/door/push", &headers, b"");
    let line = eventually("the audit", || {
        let log = server.log();
        let line = log.lines().find(|line| line.contains("\"audit\""));
        line.map(str::to_owned).ok_or(log.clone())
    });
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["target"], "audit");
    let fields = &event["fields"];
    assert_eq!(fields["who"], "user anna");
    assert_eq!(
        (&fields["action"], &fields["camera"]),
        (&json!("push"), &json!("door"))
    );
    assert_eq!(fields["result"], "405");
}
