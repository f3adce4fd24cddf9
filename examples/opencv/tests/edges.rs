//! The second camera shows the edges of the first, and opens it once for both.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::{
    fs,
    io::Read,
    path::Path,
    time::{Duration, Instant},
};

use framecast_media::jpeg::{self, Image};
use support::{Example, read_until};

/// A grey picture with a bright square in its middle.
fn square(path: &Path) {
    let inside = |at: usize| (60..180).contains(&(at % 320)) && (60..180).contains(&(at / 320));
    let rgb = (0..320 * 240).flat_map(|at| [if inside(at) { 220 } else { 60 }; 3]);
    let image = Image {
        width: 320,
        height: 240,
        rgb: rgb.collect(),
    };
    fs::write(path, jpeg::encode(&image.pixels(), 95).unwrap()).unwrap();
}

fn start(folder: &Path) -> Example {
    square(&folder.join("1.jpg"));
    let source = format!("images:{}#fps=10,linger=0s", folder.display());
    Example::start(env!("CARGO_BIN_EXE_edges"), &[&source, "127.0.0.1:0"])
}

/// The first picture of a camera that is one of the camera's own.
fn picture(example: &Example, name: &str) -> Image {
    let mut answer = Vec::new();
    let path = format!("/video/cameras/{name}/snapshot.jpg");
    example.ask(&path).read_to_end(&mut answer).unwrap();
    let start = answer
        .windows(3)
        .position(|bytes| bytes == [0xff, 0xd8, 0xff]);
    let head = String::from_utf8_lossy(&answer);
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    jpeg::decode(&answer[start.unwrap()..]).unwrap()
}

/// How bright the picture is there.
fn at(image: &Image, x: u32, y: u32) -> u8 {
    image.rgb[((y * image.width + x) * 3) as usize]
}

#[test]
fn the_second_camera_is_bright_at_the_edges_of_the_first_and_dark_everywhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let example = start(folder.path());
    let original = picture(&example, "original");
    assert!(at(&original, 120, 120) > 200 && at(&original, 20, 20) < 80);

    let edges = picture(&example, "edges");
    assert_eq!((edges.width, edges.height), (320, 240));
    // In the square and outside of it there is nothing, whatever its brightness was.
    for (x, y) in [(120, 120), (20, 20), (300, 200), (90, 150)] {
        assert!(at(&edges, x, y) < 40, "{x},{y}: {}", at(&edges, x, y));
    }
    // Across each side there is a line.
    let line = |across: &dyn Fn(u32) -> u8| (56..=64).map(across).max().unwrap();
    assert!(line(&|x| at(&edges, x, 120)) > 150);
    assert!(line(&|y| at(&edges, 120, y)) > 150);
    let far = (176..=184).map(|x| at(&edges, x, 120)).max().unwrap();
    assert!(far > 150, "{far}");
    // Four thin lines of 120 pixels, and no more.
    let bright = edges.rgb.chunks(3).filter(|pixel| pixel[0] > 128).count();
    assert!((300..1500).contains(&bright), "{bright} bright pixels");
}

#[test]
fn the_device_is_open_once_for_both_and_not_at_all_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let example = start(folder.path());
    let state = |name: &str| example.get(&format!("/video/api/v1/cameras/{name}"));
    let idle = r#""state":"idle""#;
    assert!(state("original").contains(idle) && state("edges").contains(idle));

    let mut original = example.ask("/video/cameras/original/stream.mjpg");
    read_until(&mut original, "X-Framecast-Online: true", 2);
    assert!(state("edges").contains(idle), "{}", state("edges"));

    let mut edges = example.ask("/video/cameras/edges/stream.mjpg");
    read_until(&mut edges, "X-Framecast-Online: true", 2);
    let view = state("original");
    assert!(view.contains(r#""opened":1,"#), "{view}");

    drop((original, edges));
    let deadline = Instant::now() + Duration::from_secs(30);
    while !(state("original").contains(idle) && state("edges").contains(idle)) {
        assert!(Instant::now() < deadline, "{}", state("edges"));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn its_page_shows_both() {
    let folder = tempfile::tempdir().unwrap();
    let page = start(folder.path()).get("/");
    assert!(page.contains(r#"name="original""#) && page.contains(r#"name="edges""#));
}
