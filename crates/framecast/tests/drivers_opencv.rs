//! The program built with OpenCV, with a real file, a real stream and real mistakes, watched over HTTP.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::{path::Path, process::Command};

use serde_json::json;
use server::{Part, Server, colour, framecast, serve};

const STREAM: &str = "/cameras/camera/stream.mjpg";

/// Makes a video of 3 seconds: one of red, one of green, one of blue, ten pictures each.
fn film(path: &Path) {
    let colours = ["red", "lime", "blue"].map(|colour| {
        let source = format!("color={colour}:size=64x48:rate=10:duration=1");
        ["-f".to_owned(), "lavfi".to_owned(), "-i".to_owned(), source]
    });
    let made = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(colours.concat())
        .args([
            "-filter_complex",
            "concat=n=3",
            "-c:v",
            "mpeg4",
            "-q:v",
            "2",
        ])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

/// Which of red, green and blue is bright.
fn bright(part: &Part) -> char {
    let [r, g, b] = colour(&part.jpeg).map(|sample| sample > 128);
    match (r, g, b) {
        (true, false, false) => 'r',
        (false, true, false) => 'g',
        (false, false, true) => 'b',
        other => panic!("{other:?}"),
    }
}

/// A server whose only camera is what the two variables say.
fn of_variables(source: &str) -> Server {
    let start = framecast();
    film(&start.path("film.mp4"));
    start
        .env("CAMERA", "opencv")
        .env("OPENCV_CAMERA_SOURCE", source)
        .spawn()
}

#[test]
fn a_file_that_the_environment_names_is_played_in_order_in_its_colours_at_its_speed() {
    let server = of_variables("film.mp4");
    let mut viewer = server.watch(STREAM);
    let first = viewer.until(Part::is_live);
    assert_eq!(server::size(&first.jpeg), (64, 48));
    // Two rounds and the start of a third. Who skips a picture is told so by the numbers.
    let mut parts = vec![first];
    while parts.last().unwrap().seq() < parts[0].seq() + 69 {
        parts.push(viewer.next());
    }
    assert!(parts.iter().all(Part::is_live));
    assert!(parts.len() > 60, "{} of 70 pictures", parts.len());
    let mut colours: Vec<char> = parts.iter().map(bright).collect();
    colours.dedup();
    assert_eq!(colours, ['r', 'g', 'b', 'r', 'g', 'b', 'r']);
    let took = parts.last().unwrap().taken() - parts[0].taken();
    assert!((6.5..9.0).contains(&took), "70 pictures in {took} seconds");
    let told = "film.mp4 gives 64x48 at 10 frames a second by FFMPEG";
    assert!(server.log().contains(told), "{}", server.log());
}

#[test]
fn another_server_s_stream_is_a_source() {
    let first = serve(&["camera=opencv:film.mp4"]);
    film(&first.path("film.mp4"));
    let second = serve(&[&format!("camera=opencv:{}", first.url(STREAM))]);
    let mut viewer = second.watch(STREAM);
    let mut colours = Vec::new();
    let mut last = 0.0;
    while colours.len() < 4 {
        let part = viewer.until(Part::is_live);
        assert_eq!(server::size(&part.jpeg), (64, 48));
        assert!(part.taken() > last);
        last = part.taken();
        colours.push(bright(&part));
        colours.dedup();
    }
    let order: String = colours.iter().collect();
    assert!("rgbrgb".contains(&order), "{order}");

    // What it is told when the first goes away, and that it comes to life again when that is back.
    drop(first);
    let lost = second.until_state("camera", "lost");
    let reason = lost["state"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("no more pictures") || reason.contains("can't open"),
        "{reason}"
    );
}

#[test]
fn a_film_that_is_played_once_ends() {
    let server = serve(&["camera=opencv:film.mp4#once=true"]);
    film(&server.path("film.mp4"));
    let mut viewer = server.watch(STREAM);
    viewer.until(|part| part.is_live() && bright(part) == 'b');
    server.until_state("camera", "ended");
}

#[test]
fn what_is_wrong_is_told_in_one_line_without_passwords_and_the_log_stays_short() {
    let server = serve(&[
        "gone=opencv:gone.mp4",
        "text=opencv:text.mp4",
        "device=opencv:63",
        "address=opencv:http://me:hidden@127.0.0.1:9/video",
    ]);
    std::fs::write(server.path("text.mp4"), "no video\n".repeat(999)).unwrap();
    let streams = ["gone", "text", "device", "address"]
        .map(|name| server.watch(&format!("/cameras/{name}/stream.mjpg")));
    for (name, state, told) in [
        ("gone", "lost", "gone.mp4 can't be read"),
        ("text", "failed", "OpenCV can't play text.mp4"),
        ("device", "lost", "there is no camera /dev/video63"),
        ("address", "lost", "http://me:***@127.0.0.1:9/video"),
    ] {
        let view = server.until_state(name, state);
        let reason = view["state"]["reason"].as_str().unwrap();
        assert!(reason.contains(told) && !reason.contains('\n'), "{reason}");
        assert!(!view.to_string().contains("hidden"), "{view}");
    }
    // Tried again by now, and OpenCV and its FFmpeg had something to say each time.
    server.until("address", |view| {
        view["counters"]["opened"].as_u64() > Some(3)
    });
    let log = server.log();
    assert!(!log.contains("hidden"), "{log}");
    let ours = |line: &&str| {
        [" INFO ", " WARN "]
            .iter()
            .any(|level| line.contains(level))
    };
    let chatter = log.lines().filter(|line| !ours(line));
    assert_eq!(chatter.collect::<Vec<_>>(), [""; 0]);
    drop(streams);
}

#[test]
fn nobody_makes_the_server_open_a_path_over_http() {
    let server = of_variables("film.mp4");
    for source in [
        "opencv:film.mp4",
        "opencv:0",
        "opencv:file:///etc/passwd",
        "opencv:http://cam/",
    ] {
        let wanted = json!({ "name": "mine", "source": source });
        let answer = server.json("POST", "/api/v1/cameras", &wanted);
        assert_eq!(answer.status, 403, "{source}: {}", answer.text());
    }
}

#[test]
fn a_mistake_in_an_option_is_told_at_the_start() {
    for (option, told) in [
        ("format=MJPEG", "four characters"),
        ("backend=betamax", "this OpenCV has only the backends"),
    ] {
        let output = framecast()
            .camera(&format!("opencv:0#{option}"))
            .listen("127.0.0.1:0")
            .output();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(told), "{said}");
    }
}
