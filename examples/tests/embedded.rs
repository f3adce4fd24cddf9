//! An application with cameras in it keeps its own routes and its own shutdown.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{io::Read, process::Command, time::Instant};

use support::{Example, read_until};

fn start() -> Example {
    Example::start(env!("CARGO_BIN_EXE_embedded"), &["127.0.0.1:0"])
}

#[test]
fn the_application_and_the_cameras_answer_side_by_side() {
    let example = start();
    assert!(example.get("/").contains("The workshop"));
    assert!(example.get("/video/").contains("bench"));
    assert!(
        example
            .get("/video/assets/framecast.js")
            .contains("framecast-camera")
    );
    assert!(
        example
            .get("/video/api/v1/cameras")
            .contains(r#""name":"bench""#)
    );
    assert!(example.get("/nowhere").starts_with("HTTP/1.0 404"));
}

#[test]
fn a_route_of_the_application_looks_at_frames() {
    let frames = start().get("/watch");
    assert_eq!(frames.matches("frame ").count(), 10, "{frames}");
    assert!(frames.contains("live"), "{frames}");
}

#[test]
fn a_signal_ends_the_streams_and_then_the_program() {
    let mut example = start();
    let mut stream = example.ask("/video/cameras/bench/stream.mjpg");
    read_until(&mut stream, "X-Framecast-Online: true", 2);

    let asked = Instant::now();
    let id = example.child.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    let mut said = String::new();
    example.output.read_to_string(&mut said).unwrap();

    assert_eq!(said, "stopped\n");
    assert!(example.child.wait().unwrap().success());
    assert!(asked.elapsed().as_secs() < 5, "{:?}", asked.elapsed());
}
