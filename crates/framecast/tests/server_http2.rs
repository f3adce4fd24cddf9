//! HTTP/2: streams beside each other on one connection, each as fresh as on its own, and clients that break its rules.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/link.rs"]
mod link;
#[path = "support/server.rs"]
mod server;
#[path = "support/tls.rs"]
mod tls;

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use link::Link;
use rustix::process::Signal;
use serde_json::Value;
use server::{Server, beside, eventually, framecast, python};
use tls::{Watching, ask, camera, curl, encrypted, try_ask, until};

const STREAM: &str = "/cameras/camera/stream.mjpg";
const H2: &[&str] = &["--http2"];

#[test]
fn one_connection_carries_many_streams() {
    let server = encrypted().camera("test#size=160x120,fps=5").spawn();
    let urls: Vec<String> = (0..12)
        .map(|n| server.url(&format!("{STREAM}?n={n}")))
        .collect();
    let mut command = curl(
        &server,
        &["--http2", "-N", "--parallel", "--parallel-max", "12"],
    );
    for url in &urls {
        command.args(["-o", "/dev/null", url]);
    }
    let watching = beside(&mut command);
    until(&server, "camera", |view| view["viewers"] == 12);
    let folder = format!("/proc/{}/fd", server.pid().as_raw_nonzero());
    let sockets = || {
        let files = fs::read_dir(&folder).unwrap().flatten();
        files
            .filter_map(|file| fs::read_link(file.path()).ok())
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count()
    };
    // One that listens, one that is shared, and whatever asks.
    assert!(sockets() < 8, "{}", sockets());
    assert_eq!(camera(&server, "camera")["counters"]["opened"], 1);
    drop(watching);
    until(&server, "camera", |view| view["viewers"] == 0);
}

#[test]
fn a_slow_viewer_sees_what_is_new_and_others_see_all() {
    let server = encrypted()
        .camera("test#size=480x270,fps=20,quality=80")
        .spawn();
    // The same holds for a connection that is the stream's own.
    let slow = [H2, &["--http1.1"]].map(|flags| {
        let link = Link::to(server.address, 60_000);
        let path = format!("https://{}{STREAM}", link.address());
        (flags, Watching::start(&server, flags, &path))
    });
    let mut fast = Watching::start(&server, H2, &server.url(STREAM));
    let (first, begun) = (fast.viewer.next().seq(), Instant::now());
    thread::scope(|scope| {
        for (flags, watching) in slow {
            scope.spawn(move || sees_what_is_new(flags, watching));
        }
        let (mut last, mut seen) = (first, 0);
        while begun.elapsed() < Duration::from_secs(5) {
            last = fast.viewer.next().seq();
            seen += 1;
        }
        let missed = last - first - seen;
        assert!(missed * 5 <= seen, "missed {missed}, saw {seen}");
    });
}

/// Watches through a link that is too slow for most of the pictures.
fn sees_what_is_new(flags: &[&str], mut slow: Watching) {
    // What was there before the link was full is not slow.
    for _ in 0..5 {
        slow.viewer.next();
    }
    let (mut before, mut skipped) = (slow.viewer.next().seq(), 0);
    let mut ages = Vec::new();
    for _ in 0..20 {
        let part = slow.viewer.next();
        skipped += part.seq() - before - 1;
        before = part.seq();
        ages.push(part.age());
    }
    ages.sort_by(f64::total_cmp);
    assert!(skipped > 5, "{flags:?}: the link is not slow: {ages:?}");
    // A picture takes a third of a second through the link, and what is on its way before it nearly as long. Held back by
    // 64 KiB of others, as hyper would by itself, it would be two seconds old.
    assert!(ages[10] < 1.4, "{flags:?}: {ages:?}");
    assert!(ages[19] < 2.0, "{flags:?}: {ages:?}");
}

