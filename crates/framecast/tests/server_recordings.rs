//! Recording as a user sees it: the configuration, the JSON interface, the command line, and other programs that open the files.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    path::{Path, PathBuf},
};

use framecast::recordings::{At, Health, Recordings, Settings};
use rustix::process::Signal;
use serde_json::{Value, json};
use server::{Answer, Server, eventually, framecast, run};

const DOOR: &str = "/api/v1/cameras/door";

/// A server that records to `recordings` in its folder.
fn recorder(door: &str) -> Server {
    let start = framecast();
    let path = start.path("recordings");
    let text = configuration(&path, door);
    start.config(&text).spawn()
}

fn configuration(path: &Path, door: &str) -> String {
    format!(
        "[recordings]\npath = {path:?}\nmin_free = 0\nsegment = \"1s\"\n\
         [cameras.door]\nsource = \"test\"\nsize = \"160x120\"\nfps = 20\n{door}\n"
    )
}

fn until(server: &Server, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually("the recording", || {
        let view = server.get(&format!("{DOOR}/recording")).value();
        match wanted(&view) {
            true => Ok(view),
            false => Err(view.to_string()),
        }
    })
}

fn spans(server: &Server) -> Vec<Value> {
    let view = server.get(&format!("{DOOR}/recordings/spans")).value();
    view["spans"].as_array().unwrap().clone()
}

fn post(server: &Server, path: &str, body: &Value) -> Answer {
    server.json("POST", &format!("{DOOR}{path}"), body)
}

fn stopped(mut server: Server) -> (Server, PathBuf) {
    server.signal(Signal::TERM);
    let (status, _) = server.wait();
    assert!(status.success());
    let path = server.path("recordings");
    (server, path)
}

fn opened(path: &Path) -> Recordings {
    let recordings = Recordings::open(Settings {
        min_free: 0,
        ..Settings::new(path)
    });
    eventually("the store", || match recordings.health() {
        Health::Ready => Ok(()),
        other => Err(format!("{other:?}")),
    });
    recordings
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for day in fs::read_dir(path.join("door")).unwrap() {
        for file in fs::read_dir(day.unwrap().path()).unwrap() {
            files.push(file.unwrap().path());
        }
    }
    files.sort();
    files
}

/// Seconds from the start of a file to each of its pictures, with their sizes, as ffprobe tells them.
fn probed(file: &Path) -> Vec<(f64, u64, u64)> {
    let wanted = "frame=pts_time,width,height";
    let file = file.to_str().unwrap();
    let said = run(
        "ffprobe",
        &["-v", "error", "-of", "json", "-show_entries", wanted, file],
    );
    assert!(
        said.stderr.is_empty(),
        "{file}: {}",
        String::from_utf8_lossy(&said.stderr)
    );
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    let frames = said["frames"].as_array().unwrap().iter();
    frames
        .map(|frame| {
            let time = frame["pts_time"].as_str().unwrap().parse().unwrap();
            let side = |name: &str| frame[name].as_u64().unwrap();
            (time, side("width"), side("height"))
        })
        .collect()
}

#[test]
fn a_recorded_camera_is_open_without_viewers_and_other_programs_see_what_was_recorded() {
    let server = recorder("record = \"always\"");
    until(&server, |view| view["frames"].as_u64() > Some(50));
    assert_eq!(server.camera("door")["viewers"], 0);
    let (server, path) = stopped(server);
    assert!(
        !server.log().contains("not everything closed"),
        "{}",
        server.log()
    );
    let recordings = opened(&path);
    let mut cursor = recordings.cursor("door", At::Start).unwrap();
    let mut count = 0;
    for file in files(&path) {
        let mut start = None;
        for (time, width, height) in probed(&file) {
            let recorded = cursor.next().unwrap().unwrap();
            count += 1;
            assert_eq!((width, height), (160, 120));
            let start = *start.get_or_insert(recorded.monotonic);
            let since = (recorded.monotonic - start).as_secs_f64();
            assert!((time - since).abs() < 0.001, "{time} s and not {since} s");
        }
    }
    assert!(cursor.next().unwrap().is_none());
    assert!(count > 50);
}

#[test]
fn players_open_a_file_wherever_it_breaks_off() {
    let server = recorder("record = \"always\"");
    until(&server, |view| view["frames"].as_u64() > Some(30));
    let (server, path) = stopped(server);
    let file = fs::read(&files(&path)[0]).unwrap();
    let pictures = probed(&files(&path)[0]).len();
    let cut = server.path("cut.mkv");
    for eighth in 1..8 {
        let len = file.len() * eighth / 8 + eighth * 37 % 101;
        fs::write(&cut, &file[..len]).unwrap();
        let name = cut.to_str().unwrap();
        let counted = run(
            "ffprobe",
            &[
                "-v",
                "quiet",
                "-count_packets",
                "-of",
                "csv=p=0",
                "-show_entries",
                "stream=nb_read_packets",
                name,
            ],
        );
        let counted = String::from_utf8(counted.stdout).unwrap();
        let counted: usize = counted.trim().trim_end_matches(',').parse().unwrap();
        assert!(
            counted + 1 >= pictures * eighth / 8,
            "{counted} of {pictures} at {eighth}/8"
        );
    }
    let played = run(
        "vlc",
        &[
            "-I",
            "dummy",
            "--vout",
            "dummy",
            "--aout",
            "dummy",
            "-vv",
            "--play-and-exit",
            cut.to_str().unwrap(),
        ],
    );
    // As root VLC refuses to run; then only ffmpeg has a say.
    let said = String::from_utf8_lossy(&played.stderr);
    assert!(
        said.contains("V_MJPEG") || said.contains("not supposed to be run as root"),
        "{said}"
    );
}

