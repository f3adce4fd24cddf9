//! Motion JPEG on the wire, byte by byte, as different viewers get it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    io::{BufRead, Read, Write},
    thread,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};

use server::{Open, Viewer, line, serve, size};

const STREAM: &str = "/cameras/camera/stream.mjpg";

#[test]
fn programs_get_parts_with_exact_lengths_rising_numbers_and_advancing_times() {
    let server = serve(&["test"]);
    let mut viewer = server.watch(STREAM);
    let (mut seq, mut taken) = (0, 0.0);
    for _ in 0..30 {
        let part = viewer.next();
        assert!(part.seq() > seq && part.taken() > taken, "{part:?}");
        (seq, taken) = (part.seq(), part.taken());
        assert!(part.is_live());
        assert_eq!(part.header("X-Framecast-Size"), Some("640x480"));
        assert_eq!(size(&part.jpeg), (640, 480));
        assert!((-0.1..5.0).contains(&part.age()), "{} s old", part.age());
    }
}

#[test]
fn browsers_get_the_next_headers_right_behind_each_picture() {
    let server = serve(&["test"]);
    let mut open = server.open("GET", &format!("{STREAM}?dialect=browser"), &[], b"");
    assert_eq!(line(&mut open.rest).unwrap(), "--framecast");
    assert_eq!(line(&mut open.rest).unwrap(), "Content-Type: image/jpeg");
    assert_eq!(line(&mut open.rest).unwrap(), "");
    // One frame a long time: what follows a picture must not wait for the next.
    let behind = b"\r\n--framecast\r\nContent-Type: image/jpeg\r\n\r\n";
    let mut bytes = Vec::new();
    let mut pictures = 0;
    while pictures < 3 {
        let read = open.rest.fill_buf().unwrap();
        assert!(!read.is_empty(), "the stream ended");
        let count = read.len();
        bytes.extend_from_slice(read);
        open.rest.consume(count);
        while let Some(at) = bytes.windows(behind.len()).position(|it| it == behind) {
            assert_eq!(size(&bytes[..at]), (640, 480));
            bytes.drain(..at + behind.len());
            pictures += 1;
        }
    }
}

#[test]
fn a_browser_need_not_wait_for_the_next_picture_to_see_this_one() {
    // So slow that whatever comes within the first seconds belongs to the first picture.
    let server = serve(&["test#fps=0.05"]);
    for (dialect, end) in [
        (
            "browser",
            "\r\n--framecast\r\nContent-Type: image/jpeg\r\n\r\n",
        ),
        ("program", "\r\n--framecast\r\n"),
    ] {
        let mut open = server.open("GET", &format!("{STREAM}?dialect={dialect}"), &[], b"");
        let socket = open.rest.get_ref().try_clone().unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(4)))
            .unwrap();
        let mut bytes = Vec::new();
        // Ends by the timeout: the stream itself goes on.
        let ended = open.rest.read_to_end(&mut bytes);
        assert!(ended.is_err(), "the stream ended");
        assert!(bytes.ends_with(end.as_bytes()), "{dialect}");
        let start = bytes.windows(2).position(|it| it == [0xff, 0xd8]).unwrap();
        assert_eq!(size(&bytes[start..bytes.len() - end.len()]), (640, 480));
    }
}

#[test]
fn who_asks_decides_the_dialect_unless_the_address_does() {
    let server = serve(&["test"]);
    let mozilla = (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) Firefox/153.0",
    );
    let image = ("Accept", "image/avif,image/webp,image/png,*/*;q=0.8");
    let chosen = |path: &str, headers: &[(&str, &str)]| {
        let mut open = server.open("GET", path, headers, b"");
        assert_eq!(line(&mut open.rest).unwrap(), "--framecast");
        let headers = server::headers(&mut open.rest).unwrap();
        match headers.iter().any(|(name, _)| name == "Content-Length") {
            true => "program",
            false => "browser",
        }
    };
    assert_eq!(chosen(STREAM, &[]), "program");
    assert_eq!(
        chosen(STREAM, &[("User-Agent", "Lavf/61.7.100")]),
        "program"
    );
    assert_eq!(chosen(STREAM, &[("Sec-Fetch-Dest", "image")]), "browser");
    assert_eq!(chosen(STREAM, &[("Sec-Fetch-Dest", "document")]), "browser");
    assert_eq!(
        chosen(STREAM, &[("Sec-Fetch-Dest", "empty"), mozilla, image]),
        "program"
    );
    // Browsers leave Sec-Fetch-Dest out towards a server without TLS.
    assert_eq!(chosen(STREAM, &[mozilla, image]), "browser");
    assert_eq!(chosen(STREAM, &[mozilla, ("Accept", "*/*")]), "program");
    let forced = |dialect| format!("{STREAM}?dialect={dialect}");
    assert_eq!(chosen(&forced("browser"), &[]), "browser");
    assert_eq!(
        chosen(&forced("program"), &[("Sec-Fetch-Dest", "image")]),
        "program"
    );
    assert_eq!(
        chosen(&format!("{STREAM}?advance_headers=1"), &[]),
        "browser"
    );
    let wrong = server.get(&forced("other"));
    assert_eq!(wrong.status, 400);
    assert_eq!(
        wrong.text(),
        "`other` is no dialect: it is `browser` or `program`\n"
    );
}

