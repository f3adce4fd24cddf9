//! Frames that are sent to the server, by the programs that people send them with.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    io::Write,
    net::TcpStream,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use server::{Open, Server, beside, colour, framecast, jpeg, python, run, serve, size};

const PUSH: &str = "/cameras/door/push";
const STREAM: &str = "/cameras/door/stream.mjpg";
const RED: [u8; 3] = [220, 30, 30];
const BLUE: [u8; 3] = [30, 30, 220];

fn is_red(jpeg: &[u8]) -> bool {
    let [red, _, blue] = colour(jpeg);
    red > 150 && blue < 100
}

/// Begins a request whose body does not end.
fn sender(server: &Server, content_type: &str) -> TcpStream {
    let mut socket = server.connect();
    let head = format!(
        "POST {PUSH} HTTP/1.1\r\nHost: {}\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n",
        server.address
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket
}

fn chunk(socket: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    write!(socket, "{:x}\r\n", bytes.len())?;
    socket.write_all(bytes)?;
    socket.write_all(b"\r\n")
}

#[test]
fn curl_sends_a_picture() {
    let server = serve(&["door=push"]);
    let mut viewer = server.watch(STREAM);
    let waiting = viewer.until(|part| !part.is_live());
    assert_eq!(size(&waiting.jpeg), (640, 480));
    let view = server.until_state("door", "no_signal");
    let reason = view["state"]["reason"].as_str().unwrap();
    assert!(reason.contains("waiting for a sender"), "{reason}");
    fs::write(server.path("red.jpg"), jpeg(320, 240, RED)).unwrap();
    let file = format!("@{}", server.path("red.jpg").display());
    let sent = run("curl", &["-sS", "--data-binary", &file, &server.url(PUSH)]);
    assert!(sent.status.success());
    assert_eq!(String::from_utf8_lossy(&sent.stdout), "1 frames\n");
    let part = viewer.until(server::Part::is_live);
    assert_eq!(size(&part.jpeg), (320, 240));
    assert!(is_red(&part.jpeg));
    // As an upload, too.
    let path = server.path("red.jpg").display().to_string();
    let sent = run("curl", &["-sS", "-T", &path, &server.url(PUSH)]);
    assert_eq!(String::from_utf8_lossy(&sent.stdout), "1 frames\n");
}

#[test]
fn a_python_script_sends_a_multipart_stream() {
    let script = r"
import sys, time, requests
picture = open(sys.argv[2], 'rb').read()
def parts():
    for _ in range(20):
        yield b'--frame\r\nContent-Type: image/jpeg\r\n\r\n' + picture + b'\r\n'
        time.sleep(0.1)
answer = requests.post(sys.argv[1], data=parts(),
    headers={'Content-Type': 'multipart/x-mixed-replace; boundary=frame'})
print(answer.status_code, answer.text)
";
    let server = serve(&["door=push"]);
    let mut viewer = server.watch(STREAM);
    viewer.next();
    let picture = server.path("red.jpg");
    fs::write(&picture, jpeg(320, 240, RED)).unwrap();
    let sending = Command::new(python())
        .args(["-c", script, &server.url(PUSH)])
        .arg(picture)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..10 {
        let part = viewer.until(server::Part::is_live);
        assert!(is_red(&part.jpeg));
    }
    let said = sending.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.starts_with("200 20 frames"), "{said}");
}

#[test]
fn ffmpeg_sends_a_stream() {
    for format in ["mpjpeg", "mjpeg"] {
        let server = serve(&["door=push"]);
        let mut viewer = server.watch(STREAM);
        let source = "testsrc=size=320x240:rate=10";
        let _ffmpeg = beside(
            Command::new("ffmpeg")
                .args(["-v", "error", "-re", "-f", "lavfi", "-i", source])
                .args(["-c:v", "mjpeg", "-f", format, "-method", "POST"])
                .arg(server.url(PUSH)),
        );
        let first = viewer.until(server::Part::is_live);
        assert_eq!(size(&first.jpeg), (320, 240), "{format}");
        let mut different = 0;
        let mut last = first.jpeg;
        for _ in 0..20 {
            let part = viewer.until(server::Part::is_live);
            different += usize::from(part.jpeg != last);
            last = part.jpeg;
        }
        assert!(different >= 15, "{format}: {different}");
        assert_eq!(
            server.camera("door")["counters"]["mended"]["cut"],
            serde_json::Value::Null
        );
    }
}