#[test]
fn a_start_by_hand_includes_what_was_before() {
    let server = recorder("record = \"manual\"\npre_record = \"30s\"");
    until(&server, |view| {
        view["state"] == "buffering" && view["buffered"].as_f64() > Some(2.0)
    });
    assert!(spans(&server).is_empty());
    assert!(!server.path("recordings").exists());
    let started = post(&server, "/recording/start", &json!({ "include": "60s" }));
    assert_eq!(started.status, 200, "{}", started.text());
    until(&server, |view| {
        view["state"] == "recording" && view["frames"].as_u64() > Some(50)
    });
    // Who starts twice changes nothing.
    assert_eq!(
        server
            .ask("POST", &format!("{DOOR}/recording/start"), &[], b"")
            .status,
        200
    );
    assert_eq!(
        server
            .ask("POST", &format!("{DOOR}/recording/stop"), &[], b"")
            .status,
        200
    );
    until(&server, |view| view["state"] == "buffering");
    let known = eventually("the end", || match &spans(&server)[..] {
        [span] if span["open"] == false => Ok(span.clone()),
        other => Err(format!("{other:?}")),
    });
    let length = known["end"].as_f64().unwrap() - known["start"].as_f64().unwrap();
    assert!(length > 2.0, "{known}");
    assert_eq!(server.camera("door")["counters"]["opened"], 1);
}

#[test]
fn what_makes_no_sense_is_refused_in_one_line() {
    let server = recorder("record = \"off\"");
    let refused = post(&server, "/recording/start", &json!({}));
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("record = "), "{}", refused.text());
    let missing = server.json("POST", "/api/v1/cameras/none/recording/start", &json!({}));
    assert_eq!(missing.status, 404);
    for (body, status) in [
        (&b"{"[..], 400),
        (b"{\"include\": \"soon\"}", 422),
        (b"{\"exclude\": \"1s\"}", 422),
    ] {
        let path = format!("{DOOR}/recording/start");
        let answer = server.ask("POST", &path, &[("Content-Type", "application/json")], body);
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    for (method, path) in [
        ("GET", "recordings/spans"),
        ("DELETE", "recordings?from=0&to=1"),
    ] {
        let address = format!("/api/v1/cameras/none/{path}");
        let answer = server.ask(method, &address, &[], b"");
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
    }
    for path in [
        "/api/v1/recordings?from=soon",
        "/api/v1/recordings?format=xml",
    ] {
        assert_eq!(server.get(path).status, 400, "{path}");
    }
    let everything = server.ask("DELETE", &format!("{DOOR}/recordings"), &[], b"");
    assert_eq!(everything.status, 400, "{}", everything.text());
    let pin = json!({ "camera": "door", "start": 2, "end": 1 });
    assert_eq!(
        server.json("POST", "/api/v1/recordings/pins", &pin).status,
        422
    );
    assert_eq!(
        server
            .ask("DELETE", "/api/v1/recordings/pins/7", &[], b"")
            .status,
        404
    );
}

#[test]
fn files_are_listed_pinned_and_deleted() {
    let server = recorder("record = \"always\"");
    until(&server, |view| view["frames"].as_u64() > Some(70));
    let list = server.get("/api/v1/recordings").value();
    let list = list.as_array().unwrap();
    assert!(list.len() >= 3 && list.last().unwrap()["finished"] == false);
    let lines = server.ask(
        "GET",
        "/api/v1/recordings",
        &[("Accept", "application/jsonl")],
        b"",
    );
    let lines: Vec<Value> = lines
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0], list[0]);
    let csv = server
        .get("/api/v1/recordings?camera=door&format=csv")
        .text();
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].starts_with("id,camera,") && rows.len() > 3, "{csv}");
    assert_eq!(rows[1].split(',').count(), rows[0].split(',').count());
    assert!(
        server
            .get("/api/v1/recordings?camera=none")
            .value()
            .as_array()
            .unwrap()
            .is_empty()
    );
    // Nothing lies before the first.
    let (first, second) = (&list[0], &list[1]);
    let before = format!(
        "/api/v1/recordings?to={}",
        first["start"].as_f64().unwrap() - 1.0
    );
    assert!(server.get(&before).value().as_array().unwrap().is_empty());

    let pin = json!({ "camera": "door", "start": first["start"], "end": first["end"], "note": "a \"parcel\"" });
    let pinned = server.json("POST", "/api/v1/recordings/pins", &pin);
    assert_eq!(pinned.status, 201, "{}", pinned.text());
    assert_eq!(
        server.get("/api/v1/recordings/pins").value()["pins"][0]["note"],
        "a \"parcel\""
    );
    let range = format!("from={}&to={}", first["start"], second["end"]);
    let erased = server
        .ask("DELETE", &format!("{DOOR}/recordings?{range}"), &[], b"")
        .value();
    assert_eq!(erased["spans"].as_array().unwrap().len(), 1, "{erased}");
    assert!(
        !server
            .path("recordings")
            .join(second["path"].as_str().unwrap())
            .exists()
    );
    assert!(
        server
            .path("recordings")
            .join(first["path"].as_str().unwrap())
            .exists()
    );
    assert_eq!(spans(&server).len(), 2);
    let id = pinned.value()["id"].to_string();
    assert_eq!(
        server
            .ask("DELETE", &format!("/api/v1/recordings/pins/{id}"), &[], b"")
            .status,
        204
    );
}

