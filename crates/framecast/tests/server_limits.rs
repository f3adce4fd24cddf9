//! Clients that ask for too much, too slowly or in the wrong way, and that nobody else notices them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    io::{Read, Write},
    thread,
    time::{Duration, Instant},
};

use server::{Open, framecast, serve};

#[test]
fn one_connection_too_many_is_told_to_come_back() {
    let text = "
        [limits]
        connections = 5
        [cameras.camera]
        source = \"test\"
    ";
    let server = framecast().config(text).spawn();
    let mut viewers: Vec<_> = (0..5).map(|_| server.watch("/video_feed")).collect();
    let refused = Open::of(server.connect()).unwrap();
    assert_eq!(refused.head.status, 503);
    assert_eq!(refused.header("retry-after"), Some("5"));
    let refused = server.get("/healthz");
    assert_eq!(refused.status, 503);
    assert_eq!(
        refused.text(),
        "too many connections: try again in a moment\n"
    );
    for viewer in &mut viewers {
        viewer.until(server::Part::is_live);
    }
    viewers.pop();
    server::eventually("a free place", || {
        let status = server.get("/healthz").status;
        (status == 200).then_some(()).ok_or(status.to_string())
    });
}

#[test]
fn snapshots_that_wait_for_a_camera_are_limited() {
    let text = "
        [limits]
        waiting = 3
        [cameras.camera]
        source = \"test\"
        [cameras.silent]
        source = \"exec:sleep 1000\"
    ";
    let server = framecast().config(text).spawn();
    let path = "/cameras/silent/snapshot.jpg?timeout=20";
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let mut socket = server.connect();
            write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            socket
        })
        .collect();
    server.until("silent", |view| view["viewers"] == 3);
    let refused = server.get(path);
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("2"));
    assert!(
        refused.text().starts_with("too many snapshots"),
        "{}",
        refused.text()
    );
    // Streams do not wait in this way.
    server.watch("/video_feed").until(server::Part::is_live);
    drop(waiting);
    server.until("silent", |view| view["viewers"] == 0);
    assert_eq!(server.get("/snapshot?camera=camera").status, 200);
}

#[test]
fn a_camera_is_made_into_a_few_sizes_at_a_time() {
    let server = serve(&["test#size=64x48,fps=5"]);
    let stream = |width: u32| format!("/video_feed?width={width}");
    let mut viewers: Vec<_> = (10..22).map(|width| server.watch(&stream(width))).collect();
    let refused = server.get(&stream(30));
    assert_eq!(refused.status, 503);
    assert!(
        refused.text().contains("use one of those"),
        "{}",
        refused.text()
    );
    // Those that exist are for everyone, and an unused one makes way.
    server.watch(&stream(10)).next();
    server.watch("/video_feed").next();
    viewers.pop();
    server::eventually("a free place", || {
        let status = server.open("GET", &stream(30), &[], b"").head.status;
        (status == 200).then_some(()).ok_or(status.to_string())
    });
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = serve(&["test"]);
    let long = "x".repeat(20_000);
    let answer = server.ask("GET", "/healthz", &[("Cookie", &long)], b"");
    assert_eq!(answer.status, 431);
    let answer = server.ask("GET", &format!("/?x={long}"), &[], b"");
    assert!(matches!(answer.status, 414 | 431), "{}", answer.status);
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for_for_ever() {
    let server = serve(&["test"]);
    let start = Instant::now();
    let mut silent = server.connect();
    let mut slow = server.connect();
    slow.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    // A byte now and then does not help.
    let mut dripping = slow.try_clone().unwrap();
    thread::spawn(move || {
        for byte in b"X-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" {
            if dripping.write_all(&[*byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(500));
        }
    });
    let _ended = slow.read_to_end(&mut Vec::new());
    let _ended = silent.read_to_end(&mut Vec::new());
    let took = start.elapsed();
    assert!((8..25).contains(&took.as_secs()), "{took:?}");
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_body_that_drips_is_not_waited_for_for_ever_wherever_it_goes() {
    let server = serve(&["test"]);
    let (login, form) = ("/login", "application/x-www-form-urlencoded");
    let (cameras, json) = ("/api/v1/cameras", "application/json");
    let dripping = [(login, form), (cameras, json)].map(|(path, kind)| {
        let mut socket = server.connect();
        thread::spawn(move || {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 1000\r\n\r\n"
            );
            socket.write_all(head.as_bytes()).unwrap();
            let mut drips = socket.try_clone().unwrap();
            thread::spawn(move || {
                while drips.write_all(b"a").is_ok() {
                    thread::sleep(Duration::from_millis(500));
                }
            });
            Open::of(socket).unwrap().head.status
        })
    });
    for status in dripping {
        assert_eq!(status.join().unwrap(), 408);
    }
}

#[test]
fn a_body_that_is_too_large_for_the_interface_is_refused() {
    let server = serve(&["test"]);
    let json = [("Content-Type", "application/json")];
    let body = format!("{{\"name\":\"{}\"}}", "x".repeat(100_000));
    let answer = server.ask("POST", "/api/v1/cameras", &json, body.as_bytes());
    assert_eq!(answer.status, 413);
    let answer = server.ask("PATCH", "/api/v1/cameras/camera", &json, body.as_bytes());
    assert_eq!(answer.status, 413);
}

#[test]
fn what_is_no_http_is_answered_or_closed_and_does_no_harm() {
    let server = serve(&["test"]);
    let mut viewer = server.watch("/video_feed");
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /cameras/x/push HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET http://other.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n",
        b"GET /cameras/%ff%00/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /cameras/..%2f..%2fetc/snapshot.jpg HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"\r\n\r\n\r\n",
    ] {
        let mut socket = server.connect();
        socket
            .set_read_timeout(Some(Duration::from_secs(15)))
            .unwrap();
        socket.write_all(request).unwrap();
        let mut answer = [0; 64];
        // Whatever it says, it goes on serving.
        let _read = socket.read(&mut answer);
        assert!(
            !answer.starts_with(b"HTTP/1.1 5"),
            "{}",
            request.escape_ascii()
        );
    }
    viewer.until(server::Part::is_live);
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
