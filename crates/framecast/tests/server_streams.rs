//! Connections that a stream has to itself: how viewers come to one, what they may say on it, and how they leave.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    io::{BufRead, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    thread,
    time::{Duration, Instant},
};

use server::{Open, Part, Viewer, framecast, headers, line, serve, size};

const STREAM: &str = "/cameras/camera/stream.mjpg";
/// A camera whose next picture is far away.
const SLOW: &str = "test#size=64x48,fps=0.02,linger=100ms";

#[test]
fn a_viewer_that_leaves_between_two_pictures_is_noticed_at_once() {
    let leave: [fn(Viewer) -> Option<Viewer>; 2] = [
        |viewer| {
            drop(viewer);
            None
        },
        // It says that it will ask for nothing more, and waits.
        |viewer| {
            viewer.socket().shutdown(Shutdown::Write).unwrap();
            Some(viewer)
        },
    ];
    for leave in leave {
        let server = serve(&[SLOW]);
        let mut viewer = server.watch(STREAM);
        viewer.next();
        let left = Instant::now();
        let _waits = leave(viewer);
        server.until("camera", |view| view["viewers"] == 0);
        server.until_state("camera", "idle");
        assert!(left.elapsed() < Duration::from_secs(25));
    }
}

#[test]
fn what_a_viewer_says_behind_its_request_is_ignored() {
    let server = serve(&["test#size=64x48,fps=20"]);
    let mut socket = server.connect();
    // A second request in the same breath, and then all sorts of things.
    let request = format!("GET {STREAM} HTTP/1.1\r\nHost: camera\r\n\r\n");
    socket.write_all(request.repeat(2).as_bytes()).unwrap();
    let mut talking = socket.try_clone().unwrap();
    let mut viewer = Viewer::of(Open::of(socket).unwrap());
    for _ in 0..20 {
        talking.write_all(&[b'x'; 10_000]).unwrap();
        viewer.next();
    }
    let view = server.camera("camera");
    assert_eq!(view["viewers"], 1);
}

#[test]
fn a_connection_that_was_used_before_can_become_a_stream() {
    let server = serve(&["test#size=64x48"]);
    let mut socket = server.connect();
    for _ in 0..3 {
        write!(socket, "GET /healthz HTTP/1.1\r\nHost: camera\r\n\r\n").unwrap();
        let mut open = Open::of(socket).unwrap();
        let mut body = [0; 3];
        open.rest.read_exact(&mut body).unwrap();
        assert_eq!(&body, b"ok\n");
        socket = open.rest.into_inner();
    }
    write!(
        socket,
        "GET {STREAM} HTTP/1.1\r\nHost: camera\r\nConnection: keep-alive\r\n\r\n"
    )
    .unwrap();
    let mut viewer = Viewer::of(Open::of(socket).unwrap());
    viewer.until(Part::is_live);
}

#[test]
fn a_stream_begins_with_the_picture_that_is_there() {
    let server = serve(&["test#size=64x48,fps=0.02"]);
    let mut first = server.watch(STREAM);
    let shown = first.until(Part::is_live);
    for _ in 0..5 {
        let mut viewer = server.watch(STREAM);
        assert_eq!(viewer.next().seq(), shown.seq());
    }
}