#[test]
fn a_reload_starts_and_stops_recording_without_opening_the_camera_again() {
    let server = recorder("record = \"off\"");
    let mut viewer = server.watch("/cameras/door/stream.mjpg");
    viewer.until(server::Part::is_live);
    let path = server.path("recordings");
    for (door, state) in [
        ("record = \"always\"", "recording"),
        ("record = \"off\"", "off"),
    ] {
        fs::write(server.path("framecast.toml"), configuration(&path, door)).unwrap();
        until(&server, |view| view["state"] == state);
        viewer.until(server::Part::is_live);
    }
    assert_eq!(server.camera("door")["counters"]["opened"], 1);
    assert_eq!(spans(&server).len(), 1);
}

#[test]
fn what_was_recorded_outlives_its_camera() {
    let server = recorder("record = \"always\"");
    until(&server, |view| view["frames"].as_u64() > Some(20));
    let removed = server.ask("DELETE", DOOR, &[], b"");
    assert_eq!(removed.status, 204, "{}", removed.text());
    eventually("a complete file", || match &spans(&server)[..] {
        [span] if span["open"] == false => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let exported = server.get("/cameras/door/export.zip?from=1&to=4000000000");
    assert_eq!(exported.status, 200, "{}", exported.text());
    let all = format!("{DOOR}/recordings?from=1&to=4000000000");
    let erased = server.ask("DELETE", &all, &[], b"");
    assert_eq!(erased.status, 200, "{}", erased.text());
    assert_eq!(server.get(&format!("{DOOR}/recordings/spans")).status, 404);
}

#[test]
fn a_time_without_pictures_is_a_gap() {
    let start = framecast();
    let path = start.path("recordings");
    fs::write(start.path("picture.jpg"), server::jpeg(64, 48, [9, 9, 9])).unwrap();
    let text = format!(
        "[recordings]\npath = {path:?}\nmin_free = 0\n[cameras.door]\nrecord = \"always\"\n\
         source = \"exec:for i in 1 2 3 4 5; do cat picture.jpg; sleep 0.1; done\"\n"
    );
    let server = start.config(&text).spawn();
    // The command comes to its end, and is started again.
    eventually("the gap", || match &spans(&server)[..] {
        [first, _, ..] if first["open"] == false => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let list = spans(&server);
    let end = list[0]["end"].as_f64().unwrap();
    assert!(list[1]["start"].as_f64().unwrap() > end, "{list:?}");
}

#[test]
fn the_command_line_lists_what_was_recorded_and_makes_the_index_anew() {
    let server = recorder("record = \"always\"");
    until(&server, |view| view["frames"].as_u64() > Some(30));
    let folder = server.path("recordings");
    let command = |what: &str, more: &[&str]| {
        let mut start = framecast()
            .arg("recordings")
            .arg(what)
            .arg("--recordings")
            .arg(&folder);
        for arg in more {
            start = start.arg(arg);
        }
        start.output()
    };
    let busy = command("reindex", &[]);
    assert!(!busy.status.success());
    let said = String::from_utf8_lossy(&busy.stderr).into_owned();
    assert!(
        said.contains("another framecast") && said.trim().lines().count() == 1,
        "{said}"
    );
    let (_server, path) = stopped(server);
    let listed = command("list", &["--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["cameras"][0]["name"], "door");
    assert!(listed["cameras"][0]["spans"][0]["frames"].as_u64() > Some(30));
    for file in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
        let _ = fs::remove_file(path.join(file));
    }
    let missing = command("list", &[]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("reindex"));
    let made = command("reindex", &[]);
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(
        made.status.success() && said.contains("added to the index"),
        "{said}"
    );
    let again = command("list", &["--json"]);
    assert_eq!(
        serde_json::from_slice::<Value>(&again.stdout).unwrap(),
        listed
    );
    let text = String::from_utf8(command("list", &[]).stdout).unwrap();
    assert!(text.starts_with("door\n"), "{text}");
}