#[test]
fn a_request_for_each_picture_makes_no_camera_flicker() {
    let server = serve(&["door=push"]);
    let red = jpeg(320, 240, RED);
    let send = |server: &Server| {
        let answer = server.ask("POST", PUSH, &[("Content-Type", "image/jpeg")], &red);
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    let mut viewer = server.watch(STREAM);
    viewer.until(|part| !part.is_live());
    send(&server);
    viewer.until(server::Part::is_live);
    for pause in [500, 500, 1000, 1000, 1500] {
        thread::sleep(Duration::from_millis(pause));
        assert_eq!(server.camera("door")["state"]["state"], "live");
        send(&server);
        assert!(viewer.next().is_live(), "after {pause} ms");
    }
    // A sender that stays away is missed all the same.
    viewer.until(|part| !part.is_live());
    assert_eq!(server.camera("door")["counters"]["opened"], 1);
}

#[test]
fn a_second_sender_is_turned_away_and_the_first_goes_on() {
    let server = serve(&["door=push", "other=test"]);
    let mut viewer = server.watch(STREAM);
    viewer.next();
    let mut first = sender(&server, "image/jpeg");
    chunk(&mut first, &jpeg(64, 48, RED)).unwrap();
    viewer.until(server::Part::is_live);
    let second = server.ask("POST", PUSH, &[], &jpeg(64, 48, BLUE));
    assert_eq!(second.status, 409);
    assert_eq!(
        second.text(),
        "somebody else is sending to this camera already\n"
    );
    for _ in 0..5 {
        chunk(&mut first, &jpeg(64, 48, RED)).unwrap();
        assert!(is_red(&viewer.next().jpeg));
    }
    // Its place is free once it has left.
    drop(first);
    server::eventually("the place", || {
        let answer = server.ask("POST", PUSH, &[], &jpeg(64, 48, BLUE));
        (answer.status == 200).then_some(()).ok_or(answer.text())
    });
    assert!(!is_red(&viewer.until(server::Part::is_live).jpeg));
}

#[test]
fn what_a_sender_may_not_send_is_answered_and_concerns_nobody_else() {
    let text = "
        [limits]
        frame_bytes = \"64KiB\"
        push_rate = 10
        [cameras.door]
        source = \"push\"
        [cameras.other]
        source = \"test\"
        size = \"160x120\"
    ";
    let server = framecast().config(text).spawn();
    let mut other = server.watch("/cameras/other/stream.mjpg");
    let start = other.until(server::Part::is_live);
    let post = |headers: &[(&str, &str)], body: &[u8]| server.ask("POST", PUSH, headers, body);

    let garbage = post(&[], b"this is no picture, whatever it is called");
    assert_eq!(garbage.status, 400, "{}", garbage.text());
    assert_eq!(garbage.text().lines().count(), 1, "{}", garbage.text());
    assert_eq!(
        post(&[("Content-Type", "image/jpeg")], &[0; 1000]).status,
        400
    );
    assert_eq!(post(&[], b"").status, 400);

    let mut large = jpeg(64, 48, RED);
    large.splice(
        2..2,
        [0xff, 0xfe, 0xff, 0xfe].into_iter().chain([7; 0xfffc]),
    );
    for content_type in ["image/jpeg", "application/octet-stream"] {
        let answer = post(&[("Content-Type", content_type)], &large);
        assert_eq!(answer.status, 413, "{content_type}: {}", answer.text());
        assert_eq!(answer.text(), "a frame may have 65536 bytes at most\n");
    }
    // Announced only.
    let length = (1 << 30).to_string();
    let mut socket = server.connect();
    write!(
        socket,
        "POST {PUSH} HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n"
    )
    .unwrap();
    assert_eq!(Open::of(socket).unwrap().head.status, 413);

    let many = jpeg(64, 48, RED).repeat(30);
    let answer = post(&[], &many);
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert_eq!(answer.text(), "more than 10 frames a second\n");
    // Nor in requests of their own; a moment later it may go on.
    let one = jpeg(64, 48, RED);
    let statuses: Vec<u16> = (0..50).map(|_| post(&[], &one).status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    thread::sleep(Duration::from_millis(500));

    assert_eq!(post(&[], &jpeg(64, 48, RED)).status, 200);
    let answer = server.ask("POST", "/cameras/other/push", &[], &jpeg(64, 48, RED));
    assert_eq!(answer.status, 405);
    let answer = server.ask("POST", "/cameras/none/push", &[], &jpeg(64, 48, RED));
    assert_eq!(answer.status, 404);

    let (count, since) = (other.next(), Instant::now());
    let frames = count.seq() - start.seq();
    assert!(frames > 0 && since.elapsed() < Duration::from_secs(5));
    assert_eq!(server.camera("other")["counters"]["opened"], 1);
}

#[test]
fn a_broken_picture_among_good_ones_is_left_out_and_counted() {
    let server = serve(&["door=push"]);
    let mut viewer = server.watch(STREAM);
    viewer.next();
    let mut first = sender(&server, "multipart/x-mixed-replace; boundary=x");
    let good = jpeg(320, 240, RED);
    let broken = &good[..good.len() / 2];
    for body in [&good[..], broken, &good[..], broken, &good[..]] {
        let mut part = format!(
            "--x\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        part.extend_from_slice(body);
        part.extend_from_slice(b"\r\n");
        chunk(&mut first, &part).unwrap();
        thread::sleep(Duration::from_millis(100));
    }
    let view = server.until("door", |view| view["counters"]["frames"] == 3);
    let dropped = view["counters"]["dropped"].as_object().unwrap();
    let sum: u64 = dropped.values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(sum, 2, "{view}");
    assert!(is_red(&viewer.until(server::Part::is_live).jpeg));
}

#[test]
fn a_sender_may_begin_before_anybody_watches() {
    let server = serve(&["door=push"]);
    let mut first = sender(&server, "image/jpeg");
    let sending = thread::spawn(move || {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(4) {
            if chunk(&mut first, &jpeg(64, 48, RED)).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
    });
    thread::sleep(Duration::from_millis(500));
    assert_eq!(server.camera("door")["state"]["state"], "idle");
    let answer = server.get("/cameras/door/snapshot.jpg?max_age=0");
    assert_eq!(answer.status, 200);
    assert!(is_red(&answer.body));
    sending.join().unwrap();
}