#[test]
fn nothing_between_server_and_viewer_is_invited_to_store_change_or_hold_back_a_stream() {
    let server = serve(&["test"]);
    for request in ["HTTP/1.0", "HTTP/1.1"] {
        let mut socket = server.connect();
        write!(socket, "GET {STREAM} {request}\r\nHost: camera\r\n\r\n").unwrap();
        let open = Open::of(socket).unwrap();
        let head = &open.head;
        // Ends with the connection: no chunks, whose sizes old programs would take for the stream.
        assert_eq!(head.version, "HTTP/1.0");
        assert_eq!(head.header("transfer-encoding"), None);
        assert_eq!(head.header("content-length"), None);
        assert_eq!(
            head.header("content-type"),
            Some("multipart/x-mixed-replace; boundary=framecast")
        );
        assert_eq!(head.header("cache-control"), Some("no-store, no-transform"));
        assert_eq!(head.header("x-accel-buffering"), Some("no"));
        let mut viewer = Viewer::of(open);
        viewer.next();
        viewer.next();
    }
}

#[test]
fn asking_for_the_head_of_a_stream_opens_no_camera() {
    let server = serve(&["test"]);
    let answer = server.ask("HEAD", STREAM, &[], b"");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("multipart/x-mixed-replace; boundary=framecast")
    );
    assert_eq!(server.camera("camera")["counters"]["opened"], 0);
    assert_eq!(server.camera("camera")["state"]["state"], "idle");
}

#[test]
fn a_viewer_gets_the_size_and_the_rate_that_it_asks_for() {
    let server = serve(&["test#size=640x480,fps=25"]);
    for (query, wanted) in [
        ("width=320", (320, 240)),
        ("w=320", (320, 240)),
        ("height=120", (160, 120)),
        ("h=120", (160, 120)),
        ("width=160&height=160", (160, 120)),
        // Nothing is made larger than the camera gives it.
        ("width=2000", (640, 480)),
        ("timestamp=1700000000&bypassCache=x", (640, 480)),
    ] {
        let mut viewer = server.watch(&format!("{STREAM}?{query}"));
        let part = viewer.until(server::Part::is_live);
        assert_eq!(size(&part.jpeg), wanted, "{query}");
        let size = format!("{}x{}", wanted.0, wanted.1);
        assert_eq!(part.header("X-Framecast-Size"), Some(&*size));
    }
    let weight = |query: &str| {
        let mut viewer = server.watch(&format!("{STREAM}?{query}"));
        viewer.until(server::Part::is_live).jpeg.len()
    };
    assert!(weight("quality=10") < weight("quality=90"));
    let mut viewer = server.watch(&format!("{STREAM}?fps=4"));
    viewer.next();
    let (first, start) = (viewer.next(), Instant::now());
    let last = (0..8).map(|_| viewer.next()).last().unwrap();
    let rate = 8.0 / (last.taken() - first.taken());
    // A loaded machine may lose frames, but never gives more than was asked for.
    assert!((1.0..4.8).contains(&rate), "{rate} a second");
    assert!(start.elapsed() >= Duration::from_millis(1_500));
}

#[test]
fn a_senseless_wish_is_answered_with_what_makes_sense() {
    let server = serve(&["test"]);
    for query in [
        "fps=0",
        "fps=x",
        "fps=-1",
        "fps=nan",
        "width=0",
        "width=-1",
        "height=1e9",
        "quality=0",
        "quality=101",
        "quality=",
    ] {
        for path in [STREAM, "/cameras/camera/snapshot.jpg"] {
            if path != STREAM && query.starts_with("fps") {
                continue;
            }
            let answer = server.get(&format!("{path}?{query}"));
            assert_eq!(answer.status, 400, "{path}?{query}");
            let text = answer.text();
            assert!(text.contains("it is a number from"), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    }
    assert_eq!(server.camera("camera")["counters"]["opened"], 0);
}

#[test]
fn a_slow_viewer_sees_fresh_pictures_and_slows_nobody_down() {
    let server = serve(&["test#size=1280x720,fps=20,quality=90"]);
    let mut fast = server.watch(STREAM);
    fast.until(server::Part::is_live);
    let watching = thread::spawn(move || {
        let start = Instant::now();
        let mut seqs = Vec::new();
        while start.elapsed() < Duration::from_secs(10) {
            seqs.push(fast.next().seq());
        }
        seqs
    });
    // A link of 200 kB a second for a stream that is much wider than that. What lies in the viewer's own kernel can't be
    // replaced by anybody, so it has no more than a narrow link would have in flight.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(32 * 1024).unwrap();
    socket.connect(&server.address.into()).unwrap();
    let mut socket = std::net::TcpStream::from(socket);
    socket.set_read_timeout(Some(server::PATIENCE)).unwrap();
    write!(socket, "GET {STREAM} HTTP/1.1\r\nHost: camera\r\n\r\n").unwrap();
    let mut slow = Viewer::of(Open::of(socket).unwrap());
    let (start, mut bytes) = (Instant::now(), 0);
    let mut seen: Vec<(u64, f64)> = Vec::new();
    while start.elapsed() < Duration::from_secs(10) {
        let part = slow.next();
        bytes += part.jpeg.len();
        seen.push((part.seq(), part.age()));
        let due = Duration::from_secs_f64(bytes as f64 / 200e3);
        thread::sleep(due.saturating_sub(start.elapsed()));
    }
    let fast = watching.join().unwrap();
    assert!(seen.len() >= 5, "{seen:?}");
    assert!(
        seen.windows(2).all(|pair| pair[0].0 < pair[1].0),
        "never the same, never an older one: {seen:?}"
    );
    // The slow one has skipped, and the fast one hardly: it got more of the same stream in the same time.
    assert!(fast.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(fast.len() > 2 * seen.len(), "{} {}", fast.len(), seen.len());
    // Two frames' time of its own link at most lie between camera and viewer once it has settled.
    let worst = seen.iter().skip(2).map(|(_, age)| *age);
    let worst = worst.fold(0.0, f64::max);
    assert!(worst < 2.0, "{worst} s old: {seen:?}");
    assert!(server.camera("camera")["counters"]["skipped_frames"].as_u64() > Some(0));
}
