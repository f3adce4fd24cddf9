//! From the first viewer to the last signal: what viewers see while cameras and the server come and go.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    io::Read,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use server::{Server, framecast, jpeg, serve, size};

/// A command that writes one JPEG after the other, and notes its process in a file.
const SHOUTS: &str = "exec:echo $$ > pid; while cat picture.jpg; do sleep 0.1; done";

/// A server in whose folder lies a picture for commands.
fn with_picture(cameras: &[&str]) -> Server {
    let start = framecast();
    fs::write(start.path("picture.jpg"), jpeg(64, 48, [200, 40, 40])).unwrap();
    cameras
        .iter()
        .fold(start, |start, camera| start.camera(camera))
        .spawn()
}

#[test]
fn a_hundred_viewers_are_one_capture() {
    let server = serve(&["test#size=160x120,fps=10"]);
    let mut viewers: Vec<_> = (0..100).map(|_| server.watch("/video_feed")).collect();
    for viewer in &mut viewers {
        viewer.until(server::Part::is_live);
    }
    let view = server.camera("camera");
    assert_eq!(view["viewers"], 100);
    assert_eq!(view["counters"]["opened"], 1);
    drop(viewers);
    server.until("camera", |view| view["viewers"] == 0);
}

#[test]
fn a_camera_closes_a_while_after_its_last_viewer_and_opens_for_the_next() {
    let server = serve(&["test#linger=2s"]);
    assert_eq!(server.camera("camera")["state"]["state"], "idle");
    drop(server.watch("/video_feed").next());
    let left = Instant::now();
    // Within the linger the next viewer finds it open.
    thread::sleep(Duration::from_millis(500));
    server.watch("/video_feed").next();
    assert_eq!(server.camera("camera")["counters"]["opened"], 1);
    server.until_state("camera", "idle");
    assert!(left.elapsed() >= Duration::from_secs(2));
    server.watch("/video_feed").next();
    assert_eq!(server.camera("camera")["counters"]["opened"], 2);
}

#[test]
fn a_camera_that_lingers_for_ever_stays_open_after_its_viewers() {
    let server = serve(&["test#linger=never"]);
    assert_eq!(server.camera("camera")["state"]["state"], "idle");
    server.watch("/video_feed").next();
    server.until("camera", |view| view["viewers"] == 0);
    thread::sleep(Duration::from_secs(2));
    assert_eq!(server.camera("camera")["state"]["state"], "live");
}

#[test]
fn viewers_of_a_camera_that_dies_stay_and_see_it_come_back() {
    let server = with_picture(&[SHOUTS]);
    let mut viewer = server.watch("/video_feed");
    let live = viewer.until(server::Part::is_live);
    assert_eq!(size(&live.jpeg), (64, 48));
    let pid = fs::read_to_string(server.path("pid")).unwrap();
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let lost = viewer.until(|part| !part.is_live());
    assert!(lost.seq() > live.seq());
    // A picture of the same size that says so.
    assert_eq!(size(&lost.jpeg), (64, 48));
    let view = server.until("camera", |view| view["counters"]["opened"] == 2);
    assert!(view["viewers"] == 1, "{view}");
    let back = viewer.until(server::Part::is_live);
    assert!(back.seq() > lost.seq());
    server.until_state("camera", "live");
}

#[test]
fn the_interface_says_why_a_camera_is_lost_and_when_it_is_tried_again() {
    let server = with_picture(&["exec:cat picture.jpg; echo the cable is out >&2; exit 3"]);
    let mut viewer = server.watch("/video_feed");
    let view = server.until_state("camera", "lost");
    let reason = view["state"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("exit status 3: the cable is out"),
        "{reason}"
    );
    assert!(view["state"]["retry_in"].is_number());
    viewer.until(|part| !part.is_live());
    // It goes on trying for as long as somebody watches.
    server.until("camera", |view| {
        view["counters"]["opened"].as_u64() >= Some(3)
    });
    drop(viewer);
    server.until_state("camera", "idle");
}

