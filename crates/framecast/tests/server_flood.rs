//! Crowds of connections, more than there is room for: those who watch notice nothing, those who come are let in, and memory
//! stays as it was.
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

use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};
use server::{Server, beside, eventually, framecast};

/// Connections that the server lets in.
const ROOM: usize = 400;
/// Connections that say half a head and no more.
const FLOOD: usize = 1000;
/// Pictures a second that everyone watches.
const FPS: f64 = 10.0;

/// Memory of the server, in megabytes.
fn memory(server: &Server) -> f64 {
    let path = format!("/proc/{}/status", server.pid().as_raw_nonzero());
    let status = fs::read_to_string(path).unwrap();
    let (_, rest) = status.split_once("VmRSS:").unwrap();
    let kilobytes = rest.split_whitespace().next().unwrap();
    kilobytes.parse::<f64>().unwrap() / 1024.0
}

/// A figure of `/metrics`.
fn figure(server: &Server, name: &str) -> f64 {
    let text = server.get("/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
        .trim()
        .parse()
        .unwrap()
}

/// Files that this process may open, as many as the system allows.
fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

/// Says half of what it should on a connection of its own.
fn half_open(server: &Server) -> TcpStream {
    let mut socket = server.connect();
    // It may have been sent away already.
    let _said = socket.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n");
    socket
}

#[test]
fn more_half_open_connections_than_there_is_room_for_keep_nobody_out() {
    allow_files();
    let text = format!(
        "[limits]\nconnections = {ROOM}\n[cameras.camera]\nsource = \"test\"\nsize = \"160x120\"\nfps = {FPS}\n"
    );
    let server = framecast().config(&text).spawn();
    let mut viewer = server.watch("/video_feed");
    viewer.next();
    let before = memory(&server);
    let begun = Instant::now();
    thread::scope(|scope| {
        let watching = scope.spawn(move || {
            let first = viewer.next().seq();
            let (mut last, mut seen) = (first, 0);
            while begun.elapsed() < Duration::from_secs(6) {
                last = viewer.next().seq();
                seen += 1;
            }
            (last - first - seen, seen)
        });
        let flood: Vec<_> = (0..FLOOD).map(|_| half_open(&server)).collect();
        // New ones are let in though there is no room, and so is a viewer.
        for _ in 0..20 {
            assert_eq!(server.get("/healthz").status, 200);
        }
        server.watch("/video_feed").next();
        let gave_way = "framecast_connections_refused_total{reason=\"silent\"}";
        assert!(figure(&server, gave_way) >= (FLOOD - ROOM) as f64);
        assert!(figure(&server, "framecast_connections ") <= ROOM as f64);
        let full = "framecast_connections_refused_total{reason=\"full\"}";
        assert_eq!(figure(&server, full), 0.0);
        let more = memory(&server) - before;
        assert!(more < 32.0, "{more:.1} MB more for {ROOM} connections");
        let (missed, seen) = watching.join().unwrap();
        assert!(missed * 10 <= seen, "missed {missed}, saw {seen}");
        drop(flood);
    });
    eventually("an end of the flood", || {
        let open = figure(&server, "framecast_connections ");
        (open < 10.0).then_some(()).ok_or(format!("{open} open"))
    });
}

#[test]
fn connections_that_come_and_go_by_the_thousand_leave_nothing_behind() {
    let server = server::serve(&["test#size=64x48,fps=5"]);
    let many = |count: usize| {
        for _ in 0..count {
            assert_eq!(server.get("/healthz").status, 200);
        }
    };
    many(500);
    let before = memory(&server);
    many(3000);
    let more = memory(&server) - before;
    assert!(more < 8.0, "{more:.1} MB more after 3000 connections");
    assert!(figure(&server, "framecast_connections ") <= 2.0);
}

/// An address that is not this machine's own, in a network where nothing else is.
const ELSEWHERE: &str = "10.9.8.1";

#[test]
fn one_address_has_its_share_of_connections_and_is_told_so() {
    let setup = format!(
        "busybox ip link set lo up && busybox ip addr add {ELSEWHERE}/32 dev lo && exec \"$@\""
    );
    let (enter, leave): (&[&str], &[&str]) = if geteuid().is_root() {
        (&["--net"], &["--net"])
    } else {
        (
            &["--net", "--map-root-user"],
            &["--net", "--user", "--preserve-credentials"],
        )
    };
    let args = [enter, &["sh", "-c", &setup, "sh"]].concat();
    let server = framecast()
        .config("[limits]\nconnections_per_address = 3\n[cameras.camera]\nsource = \"test\"\n")
        .arg("--no-auth")
        .listen("0.0.0.0:5000")
        .by_way_of("unshare", &args)
        .spawn();
    let pid = server.pid().as_raw_nonzero().to_string();
    let curl = |path: &str, host: &str| {
        let mut command = Command::new("nsenter");
        command
            .args([&["--target", &pid], leave].concat())
            .args(["curl", "-sS", "--max-time", "60", "-w", "\n%{http_code}"])
            .arg(format!("http://{host}:5000{path}"));
        command
    };
    let answer = |path, host| {
        let said = curl(path, host).output().unwrap();
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    let viewers: Vec<_> = (0..3)
        .map(|_| beside(curl("/video_feed", ELSEWHERE).stdout(Stdio::null())))
        .collect();
    // Seen from where there is no limit, so that nobody takes a viewer's place.
    eventually("three viewers", || {
        let figures = answer("/metrics", "127.0.0.1");
        let three = figures.contains("framecast_camera_viewers{camera=\"camera\"} 3.0");
        three.then_some(()).ok_or(figures)
    });
    assert_eq!(
        answer("/healthz", ELSEWHERE),
        "too many connections from your address: close some, or try again in a moment\n\n429"
    );
    // Programs of this machine are none of its business, and other addresses neither.
    assert_eq!(answer("/healthz", "127.0.0.1"), "ok\n\n200");
    let figures = answer("/metrics", "127.0.0.1");
    let refused = figures.lines().find_map(|line| {
        line.strip_prefix("framecast_connections_refused_total{reason=\"address\"} ")
    });
    assert_eq!(refused, Some("1"), "{figures}");
    drop(viewers);
    eventually("room again", || {
        let said = answer("/healthz", ELSEWHERE);
        said.ends_with("200").then_some(()).ok_or(said)
    });
}

#[test]
fn a_mean_limit_of_open_files_is_told_and_kept() {
    let script = "ulimit -n 300 && exec \"$@\"";
    let server = framecast()
        .camera("test#size=64x48,fps=5")
        .by_way_of("sh", &["-c", script, "sh"])
        .spawn();
    let log = server.log();
    assert!(
        log.contains(
            "only 172 of 1000 `connections` are let in, for this process may open 300 files"
        ),
        "{log}"
    );
    // All that is let in is served: connections never use up the files that cameras need.
    let mut viewers: Vec<_> = (0..172).map(|_| server.watch("/video_feed")).collect();
    for _ in 0..20 {
        let refused = server.get("/healthz");
        assert_eq!(refused.status, 503);
        assert_eq!(
            refused.text(),
            "too many connections: try again in a moment\n"
        );
    }
    for viewer in &mut viewers {
        viewer.next();
    }
    assert!(!server.log().contains("no connection can be accepted"));
}

#[test]
fn the_limit_of_open_files_is_raised_as_far_as_connections_need() {
    let script = "ulimit -S -n 256 && exec \"$@\"";
    let server = framecast()
        .camera("test#size=64x48,fps=5")
        .by_way_of("sh", &["-c", script, "sh"])
        .spawn();
    let path = format!("/proc/{}/limits", server.pid().as_raw_nonzero());
    let limits = fs::read_to_string(path).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.unwrap().split_whitespace().nth(3).unwrap();
    assert_eq!(soft, "2024", "{limits}");
}
