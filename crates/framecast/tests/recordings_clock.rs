//! The wall clock is set back and forth while the program records.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{fs, path::PathBuf};

use serde_json::Value;
use server::{Server, eventually, framecast, run};

/// What stands between a program and the wall clock.
fn faketime() -> PathBuf {
    let libraries = fs::read_dir("/usr/lib").unwrap();
    libraries
        .map(|folder| folder.unwrap().path().join("faketime/libfaketime.so.1"))
        .find(|library| library.exists())
        .expect("libfaketime, which `tools/setup` installs")
}

fn files(server: &Server) -> Vec<Value> {
    let view = server.get("/api/v1/recordings").value();
    view.as_array().unwrap().clone()
}

#[test]
fn the_order_is_kept_and_both_times_are_told_while_the_clock_is_set_back_and_forth() {
    let start = framecast();
    let clock = start.path("clock");
    let set = |seconds: i32| {
        // In one go, for it is read all the time.
        let next = clock.with_extension("next");
        fs::write(&next, format!("{seconds:+}\n")).unwrap();
        fs::rename(next, &clock).unwrap();
    };
    set(0);
    let config = format!(
        "[recordings]\npath = {:?}\nmin_free = 0\n\
         [cameras.door]\nsource = \"test\"\nsize = \"160x120\"\nfps = 10\nrecord = \"always\"\n",
        start.path("recordings")
    );
    let server = start
        .env("LD_PRELOAD", faketime())
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .config(&config)
        .spawn();
    let steps = [0, -3600, 7200, 0];
    for (number, step) in steps.into_iter().enumerate() {
        set(step);
        eventually("a file of this clock", || {
            let files = files(&server);
            match files.last() {
                Some(last) if files.len() == number + 1 && last["frames"].as_u64() > Some(10) => {
                    Ok(())
                }
                _ => Err(format!("{files:?}")),
            }
        });
    }

    let files = files(&server);
    let number = |file: &Value, key: &str| file[key].as_f64().unwrap();
    for (pair, steps) in files.windows(2).zip(steps.windows(2)) {
        let between = |key: &str| number(&pair[1], key) - number(&pair[0], key);
        // They come in the order of recording, whatever the wall clock says.
        assert!(
            between("id") > 0.0 && between("monotonic") > 0.0,
            "{pair:?}"
        );
        let stepped = between("start") - between("monotonic");
        let step = f64::from(steps[1] - steps[0]);
        assert!((stepped - step).abs() < 0.5, "{stepped} s and not {step} s");
        // Each is a run of its own.
        assert!(between("run") > 0.0, "{pair:?}");
    }

    // A video of all of it has every picture once, in that order.
    let video = server.path("all.mp4");
    let all = server.get("/cameras/door/export.mp4?from=1&to=4000000000");
    assert_eq!(all.status, 200, "{}", all.text());
    fs::write(&video, all.body).unwrap();
    let wanted = [
        "-v",
        "error",
        "-show_entries",
        "packet=pts_time",
        "-of",
        "csv=p=0",
    ];
    let probed = run(
        "ffprobe",
        &[&wanted[..], &[video.to_str().unwrap()]].concat(),
    );
    let text = String::from_utf8(probed.stdout).unwrap();
    let times: Vec<f64> = text
        .lines()
        .map(|line| line.trim_end_matches(',').parse().unwrap())
        .collect();
    let frames: f64 = files.iter().map(|file| number(file, "frames")).sum();
    assert!(times.len() as f64 >= frames, "{} of {frames}", times.len());
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
}
