//! Attacks that hold connections by being slow, as slowhttptest does them, while others watch.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use server::{Beside, Server, beside, eventually, framecast};

/// Connections of one attack, all opened within a second.
const MANY: &str = "200";
/// Pictures a second that everyone watches.
const FPS: f64 = 10.0;

/// Open files of the server: connections, and a few of its own.
fn open_files(server: &Server) -> usize {
    let folder = format!("/proc/{}/fd", server.pid().as_raw_nonzero());
    fs::read_dir(folder).unwrap().count()
}

fn attack(server: &Server, path: &str, options: &[&str]) -> Beside {
    let mut command = Command::new("slowhttptest");
    command
        .args(["-c", MANY, "-r", MANY, "-l", "240", "-v", "0", "-u"])
        .arg(server.url(path))
        .args(options)
        .stdout(std::process::Stdio::null());
    beside(&mut command)
}

/// Watches for so long and tells how many pictures were missed, and how many there were.
fn watch(server: &Server, time: Duration) -> (u64, u64) {
    let mut viewer = server.watch("/video_feed");
    let start = Instant::now();
    let first = viewer.next().seq();
    let (mut last, mut seen) = (first, 0);
    while start.elapsed() < time {
        last = viewer.next().seq();
        seen += 1;
    }
    (last - first - seen, seen)
}

/// Three who watch while `meanwhile` goes on, each of whom must see nearly all there is.
fn undisturbed(server: &Server, meanwhile: impl FnOnce()) {
    let time = Duration::from_secs(12);
    thread::scope(|scope| {
        let viewers: Vec<_> = (0..3)
            .map(|_| scope.spawn(move || watch(server, time)))
            .collect();
        meanwhile();
        for viewer in viewers {
            let (missed, seen) = viewer.join().unwrap();
            assert!(missed * 10 <= seen, "missed {missed}, saw {seen}");
            let expected = time.as_secs_f64() * FPS;
            assert!(seen as f64 > 0.8 * expected, "{seen} of {expected}");
        }
    });
}

#[test]
fn slow_heads_bodies_and_readers_are_let_go_and_nobody_notices_them() {
    let camera = format!("test#size=160x120,fps={FPS}");
    let server = framecast().camera(&camera).spawn();
    let before = open_files(&server);
    let attacks = [
        ("/", &["-H", "-i", "2"][..]),
        (
            "/api/v1/cameras",
            &["-B", "-i", "2", "-s", "8000", "-f", "application/json"],
        ),
        (
            "/cameras/camera/stream.mjpg",
            &["-X", "-n", "2", "-z", "32"],
        ),
    ];
    let mut attackers = Vec::new();
    undisturbed(&server, || {
        attackers = attacks
            .map(|(path, options)| attack(&server, path, options))
            .into();
        eventually("the attack", || {
            let open = open_files(&server);
            (open > before + 500)
                .then_some(())
                .ok_or(format!("{open} files are open"))
        });
    });
    // The attackers still send or read a little now and then, which does not help.
    for (what, left) in [("slow heads and bodies", 250), ("slow readers", 10)] {
        eventually(&format!("an end of {what}"), || {
            let open = open_files(&server);
            (open < before + left)
                .then_some(())
                .ok_or(format!("{open} files are open"))
        });
    }
    assert_eq!(server.get("/healthz").status, 200);
    drop(attackers);
}
