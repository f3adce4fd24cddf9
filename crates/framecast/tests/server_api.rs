//! The JSON interface, and what a page of another site may and may not do.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    collections::BTreeSet,
    io::{Read, Write},
};

use serde_json::{Value, json};
use server::{Open, framecast, serve, size};

const CAMERAS: &str = "/api/v1/cameras";

#[test]
fn a_camera_is_added_watched_and_removed() {
    let server = serve(&["test"]);
    let camera =
        json!({ "name": "door", "source": "test", "size": "160x120", "fps": 10, "linger": "2s" });
    let added = server.json("POST", CAMERAS, &camera);
    assert_eq!(added.status, 201, "{}", added.text());
    assert_eq!(added.value()["settings"]["linger"], "2s");
    let mut viewer = server.watch("/cameras/door/stream.mjpg");
    let part = viewer.until(server::Part::is_live);
    assert_eq!(size(&part.jpeg), (160, 120));
    let list = server.get(CAMERAS).value();
    let names = list["cameras"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["camera", "door"]);
    let again = server.json("POST", CAMERAS, &camera);
    assert_eq!(again.status, 409);
    assert_eq!(
        again.value()["error"],
        "there is a camera called `door` already"
    );
    assert_eq!(
        server
            .ask("DELETE", "/api/v1/cameras/door", &[], b"")
            .status,
        204
    );
    // The stream ends; it does not hang.
    while viewer.part().is_ok() {}
    assert_eq!(server.get("/cameras/door/stream.mjpg").status, 404);
    assert_eq!(
        server
            .ask("DELETE", "/api/v1/cameras/door", &[], b"")
            .status,
        404
    );
}

#[test]
fn what_viewers_get_changes_while_they_watch() {
    let server = serve(&["test#size=320x240,fps=20"]);
    let mut viewer = server.watch("/video_feed");
    viewer.until(|part| part.is_live() && size(&part.jpeg) == (320, 240));
    let path = "/api/v1/cameras/camera";
    let changed = server.json("PATCH", path, &json!({ "size": "160x120" }));
    assert_eq!(changed.status, 200, "{}", changed.text());
    let part = viewer.until(|part| part.is_live() && size(&part.jpeg) == (160, 120));
    let good = part.jpeg.len();
    assert_eq!(
        server.json("PATCH", path, &json!({ "quality": 5 })).status,
        200
    );
    viewer.until(|part| part.is_live() && part.jpeg.len() < good * 3 / 4);
    assert_eq!(server.json("PATCH", path, &json!({ "fps": 2 })).status, 200);
    viewer.until(|part| part.is_live());
    let settings = &server.camera("camera")["settings"];
    assert_eq!(
        *settings,
        json!({ "size": "160x120", "fps": 2.0, "quality": 5, "linger": "10s" })
    );
    // Settled: the rate is the new one.
    let mut last = viewer.next().taken();
    server::eventually("the rate", || {
        let taken = viewer.next().taken();
        let gap = taken - std::mem::replace(&mut last, taken);
        (0.4..2.0)
            .contains(&gap)
            .then_some(())
            .ok_or_else(|| format!("{gap} s"))
    });
    // Null takes a wish back.
    let wishes = json!({ "size": null, "fps": null, "quality": null });
    assert_eq!(server.json("PATCH", path, &wishes).status, 200);
    viewer.until(|part| part.is_live() && size(&part.jpeg) == (640, 480));
}

#[test]
fn commands_and_paths_cannot_be_given_over_http() {
    let server = serve(&["test"]);
    for source in [
        "exec:touch owned",
        "file:/etc/passwd",
        "images:/etc",
        "v4l2:/dev/video0",
        "screen",
    ] {
        let answer = server.json("POST", CAMERAS, &json!({ "name": "x", "source": source }));
        assert_eq!(answer.status, 403, "{source}: {}", answer.text());
        let error = answer.value()["error"].as_str().unwrap().to_owned();
        assert!(error.contains("put it into the configuration"), "{error}");
    }
    assert!(!server.path("owned").exists());
    for (field, value) in [("source", "exec:touch owned"), ("command", "touch owned")] {
        let answer = server.json("PATCH", "/api/v1/cameras/camera", &json!({ field: value }));
        assert_eq!(answer.status, 422, "{}", answer.text());
    }
}