#[test]
fn a_signal_ends_streams_whoever_reads_them() {
    let mut server = encrypted().camera("test#size=1280x720").spawn();
    let watching = [H2, &["--http1.1"]]
        .map(|flags| Watching::start(&server, flags, &server.url(STREAM)))
        .map(|mut watching| {
            thread::spawn(move || {
                while watching.viewer.part().is_ok() {}
                watching.curl.0.wait().unwrap()
            })
        });
    // One that nobody reads.
    let mut stuck = curl(&server, H2);
    let stuck = beside(stuck.arg(server.url(STREAM)).stdout(Stdio::piped()));
    until(&server, "camera", |view| view["viewers"] == 3);
    until(&server, "camera", |view| {
        view["counters"]["frames"].as_u64() > Some(30)
    });
    server.signal(Signal::TERM);
    let (status, time) = server.wait();
    assert!(status.success(), "{status}:\n{}", server.log());
    assert!(time < Duration::from_secs(4), "{time:?}");
    for watching in watching {
        let status = watching.join().unwrap();
        assert!(status.success(), "{status}: the stream was cut");
    }
    drop(stuck);
}

#[test]
fn a_stream_ends_with_its_permission() {
    let server = encrypted()
        .camera("test#size=160x120,fps=5")
        .user("anna", "correct horse", &["--role", "view"])
        .user("root", "battery staple", &["--role", "admin"])
        .spawn();
    let anna = ["--http2", "-u", "anna:correct horse"];
    let mut watching = Watching::start(&server, &anna, &server.url(STREAM));
    watching.viewer.until(server::Part::is_live);
    server.tell(&["user", "remove", "anna"], "");
    let begun = Instant::now();
    while watching.viewer.part().is_ok() {
        assert!(begun.elapsed() < server::PATIENCE, "it goes on");
    }
    let said = ask(&server, &[&anna[..], &[&server.url(STREAM)]].concat());
    assert_eq!(said.status, 401);
}

#[test]
fn a_full_server_says_so_on_a_connection_that_it_has() {
    let text = "[tls]\nself_signed = true\n[limits]\nconnections = 3\n[cameras]\ncamera = 'test'\n";
    let server = framecast().config(text).spawn();
    let mut command = curl(&server, &["--http2", "-N", "--parallel", "--max-time", "3"]);
    command.args(["--parallel-max", "5", "-w", "%{http_code}\n"]);
    for n in 0..5 {
        let url = server.url(&format!("{STREAM}?n={n}"));
        command.args(["-o", "/dev/null", &url]);
    }
    let said = command.output().unwrap();
    let mut codes: Vec<_> = std::str::from_utf8(&said.stdout).unwrap().lines().collect();
    codes.sort_unstable();
    // Two of them took places of their own, beside that of the connection.
    assert_eq!(codes, ["200", "200", "200", "503", "503"]);
    // All of them are free again.
    eventually("a place", || {
        let said = try_ask(&server, &[&server.url("/healthz")])?;
        (said.status == 200).then_some(()).ok_or(said.text())
    });
}

/// Resident megabytes.
fn memory(server: &Server) -> u64 {
    let status = format!("/proc/{}/status", server.pid().as_raw_nonzero());
    let status = fs::read_to_string(status).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    let kilobytes = line.split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() / 1024
}

#[test]
fn whoever_breaks_the_rules_is_told_so_and_nobody_else_notices() {
    const FPS: f64 = 10.0;
    let server = encrypted()
        .camera(&format!("test#size=160x120,fps={FPS}"))
        .spawn();
    let mut watching = Watching::start(&server, H2, &server.url(STREAM));
    let (first, begun) = (watching.viewer.next().seq(), Instant::now());
    let before = memory(&server);
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/support/http2_violations.py"
    );
    let attacker = Command::new(python())
        .args([
            script,
            "127.0.0.1",
            &server.address.port().to_string(),
            STREAM,
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let attack = thread::spawn(move || attacker.wait_with_output().unwrap());
    let (mut last, mut seen) = (first, 0);
    while !attack.is_finished() || seen < 20 {
        last = watching.viewer.next().seq();
        seen += 1;
    }
    let time = begun.elapsed();
    let output = attack.join().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let said = String::from_utf8(output.stdout).unwrap();
    let done: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(done.len() > 40, "{said}");
    let wrong: Vec<_> = done.iter().filter(|it| it["right"] != true).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let missed = last - first - seen;
    assert!(missed * 10 <= seen, "missed {missed} of {seen} in {time:?}");
    assert!(
        memory(&server) < before + 100,
        "{} MB, {before} MB before",
        memory(&server)
    );
    // What the attackers held is gone with them.
    until(&server, "camera", |view| view["viewers"] == 1);
}
