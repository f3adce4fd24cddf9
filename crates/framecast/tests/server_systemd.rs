//! Under a supervisor: sockets that are handed over, and being told what goes on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::FileTypeExt,
        net::{UnixDatagram, UnixListener},
    },
    time::{Duration, Instant},
};

use rustix::process::Signal;
use server::{framecast, run};

/// What the server tells on its notification socket until `last` has come.
fn told(socket: &UnixDatagram, last: &str) -> Vec<String> {
    socket.set_read_timeout(Some(server::PATIENCE)).unwrap();
    let mut told = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        let count = socket.recv(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
        told.extend(text.lines().map(str::to_owned));
        if text.lines().any(|line| line == last) {
            return told;
        }
    }
}

#[test]
fn the_supervisor_hears_when_it_is_ready_alive_reloading_and_stopping() {
    let start = framecast();
    let path = start.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut server = start
        .config("[cameras.camera]\nsource = \"test\"\n")
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "400000")
        .spawn();
    told(&socket, "READY=1");
    assert_eq!(server.get("/readyz").status, 200);
    let since = Instant::now();
    for _ in 0..5 {
        told(&socket, "WATCHDOG=1");
    }
    // Five times in half the period each, the first at once.
    assert!(since.elapsed() >= Duration::from_millis(700));
    server.signal(Signal::HUP);
    let reloading = told(&socket, "RELOADING=1").join(" ") + &told(&socket, "READY=1").join(" ");
    // systemd takes a reload for one only with the time at which it began.
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    server.signal(Signal::TERM);
    told(&socket, "STOPPING=1");
    let (status, _) = server.wait();
    assert!(status.success());
}

#[test]
fn a_socket_of_systemd_is_served() {
    // Any free port: it is systemd's to bind.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let start = framecast().camera("test").listens_elsewhere();
    let log = start.path("log");
    let mut activate = std::process::Command::new("systemd-socket-activate");
    activate
        .args([
            "-l",
            &address.to_string(),
            "-E",
            "CAMERA=test",
            server::FRAMECAST,
        ])
        .stderr(fs::File::create(&log).unwrap());
    let _activate = server::beside(&mut activate);
    // The first connection starts it, and is answered.
    server::eventually("an answer", || {
        let url = format!("http://{address}/healthz");
        let said = run("curl", &["-sS", "--max-time", "10", &url]);
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        (text == "ok\n").then_some(()).ok_or_else(|| {
            let error = String::from_utf8_lossy(&said.stderr).into_owned();
            format!("{text}{error}{}", fs::read_to_string(&log).unwrap())
        })
    });
    let log = fs::read_to_string(&log).unwrap();
    assert!(
        log.contains(&format!("watch at http://{address}/")),
        "{log}"
    );
}

#[test]
fn a_unix_socket_is_listened_on_taken_over_and_removed() {
    let start = framecast().camera("test#size=160x120");
    let path = start.path("framecast.sock");
    // One that an earlier run left behind.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let mut server = start.listen(&format!("unix:{}", path.display())).spawn();
    assert!(fs::metadata(&path).unwrap().file_type().is_socket());
    let text = path.display().to_string();
    let said = run(
        "curl",
        &["-sS", "--unix-socket", &text, "http://camera/healthz"],
    );
    assert_eq!(String::from_utf8_lossy(&said.stdout), "ok\n");
    let stream = run(
        "curl",
        &[
            "-sS",
            "--max-time",
            "2",
            "--unix-socket",
            &text,
            "http://camera/video_feed",
        ],
    );
    let parts = stream.stdout.windows(11).filter(|it| it == b"--framecast");
    assert!(parts.count() > 5);
    // Somebody is there: no second one takes its place.
    let second = framecast()
        .camera("test")
        .listen(&format!("unix:{text}"))
        .output();
    assert_eq!(second.status.code(), Some(1));
    server.signal(Signal::TERM);
    assert!(server.wait().0.success());
    assert!(!path.exists(), "the socket's file was left behind");
}

#[test]
fn several_addresses_are_listened_on_at_once() {
    let start = framecast().camera("test");
    let path = start.path("second.sock");
    let server = start
        .listen("127.0.0.1:0")
        .arg("--listen")
        .arg(format!("unix:{}", path.display()))
        .spawn();
    assert_eq!(server.get("/healthz").status, 200);
    let text = path.display().to_string();
    let said = run(
        "curl",
        &["-sS", "--unix-socket", &text, "http://camera/healthz"],
    );
    assert_eq!(String::from_utf8_lossy(&said.stdout), "ok\n");
}
