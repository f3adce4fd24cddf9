//! The driver of one's own is a camera like every other.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Example, read_until};

fn start() -> Example {
    Example::start(env!("CARGO_BIN_EXE_own_driver"), &["127.0.0.1:0"])
}

#[test]
fn its_frames_are_streamed_as_jpegs() {
    let example = start();
    let mut stream = example.ask("/cameras/life/stream.mjpg");
    let parts = read_until(&mut stream, "X-Framecast-Online: true", 3);
    assert!(parts.contains("multipart/x-mixed-replace"), "{parts}");
    assert!(parts.contains("X-Framecast-Size: 640x480"), "{parts}");
    assert!(parts.contains("JFIF"), "{parts}");
}

#[test]
fn what_is_asked_for_behind_the_source_reaches_the_driver() {
    let example = start();
    let picture = example.get("/cameras/small/snapshot.jpg");
    assert!(picture.starts_with("HTTP/1.0 200"), "{picture}");
    assert!(picture.contains("x-framecast-size: 320x240"), "{picture}");
}

#[test]
fn a_camera_without_viewers_is_closed() {
    let example = start();
    let cameras = example.get("/api/v1/cameras/small");
    assert!(cameras.contains(r#""state":"idle""#), "{cameras}");
}