#[test]
fn mistakes_in_a_request_are_named() {
    let server = serve(&["test"]);
    let cases = [
        (json!({ "name": "x" }), 422, "source"),
        (json!({ "name": "x/y", "source": "test" }), 422, "x/y"),
        (json!({ "name": "x", "source": "tset" }), 422, "tset"),
        (
            json!({ "name": "x", "source": "test", "size": "big" }),
            422,
            "big",
        ),
        (json!({ "name": "x", "source": "test", "fps": 0 }), 422, "0"),
        (
            json!({ "name": "x", "source": "test", "quality": 0 }),
            422,
            "quality",
        ),
        (
            json!({ "name": "x", "source": "test", "linger": "soon" }),
            422,
            "soon",
        ),
        (
            json!({ "name": "x", "source": "test", "colour": "red" }),
            422,
            "colour",
        ),
        (
            json!({ "name": "x", "source": "test", "options": { "a": "b" } }),
            422,
            "`a`",
        ),
    ];
    for (body, status, named) in cases {
        let answer = server.json("POST", CAMERAS, &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        let error = answer.value()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(named), "{body}: {error}");
    }
    let json = [("Content-Type", "application/json")];
    assert_eq!(server.ask("POST", CAMERAS, &json, b"{").status, 400);
    assert_eq!(server.ask("POST", CAMERAS, &[], b"{}").status, 415);
    let patch = |body: Value| server.json("PATCH", "/api/v1/cameras/camera", &body).status;
    assert_eq!(patch(json!({ "fps": -1 })), 422);
    assert_eq!(patch(json!({ "size": "0x0" })), 422);
    let unknown = server.json("PATCH", "/api/v1/cameras/other", &json!({}));
    assert_eq!(unknown.status, 404);
}

#[test]
fn the_published_document_describes_every_address_of_the_interface() {
    let server = serve(&["test"]);
    let served = server.get("/api/v1/openapi.json");
    assert_eq!(served.header("content-type"), Some("application/json"));
    let served = served.value();
    let printed = framecast().arg("openapi").output();
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(served, printed);
    let described: BTreeSet<String> = served["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    // What answers to a method that is no 405 must be described, and the other way round.
    let mut answered = BTreeSet::new();
    for (path, real) in [
        (CAMERAS, CAMERAS),
        ("/api/v1/cameras/{name}", "/api/v1/cameras/none"),
        (
            "/api/v1/cameras/{name}/controls",
            "/api/v1/cameras/none/controls",
        ),
        ("/api/v1/cameras/{name}/links", "/api/v1/cameras/none/links"),
        ("/api/v1/devices", "/api/v1/devices"),
        (
            "/api/v1/cameras/{name}/recording",
            "/api/v1/cameras/none/recording",
        ),
        (
            "/api/v1/cameras/{name}/recording/start",
            "/api/v1/cameras/none/recording/start",
        ),
        (
            "/api/v1/cameras/{name}/recording/stop",
            "/api/v1/cameras/none/recording/stop",
        ),
        (
            "/api/v1/cameras/{name}/recordings",
            "/api/v1/cameras/none/recordings",
        ),
        (
            "/api/v1/cameras/{name}/exports/{job}",
            "/api/v1/cameras/none/exports/x",
        ),
        ("/cameras/{name}/export.mp4", "/cameras/none/export.mp4"),
        ("/cameras/{name}/export.zip", "/cameras/none/export.zip"),
        (
            "/api/v1/cameras/{name}/recordings/spans",
            "/api/v1/cameras/none/recordings/spans",
        ),
        (
            "/api/v1/cameras/{name}/playback",
            "/api/v1/cameras/none/playback",
        ),
        (
            "/api/v1/cameras/{name}/playback/{session}",
            "/api/v1/cameras/none/playback/x",
        ),
        ("/api/v1/recordings", "/api/v1/recordings"),
        ("/api/v1/recordings/pins", "/api/v1/recordings/pins"),
        ("/api/v1/recordings/pins/{id}", "/api/v1/recordings/pins/1"),
        ("/api/v1/session", "/api/v1/session"),
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if server.ask(method, real, &[], b"").status != 405 {
                answered.insert(format!("{method} {path}"));
            }
        }
    }
    assert_eq!(described, answered);
}

#[test]
fn a_page_of_another_site_can_change_nothing() {
    let server = framecast().camera("test").camera("mine=push").spawn();
    let body = json!({ "name": "x", "source": "test" }).to_string();
    let json = ("Content-Type", "application/json");
    let own = server.url("");
    let foreign: [&[(&str, &str)]; 4] = [
        &[json, ("Origin", "http://evil.example")],
        &[json, ("Origin", "null")],
        &[json, ("Sec-Fetch-Site", "cross-site")],
        &[
            json,
            ("Sec-Fetch-Site", "same-site"),
            ("Origin", "http://evil.example"),
        ],
    ];
    for headers in foreign {
        for (method, path) in [
            ("POST", CAMERAS),
            ("PATCH", "/api/v1/cameras/camera"),
            ("DELETE", "/api/v1/cameras/camera"),
            ("POST", "/cameras/mine/push"),
        ] {
            let answer = server.ask(method, path, headers, body.as_bytes());
            assert_eq!(answer.status, 403, "{method} {path} {headers:?}");
        }
    }
    assert_eq!(server.get("/api/v1/cameras/x").status, 404);
    let native: [&[(&str, &str)]; 3] = [
        &[json, ("Origin", &own), ("Sec-Fetch-Site", "same-origin")],
        &[json, ("Origin", &own)],
        &[json],
    ];
    for headers in native {
        let answer = server.ask("POST", CAMERAS, headers, body.as_bytes());
        assert_eq!(answer.status, 201, "{headers:?}: {}", answer.text());
        assert_eq!(
            server.ask("DELETE", "/api/v1/cameras/x", &[], b"").status,
            204
        );
    }
}