#[test]
fn the_parts_of_many_viewers_are_those_of_one() {
    let server = serve(&["test#size=64x48,fps=10"]);
    let mut viewers: Vec<_> = (0..30).map(|_| server.watch(STREAM)).collect();
    for viewer in &mut viewers {
        let part = viewer.until(Part::is_live);
        assert_eq!(size(&part.jpeg), (64, 48));
        assert_eq!(part.header("X-Framecast-Size"), Some("64x48"));
    }
    let mut browser = server.open("GET", &format!("{STREAM}?dialect=browser"), &[], b"");
    assert_eq!(line(&mut browser.rest).unwrap(), "--framecast");
    for _ in 0..3 {
        let headers = headers(&mut browser.rest).unwrap();
        assert_eq!(
            headers,
            [("Content-Type".to_owned(), "image/jpeg".to_owned())]
        );
        let mut jpeg = Vec::new();
        while !jpeg.ends_with(b"\r\n--framecast\r\n") {
            assert!(browser.rest.read_until(b'\n', &mut jpeg).unwrap() > 0);
        }
        jpeg.truncate(jpeg.len() - "\r\n--framecast\r\n".len());
        assert_eq!(size(&jpeg), (64, 48));
    }
    let view = server.camera("camera");
    assert_eq!(view["viewers"], 31);
    drop(browser);
    drop(viewers);
    let view = server.until("camera", |view| view["viewers"] == 0);
    let counters = &view["counters"];
    let (frames, bytes) = (
        counters["sent_frames"].as_u64().unwrap(),
        counters["sent_bytes"].as_u64().unwrap(),
    );
    assert!(frames >= 33, "{counters}");
    // Each is some hundred bytes, and none was counted twice.
    let taken = counters["frames"].as_u64().unwrap() * 31;
    assert!(frames <= taken, "{counters}");
    assert!((100..20_000).contains(&(bytes / frames)), "{counters}");
}

#[test]
fn a_stream_on_a_unix_socket_is_the_same() {
    let start = framecast().camera("test#size=64x48");
    let path = start.path("socket");
    let server = start.listen(&format!("unix:{}", path.display())).spawn();
    let mut socket = UnixStream::connect(&path).unwrap();
    socket.set_read_timeout(Some(server::PATIENCE)).unwrap();
    write!(socket, "GET {STREAM} HTTP/1.1\r\nHost: camera\r\n\r\n").unwrap();
    let mut stream = std::io::BufReader::new(socket);
    assert_eq!(line(&mut stream).unwrap(), "HTTP/1.0 200 OK");
    headers(&mut stream).unwrap();
    assert_eq!(line(&mut stream).unwrap(), "--framecast");
    for _ in 0..3 {
        let headers = headers(&mut stream).unwrap();
        let length = headers.iter().find(|(name, _)| name == "Content-Length");
        let mut jpeg = vec![0; length.unwrap().1.parse().unwrap()];
        stream.read_exact(&mut jpeg).unwrap();
        assert_eq!(size(&jpeg), (64, 48));
        assert_eq!(line(&mut stream).unwrap(), "");
        assert_eq!(line(&mut stream).unwrap(), "--framecast");
    }
    drop(server);
}

#[test]
fn viewers_that_read_nothing_cost_little_and_leave_no_trace() {
    let server = serve(&["test#size=320x240,fps=30"]);
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let line = status.lines().find(|it| it.starts_with("VmRSS:")).unwrap();
        let number = line.split_whitespace().nth(1).unwrap();
        number.parse::<u64>().unwrap()
    };
    let mut fast = server.watch(STREAM);
    fast.until(Part::is_live);
    let before = resident();
    let stuck: Vec<_> = (0..100)
        .map(|_| server.open("GET", STREAM, &[], b""))
        .collect();
    server.until("camera", |view| view["viewers"] == 101);
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until {
        fast.next();
    }
    // In kilobytes; a picture is some twenty.
    let each = resident().saturating_sub(before) / 100;
    assert!(each < 200, "{each} kB for a viewer that reads nothing");
    drop(stuck);
    server.until("camera", |view| view["viewers"] == 1);
}

#[test]
fn a_camera_that_is_removed_ends_its_streams() {
    let server = serve(&["test#size=64x48"]);
    let added = server.json(
        "POST",
        "/api/v1/cameras",
        &serde_json::json!({"name": "other", "source": "test"}),
    );
    assert_eq!(added.status, 201, "{}", added.text());
    let mut viewer = server.watch("/cameras/other/stream.mjpg");
    viewer.next();
    let removing = thread::spawn(move || while viewer.part().is_ok() {});
    let removed = server.ask("DELETE", "/api/v1/cameras/other", &[], b"");
    assert_eq!(removed.status, 204, "{}", removed.text());
    removing.join().unwrap();
}