#[test]
fn a_camera_that_cannot_be_made_shows_its_fault_while_others_run() {
    let text = "
        [cameras.good]
        source = \"test\"
        [cameras.bad]
        source = \"pi\"
        [cameras.gone]
        source = \"exec:no-such-program-anywhere\"
    ";
    let server = framecast().config(text).spawn();
    server
        .watch("/cameras/good/stream.mjpg")
        .until(server::Part::is_live);
    for (name, why) in [("bad", "pi"), ("gone", "no-such-program-anywhere")] {
        let mut viewer = server.watch(&format!("/cameras/{name}/stream.mjpg"));
        let part = viewer.until(|part| !part.is_live());
        assert_eq!(size(&part.jpeg), (640, 480));
        let view = server.until(name, |view| view["state"]["reason"].is_string());
        let reason = view["state"]["reason"].as_str().unwrap();
        assert!(reason.contains(why), "{name}: {reason}");
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn a_snapshot_is_as_fresh_as_is_asked_for() {
    let server = serve(&["test#fps=5"]);
    let first = server.get("/snapshot?max_age=0");
    assert_eq!(first.status, 200);
    assert_eq!(first.size(), (640, 480));
    assert_eq!(first.header("x-framecast-online"), Some("true"));
    assert_eq!(first.header("x-framecast-size"), Some("640x480"));
    assert_eq!(
        first.header("cache-control"),
        Some("no-store, no-transform")
    );
    let asked = server::now();
    let taken = |answer: &server::Answer| -> f64 {
        let header = answer.header("x-timestamp").unwrap();
        header.parse().unwrap()
    };
    let fresh = server.get("/snapshot?max_age=0");
    assert!(taken(&fresh) >= asked - 0.001);
    // Any picture of the running camera does, which is there at once.
    let any = server.get("/snapshot?max_age=1h");
    assert!(taken(&any) >= taken(&fresh));
    assert_eq!(server.camera("camera")["counters"]["opened"], 1);
    let small = server.get("/snapshot?width=100&quality=30");
    assert_eq!(small.size().0, 100);
    assert_eq!(server.get("/snapshot?max_age=soon").status, 400);
    assert_eq!(server.get("/snapshot?timeout=2h").status, 400);
}

#[test]
fn a_snapshot_of_a_camera_without_a_picture_ends_in_time_with_one_that_says_so() {
    let server = with_picture(&["exec:sleep 1000"]);
    let start = Instant::now();
    let answer = server.get("/snapshot?timeout=300ms");
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(answer.status, 504, "too early even for a stand-in");
    assert!(answer.text().contains("no picture within 300ms"));
    let answer = server.get("/snapshot?timeout=3");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("content-type"), Some("image/jpeg"));
    assert_eq!(answer.header("x-framecast-online"), Some("false"));
    assert_eq!(answer.size(), (640, 480));
}

#[test]
fn a_signal_ends_the_server_in_order_whoever_is_watching() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = with_picture(&["test#size=160x120", &format!("shell={SHOUTS}")]);
        let mut viewers: Vec<_> = (0..100).map(|_| server.watch("/video_feed")).collect();
        let mut other = server.watch("/cameras/shell/stream.mjpg");
        other.until(server::Part::is_live);
        viewers.iter_mut().for_each(|viewer| {
            viewer.next();
        });
        let pid = fs::read_to_string(server.path("pid")).unwrap();
        server.signal(signal);
        let (status, time) = server.wait();
        assert!(status.success(), "{status}:\n{}", server.log());
        assert!(time < Duration::from_secs(3), "{time:?}");
        for mut viewer in viewers {
            while viewer.part().is_ok() {}
        }
        let path = format!("/proc/{}", pid.trim());
        assert!(!fs::exists(path).unwrap(), "the camera's command goes on");
    }
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    // A command that does not want to end holds up the first.
    let stubborn = "exec:trap '' TERM; while cat picture.jpg; do sleep 0.1; done";
    let mut server = with_picture(&[stubborn]);
    server.watch("/video_feed").until(server::Part::is_live);
    server.signal(Signal::TERM);
    server::eventually("stopping", || {
        let log = server.log();
        log.contains("stopping").then_some(()).ok_or(log)
    });
    server.signal(Signal::TERM);
    let (status, time) = server.wait();
    assert_eq!(status.code(), Some(130), "{}", server.log());
    assert!(time < Duration::from_secs(1), "{time:?}");
}

#[test]
fn a_stream_that_nobody_reads_does_not_hold_up_the_end() {
    let mut server = serve(&["test#size=1280x720"]);
    let stuck = server.open("GET", "/video_feed", &[], b"");
    server.until("camera", |view| {
        view["counters"]["frames"].as_u64() > Some(30)
    });
    server.signal(Signal::TERM);
    let (status, time) = server.wait();
    assert!(status.success(), "{status}");
    assert!(time < Duration::from_secs(4), "{time:?}");
    let mut rest = stuck.rest;
    let _ended = rest.read_to_end(&mut Vec::new());
}

#[test]
fn an_address_that_is_taken_is_said_so_in_one_line() {
    let server = serve(&["test"]);
    let second = framecast()
        .listen(&server.address.to_string())
        .camera("test")
        .output();
    assert_eq!(second.status.code(), Some(1));
    let text = String::from_utf8(second.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("another program has it"), "{text}");
}

#[test]
fn cameras_are_not_shown_to_the_network_by_accident() {
    let closed = framecast().listen("0.0.0.0:0").camera("test").spawn();
    assert_eq!(closed.get("/video_feed").status, 401);
    let server = framecast()
        .listen("0.0.0.0:0")
        .arg("--no-auth")
        .camera("test")
        .spawn();
    assert!(server.log().contains("everyone who can reach this machine"));
}

#[test]
fn health_readiness_and_figures_are_there_for_supervisors() {
    let server = serve(&["test"]);
    assert_eq!(server.get("/healthz").text(), "ok\n");
    assert_eq!(server.get("/readyz").text(), "ready\n");
    let mut viewer = server.watch("/video_feed");
    viewer.until(server::Part::is_live);
    let metrics = server.get("/metrics");
    let kind = metrics.header("content-type").unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = metrics.text();
    for line in [
        "framecast_camera_up{camera=\"camera\"} 1",
        "framecast_camera_viewers{camera=\"camera\"} 1",
        "framecast_camera_opened_total{camera=\"camera\"} 1",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    let stage = "framecast_frame_latency_seconds_count{camera=\"camera\",stage=\"socket\"}";
    assert!(text.contains(stage), "{text}");
}
