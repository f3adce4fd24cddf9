//! What was recorded survives: a program that is killed, a power cut, a disk that is full, only readable or gone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/disk.rs"]
mod disk;
#[path = "support/server.rs"]
mod server;

use std::{
    collections::HashMap,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use disk::Disk;
use framecast::recordings::{At, Health, Recordings, Settings};
use rustix::process::Signal;
use serde_json::Value;
use server::{Server, eventually, framecast, run};

/// A camera whose pictures all differ, in a server that records it to `folder`.
fn recorder(folder: &Path, more: &str) -> Server {
    let text = format!(
        "[recordings]\npath = {:?}\nmin_free = 0\nsegment = \"1s\"\n\
         [cameras.door]\nsource = \"test\"\nsize = \"320x240\"\nfps = 30\nrecord = \"always\"\n{more}",
        folder
    );
    framecast().config(&text).spawn()
}

fn recording(server: &Server) -> Value {
    server.get("/api/v1/cameras/door/recording").value()
}

/// Waits until the recording is as it should be.
fn until(server: &Server, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually("the recording", || {
        let view = recording(server);
        match wanted(&view) {
            true => Ok(view),
            false => Err(view.to_string()),
        }
    })
}

fn opened(folder: &Path) -> Recordings {
    let recordings = Recordings::open(Settings::new(folder));
    eventually("the store", || match recordings.health() {
        Health::Ready => Ok(()),
        other => Err(format!("{other:?}")),
    });
    recordings
}

/// All pictures in the order of recording, each decoded; their time must rise.
fn pictures(folder: &Path) -> Vec<Vec<u8>> {
    let recordings = opened(folder);
    let mut cursor = recordings.cursor("door", At::Start).unwrap();
    let mut pictures = Vec::new();
    let mut last = Duration::ZERO;
    while let Some(recorded) = cursor.next().unwrap() {
        assert!(recorded.monotonic > last, "out of order");
        last = recorded.monotonic;
        pictures.push(recorded.jpeg.to_vec());
    }
    pictures
}

/// A viewer's pictures with the moments at which they came.
fn watch(server: &Server, time: Duration) -> Vec<(Instant, Vec<u8>)> {
    let mut viewer = server.watch("/cameras/door/stream.mjpg");
    let end = Instant::now() + time;
    let mut seen = Vec::new();
    while Instant::now() < end {
        let part = viewer.next();
        if part.is_live() {
            seen.push((Instant::now(), part.jpeg));
        }
    }
    seen
}

#[test]
fn a_kill_at_any_moment_loses_no_picture_older_than_a_second() {
    const KILLS: u64 = 100;
    let folder = tempfile::tempdir().unwrap();
    let mut expected: Vec<Vec<u8>> = Vec::new();
    let mut seed = 0x2545_F491_4F6C_DD1Du64;
    for kill in 0..KILLS {
        let mut server = recorder(folder.path(), "");
        // Moments without a pattern, from the first file's first bytes on.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let run = Duration::from_millis(seed % 250 + if kill % 20 == 0 { 1300 } else { 0 });
        let seen = watch(&server, run);
        server.signal(Signal::KILL);
        let killed = Instant::now();
        server.wait();
        let old = seen
            .into_iter()
            .filter(|(came, _)| killed - *came > Duration::from_secs(1));
        expected.extend(old.map(|(_, jpeg)| jpeg));
    }
    assert!(
        expected.len() > 50,
        "only {} pictures were old enough",
        expected.len()
    );
    let kept = pictures(folder.path());
    for jpeg in &kept {
        let picture = framecast_media::jpeg::decode(jpeg).unwrap();
        assert_eq!((picture.width, picture.height), (320, 240));
    }
    let numbered = kept.iter().enumerate();
    let found: HashMap<&[u8], usize> = numbered.map(|(at, jpeg)| (jpeg.as_slice(), at)).collect();
    let places: Vec<usize> = expected
        .iter()
        .filter_map(|jpeg| found.get(jpeg.as_slice()).copied())
        .collect();
    let lost = expected.len() - places.len();
    assert_eq!(lost, 0, "of {} pictures", expected.len());
    // Each has its own time drawn in it, so none is there twice.
    assert!(
        places.windows(2).all(|pair| pair[0] < pair[1]),
        "not in order"
    );
    // Nothing broke off for good: every file is one to other programs.
    for file in files(folder.path()) {
        let probed = run(
            "ffprobe",
            &[
                "-v",
                "error",
                "-count_frames",
                "-show_entries",
                "stream=nb_read_frames",
                &file,
            ],
        );
        assert!(
            probed.status.success() && probed.stderr.is_empty(),
            "{file}: {probed:?}"
        );
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for camera in fs::read_dir(folder).unwrap() {
        let camera = camera.unwrap().path();
        for day in fs::read_dir(&camera).into_iter().flatten() {
            for file in fs::read_dir(day.unwrap().path()).unwrap() {
                files.push(file.unwrap().path().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_next_start_says_what_it_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = recorder(folder.path(), "");
    until(&server, |view| view["frames"].as_u64() > Some(10));
    server.signal(Signal::KILL);
    server.wait();
    let server = recorder(folder.path(), "");
    eventually("the log", || {
        let log = server.log();
        match log.contains("recordings: 1 completed") {
            true => Ok(()),
            false => Err(log),
        }
    });
}

#[test]
fn a_power_cut_loses_at_most_the_last_second() {
    let disk = Disk::image("ext4", 64);
    let server = recorder(&disk.path(), "");
    until(&server, |view| view["frames"].as_u64() > Some(5));
    let seen = watch(&server, Duration::from_millis(3500));
    // What is on the disk at this moment, and no more: nobody writes while it is copied.
    server.signal(Signal::STOP);
    let cut = Instant::now();
    let after = disk.as_after_a_power_cut();
    server.signal(Signal::CONT);
    let old: Vec<_> = seen
        .into_iter()
        .filter(|(came, _)| cut - *came > Duration::from_secs(1))
        .collect();
    assert!(old.len() > 30);
    let kept: HashMap<Vec<u8>, ()> = pictures(&after.path())
        .into_iter()
        .map(|jpeg| (jpeg, ()))
        .collect();
    let lost = old
        .iter()
        .filter(|(_, jpeg)| !kept.contains_key(jpeg))
        .count();
    assert_eq!(lost, 0, "of {} pictures", old.len());
}

#[test]
fn live_viewing_goes_on_while_the_disk_is_full_and_recording_comes_back() {
    let disk = Disk::tmpfs(3);
    let server = recorder(&disk.path(), "");
    let mut viewer = server.watch("/cameras/door/stream.mjpg");
    until(&server, |view| view["state"] == "recording");
    let filler = disk.path().join("filler");
    // All there is but what is kept for nobody.
    disk.fill(&filler);
    let view = until(&server, |view| view["state"] == "faulted");
    assert!(
        view["fault"].as_str().unwrap().contains("the disk is full"),
        "{view}"
    );
    watches_smoothly(&mut viewer);
    thread::sleep(Duration::from_secs(5));
    let said = server.log().matches("the disk is full").count();
    assert_eq!(said, 1, "{}", server.log());
    let metrics = server.get("/metrics").text();
    assert!(
        metrics.contains("framecast_recording_fault{camera=\"door\"} 1"),
        "{metrics}"
    );
    fs::remove_file(&filler).unwrap();
    until(&server, |view| view["state"] == "recording");
    watches_smoothly(&mut viewer);
}

fn watches_smoothly(viewer: &mut server::Viewer) {
    for _ in 0..30 {
        assert!(viewer.next().is_live());
    }
}

#[test]
fn a_disk_that_can_only_be_read_is_a_fault_until_it_can_be_written_again() {
    let disk = Disk::image("ext4", 32);
    let server = recorder(&disk.path(), "");
    let mut viewer = server.watch("/cameras/door/stream.mjpg");
    until(&server, |view| view["state"] == "recording");
    disk.make_read_only();
    let view = until(&server, |view| view["state"] == "faulted");
    assert!(
        view["fault"].as_str().is_some_and(|why| !why.is_empty()),
        "{view}"
    );
    watches_smoothly(&mut viewer);
    disk.make_writable();
    until(&server, |view| view["state"] == "recording");
}

#[test]
fn a_disk_that_is_gone_is_not_replaced_by_the_folder_beneath_it() {
    let mut disk = Disk::tmpfs(16);
    let server = recorder(&disk.path(), "");
    until(&server, |view| view["frames"].as_u64() > Some(20));
    disk.unmount();
    let view = until(&server, |view| view["state"] == "faulted");
    let fault = view["fault"].as_str().unwrap().to_owned();
    assert!(fault.contains("mounted"), "{fault}");
    assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 0);
    let mut viewer = server.watch("/cameras/door/stream.mjpg");
    watches_smoothly(&mut viewer);
}