#[test]
fn other_sites_read_only_what_they_are_allowed_to() {
    let friend = ("Origin", "https://friend.example");
    let stranger = ("Origin", "https://stranger.example");
    let allowed = |start: server::Start, origin: (&str, &str)| {
        let server = start.camera("test").spawn();
        let answer = server.ask("GET", CAMERAS, &[origin], b"");
        assert_eq!(answer.status, 200);
        answer
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    let friendly = || framecast().arg("--allow-origin").arg(friend.1);
    assert_eq!(allowed(framecast(), friend), None);
    assert_eq!(allowed(friendly(), friend).as_deref(), Some(friend.1));
    assert_eq!(allowed(friendly(), stranger), None);
    let open = || framecast().arg("--allow-origin").arg("*");
    assert_eq!(allowed(open(), stranger).as_deref(), Some("*"));
    // Who may read everything may still not change anything, unless it is named.
    let server = open().camera("test").spawn();
    let refused = server.ask("DELETE", "/api/v1/cameras/camera", &[stranger], b"");
    assert_eq!(refused.status, 403);
    let server = friendly().camera("test").spawn();
    let asked = ("Access-Control-Request-Method", "DELETE");
    let preflight = server.ask("OPTIONS", "/api/v1/cameras/camera", &[friend, asked], b"");
    let methods = preflight.header("access-control-allow-methods");
    assert!(methods.is_some_and(|methods| methods.contains("DELETE")));
    let done = server.ask("DELETE", "/api/v1/cameras/camera", &[friend], b"");
    assert_eq!(done.status, 204, "{}", done.text());
}

#[test]
fn a_site_that_points_its_name_at_this_machine_gets_nothing() {
    let rebound = [("Host", "evil.example"), ("Origin", "http://evil.example")];
    let server = framecast().camera("test").spawn();
    for (method, path) in [("GET", CAMERAS), ("DELETE", "/api/v1/cameras/camera")] {
        let refused = server.ask(method, path, &rebound, b"");
        assert_eq!(refused.status, 421);
        assert!(refused.text().contains("allow_hosts"), "{}", refused.text());
    }
    let known = framecast().arg("--allow-host").arg("cams.example.org");
    let server = known.camera("test").spawn();
    let named = [("Host", "cams.example.org")];
    assert_eq!(server.ask("GET", CAMERAS, &named, b"").status, 200);
    assert_eq!(server.ask("GET", CAMERAS, &rebound, b"").status, 421);
}

#[test]
fn every_answer_tells_browsers_not_to_guess() {
    let server = serve(&["test"]);
    for path in [
        "/",
        CAMERAS,
        "/snapshot",
        "/nowhere",
        "/metrics",
        "/video_feed",
    ] {
        let open = server.open("GET", path, &[], b"");
        assert_eq!(
            open.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
}

#[test]
fn passwords_are_never_told() {
    let server = serve(&["door=http://me:qX7vT@127.0.0.1:9/?key=qX7vT2"]);
    let answers = [
        "/",
        "/cameras/door/",
        CAMERAS,
        "/api/v1/cameras/door",
        "/metrics",
    ];
    let mut viewer = server.watch("/cameras/door/stream.mjpg");
    viewer.next();
    for path in answers {
        let text = server.get(path).text();
        assert!(text.contains("door"), "{path}");
        assert!(!text.contains("qX7vT"), "{path}: {text}");
    }
    assert!(!server.log().contains("qX7vT"));
}

#[test]
fn a_page_of_an_allowed_site_may_ask_before_it_changes_something() {
    let server = framecast()
        .camera("test")
        .arg("--allow-origin")
        .arg("https://friend.example")
        .spawn();
    let asked = |origin: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", "PATCH"),
            ("Access-Control-Request-Headers", "content-type"),
        ];
        server.ask("OPTIONS", "/api/v1/cameras/camera", &headers, b"")
    };
    let answer = asked("https://friend.example");
    let said = |name: &str| answer.header(name).unwrap_or_default().to_lowercase();
    assert_eq!(
        said("access-control-allow-origin"),
        "https://friend.example"
    );
    assert!(said("access-control-allow-methods").contains("patch"));
    assert!(said("access-control-allow-headers").contains("content-type"));
    let stranger = asked("https://stranger.example");
    assert_eq!(stranger.header("access-control-allow-origin"), None);
}

#[test]
fn one_connection_carries_many_requests() {
    let server = serve(&["test#size=160x120"]);
    let mut socket = server.connect();
    for _ in 0..3 {
        for path in ["/healthz", CAMERAS, "/snapshot", "/nowhere"] {
            write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut open = Open::of(socket.try_clone().unwrap()).unwrap();
            let length = open.header("content-length").unwrap().parse().unwrap();
            let mut body = vec![0; length];
            open.rest.read_exact(&mut body).unwrap();
            assert!(open.rest.buffer().is_empty(), "{path}: more than it said");
        }
    }
}
