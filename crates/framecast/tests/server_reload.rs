//! A changed configuration file counts without a restart, and viewers stay.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{fs, thread, time::Duration};

use rustix::process::Signal;
use server::{Server, framecast, size};

const BEFORE: &str = "
    [cameras.same]
    source = \"test\"
    size = \"160x120\"
    [cameras.other]
    source = \"test\"
    size = \"160x120\"
    [cameras.gone]
    source = \"test\"
    size = \"160x120\"
";

const AFTER: &str = "
    [cameras.same]
    source = \"test\"
    size = \"160x120\"
    [cameras.other]
    source = \"test\"
    size = \"320x240\"
    [cameras.new]
    source = \"test\"
    size = \"64x48\"
";

fn stream(name: &str) -> String {
    format!("/cameras/{name}/stream.mjpg")
}

/// Changes the file in the way of `write` and looks at what becomes of the viewers.
fn reload(write: impl Fn(&Server)) {
    let server = framecast().config(BEFORE).spawn();
    let [mut same, mut other, mut gone] = ["same", "other", "gone"].map(|name| {
        let mut viewer = server.watch(&stream(name));
        viewer.until(server::Part::is_live);
        viewer
    });
    write(&server);
    server::eventually("the reload", || {
        let log = server.log();
        let done = log.contains("configuration reloaded: 1 added, 1 changed, 1 removed");
        done.then_some(()).ok_or(log)
    });
    // One that was removed ends, one that was changed goes on as it is now, one that was not did not notice.
    while gone.part().is_ok() {}
    let part = other.until(|part| part.is_live() && size(&part.jpeg) == (320, 240));
    assert!(part.seq() > 1);
    same.next();
    same.next();
    assert_eq!(server.camera("same")["counters"]["opened"], 1);
    assert_eq!(server.camera("other")["counters"]["opened"], 2);
    assert_eq!(server.get("/cameras/gone/snapshot.jpg").status, 404);
    assert_eq!(server.get("/cameras/new/snapshot.jpg").size(), (64, 48));
}

#[test]
fn a_changed_file_is_noticed() {
    reload(|server| fs::write(server.path("framecast.toml"), AFTER).unwrap());
}

#[test]
fn a_file_that_an_editor_puts_in_place_of_the_old_one_is_noticed() {
    reload(|server| {
        fs::write(server.path("new"), AFTER).unwrap();
        fs::rename(server.path("new"), server.path("framecast.toml")).unwrap();
    });
}

#[test]
fn sighup_reads_the_file_again() {
    let server = framecast().config(BEFORE).spawn();
    let mut viewer = server.watch(&stream("same"));
    viewer.next();
    server.signal(Signal::HUP);
    server::eventually("the reload", || {
        let log = server.log();
        let done = log.contains("configuration reloaded: 0 added, 0 changed, 0 removed");
        done.then_some(()).ok_or(log)
    });
    viewer.next();
    assert_eq!(server.camera("same")["counters"]["opened"], 1);
}

#[test]
fn a_mistake_in_a_changed_file_changes_nothing() {
    let server = framecast().config(BEFORE).spawn();
    let mut viewer = server.watch(&stream("gone"));
    viewer.next();
    let wrong = AFTER.replace("source = \"test\"", "sorce = \"test\"");
    fs::write(server.path("framecast.toml"), wrong).unwrap();
    server::eventually("the complaint", || {
        let log = server.log();
        let done = log.contains("the configuration was not reloaded")
            && log.contains("`source` in [cameras.new] is missing");
        done.then_some(()).ok_or(log)
    });
    viewer.next();
    assert_eq!(server.get("/cameras/new/snapshot.jpg").status, 404);
    // Once mended, it counts.
    fs::write(server.path("framecast.toml"), AFTER).unwrap();
    server::eventually("the new camera", || {
        let status = server.get("/cameras/new/snapshot.jpg").status;
        (status == 200).then_some(()).ok_or(status.to_string())
    });
}

#[test]
fn other_rules_for_an_open_camera_do_not_open_it_again() {
    let server = framecast().config(BEFORE).spawn();
    let mut viewer = server.watch(&stream("same"));
    viewer.until(server::Part::is_live);
    let patient = format!("[defaults]\nlinger = \"1min\"\n{BEFORE}");
    fs::write(server.path("framecast.toml"), patient).unwrap();
    server.until("same", |view| view["settings"]["linger"] == "1m");
    viewer.next();
    assert_eq!(server.camera("same")["counters"]["opened"], 1);
}

#[test]
fn what_counts_only_after_a_restart_is_said() {
    let server = framecast().config(BEFORE).spawn();
    let text = format!("base_path = \"/cams\"\n{BEFORE}");
    fs::write(server.path("framecast.toml"), text).unwrap();
    server::eventually("the hint", || {
        let log = server.log();
        let done = log.contains("these changes count after a restart: base_path");
        done.then_some(()).ok_or(log)
    });
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn many_changes_in_a_row_end_with_the_last() {
    let server = framecast().config(BEFORE).spawn();
    let mut viewer = server.watch(&stream("same"));
    viewer.until(server::Part::is_live);
    for width in [100, 200, 300, 320] {
        let text = AFTER.replace("64x48", &format!("{width}x240"));
        fs::write(server.path("framecast.toml"), text).unwrap();
        thread::sleep(Duration::from_millis(120));
    }
    server::eventually("the last size", || {
        let answer = server.get("/cameras/new/snapshot.jpg?max_age=0");
        let last = answer.status == 200 && answer.size() == (320, 240);
        last.then_some(()).ok_or(answer.status.to_string())
    });
    viewer.next();
    assert_eq!(server.camera("same")["counters"]["opened"], 1);
}
