//! VLC shows the stream.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use server::{PATIENCE, eventually, framecast, serve};

/// Pictures that VLC writes out of what it shows: one in ten.
const WANTED: usize = 5;

#[test]
fn vlc_plays_the_stream() {
    let server = serve(&["door=test"]);
    plays(&server.url("/cameras/door/stream.mjpg"));
}

#[test]
fn vlc_plays_the_stream_with_a_name_and_a_password() {
    let server = framecast()
        .camera("door=test")
        .user("anna", "horse-battery", &[])
        .spawn();
    let url = server.url("/cameras/door/stream.mjpg");
    plays(&url.replace("://", "://anna:horse-battery@"));
}

#[test]
fn vlc_plays_what_was_recorded() {
    let start = framecast();
    let path = start.path("recordings");
    let config = format!(
        "[recordings]\npath = \"{}\"\nmin_free = 0\n[cameras.door]\nsource = \"test\"\nrecord = \"always\"\n",
        path.display()
    );
    let server = start.config(&config).spawn();
    eventually("eight seconds of recording", || {
        match server.get("/cameras/door/snapshot.jpg?at=-8s").status {
            200 => Ok(()),
            status => Err(status.to_string()),
        }
    });
    // Slower than real, so that it never comes to be live.
    plays(&server.url("/cameras/door/stream.mjpg?at=-8s&speed=0.5&session=vlc-test"));
    let session = server.get("/api/v1/cameras/door/playback/vlc-test").value();
    assert_eq!(session["live"], false, "{session}");
}

#[test]
fn vlc_opens_what_was_recorded_and_what_was_exported_as_files() {
    let start = framecast();
    let path = start.path("recordings");
    let config = format!(
        "[recordings]\npath = {path:?}\nmin_free = 0\n[cameras.door]\nsource = \"test\"\nrecord = \"always\"\n"
    );
    let mut server = start.config(&config).spawn();
    eventually("eight seconds of recording", || {
        match server.get("/cameras/door/snapshot.jpg?at=-8s").status {
            200 => Ok(()),
            status => Err(status.to_string()),
        }
    });
    // Where others may read.
    let open = tempfile::tempdir().unwrap();
    fs::set_permissions(open.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let exported = open.path().join("exported.mp4");
    fs::write(&exported, server.get("/cameras/door/export.mp4").body).unwrap();
    let mut recorded = Vec::new();
    let copy = |name: &str| {
        let day = fs::read_dir(path.join("door")).unwrap().next().unwrap();
        let file = fs::read_dir(day.unwrap().path()).unwrap().next().unwrap();
        let copy = open.path().join(name);
        fs::copy(file.unwrap().path(), &copy).unwrap();
        copy
    };
    recorded.push(copy("growing.mkv"));
    server.signal(Signal::TERM);
    server.wait();
    recorded.push(copy("complete.mkv"));
    for file in recorded.iter().chain([&exported]) {
        plays(file.to_str().unwrap());
    }
}

/// VLC shows what is at an address.
#[track_caller]
fn plays(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    // VLC will not run as root, as tests in containers do.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let mut vlc = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "cvlc"]);
        command
    } else {
        Command::new("cvlc")
    };
    let mut vlc = vlc
        .args([
            "--quiet",
            "--no-audio",
            "--vout=dummy",
            "--video-filter=scene",
        ])
        .args(["--scene-format=png", "--scene-ratio=10"])
        .arg(format!("--scene-path={}", folder.path().display()))
        .arg(url)
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let shown = || {
        fs::read_dir(folder.path())
            .unwrap()
            .filter(|entry| {
                let path = entry.as_ref().unwrap().path();
                path.extension().is_some_and(|ending| ending == "png")
            })
            .count()
    };
    let deadline = Instant::now() + PATIENCE;
    while shown() < WANTED && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(100));
    }
    let shown = shown();
    let group = Pid::from_child(&vlc);
    let _ended = kill_process_group(group, Signal::KILL);
    vlc.wait().unwrap();
    assert!(shown >= WANTED, "VLC showed {shown} pictures");
}
