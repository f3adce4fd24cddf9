//! `?adaptive=1`: viewers whose link becomes too narrow for the full pictures, and wide again.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/link.rs"]
mod link;
#[path = "support/server.rs"]
mod server;

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use link::Link;
use server::{Open, Part, Viewer, serve};

const STREAM: &str = "/cameras/camera/stream.mjpg";
/// Pictures of some fifty kilobytes: far too many of them for a phone at the edge of its cell.
const CAMERA: &str = "test#size=1280x720,fps=15,quality=90";
/// Bytes a second of a link of one megabit.
const NARROW: usize = 125_000;
const WIDE: usize = 50_000_000;

fn watch(address: SocketAddr, query: &str) -> Viewer {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(server::PATIENCE)).unwrap();
    write!(
        socket,
        "GET {STREAM}{query} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    .unwrap();
    Viewer::of(Open::of(socket).unwrap())
}

fn width(part: &Part) -> u32 {
    let size = part.header("X-Framecast-Size").unwrap();
    size.split_once('x').unwrap().0.parse().unwrap()
}

/// Everything that comes within a time.
fn all_of(viewer: &mut Viewer, time: Duration) -> Vec<Part> {
    let end = Instant::now() + time;
    let mut parts = Vec::new();
    while Instant::now() < end {
        parts.push(viewer.next());
    }
    parts
}

#[test]
fn a_viewer_on_a_narrow_link_gets_smaller_pictures_that_are_fresh_and_many() {
    let server = serve(&[CAMERA]);
    let link = Link::to(server.address, NARROW);
    let mut stubborn = server.watch(STREAM);
    let mut viewer = watch(link.address(), "?adaptive=1");
    let begun = Instant::now();
    let first = viewer.until(Part::is_live);
    assert_eq!(width(&first), 1280);
    viewer.until(|part| width(part) < 1280);
    let found = begun.elapsed();
    assert!(found < Duration::from_secs(10), "{found:?}");
    all_of(&mut viewer, Duration::from_secs(3));
    let parts = all_of(&mut viewer, Duration::from_secs(5));
    assert!(parts.len() >= 25, "{} in five seconds", parts.len());
    let mut ages: Vec<_> = parts.iter().map(Part::age).collect();
    ages.sort_by(f64::total_cmp);
    let median = ages[ages.len() / 2];
    assert!(median < 1.0, "{median} s old: {ages:?}");
    // Never an older picture after a newer one, whatever its size.
    assert!(parts.is_sorted_by(|one, next| one.taken() < next.taken()));
    // Those on a wide link keep what they have.
    assert_eq!(width(&stubborn.until(Part::is_live)), 1280);
    assert_eq!(server.camera("camera")["viewers"], 2);
}

#[test]
fn a_viewer_whose_link_becomes_wide_again_gets_the_full_pictures_back() {
    let server = serve(&[CAMERA]);
    let link = Link::to(server.address, NARROW);
    let mut viewer = watch(link.address(), "?adaptive=1");
    viewer.until(|part| width(part) < 1280);
    link.set(WIDE);
    // On a machine with other work a try may fail, and the next is made later.
    let deadline = Instant::now() + 4 * server::PATIENCE;
    let mut taken = 0.0;
    loop {
        let part = viewer.next();
        assert!(part.taken() > taken, "an older picture");
        taken = part.taken();
        if width(&part) == 1280 {
            break;
        }
        assert!(Instant::now() < deadline, "still {} wide", width(&part));
    }
    assert_eq!(server.camera("camera")["counters"]["opened"], 1);
    drop(viewer);
    server.until("camera", |view| view["viewers"] == 0);
}

#[test]
fn a_camera_without_linger_stays_open_while_its_viewer_moves() {
    let server = serve(&["test#size=1280x720,fps=15,quality=90,linger=0s"]);
    let link = Link::to(server.address, NARROW);
    let mut viewer = watch(link.address(), "?adaptive=1");
    viewer.until(|part| width(part) < 1280);
    assert_eq!(server.camera("camera")["counters"]["opened"], 1);
    drop(viewer);
    server.until_state("camera", "idle");
}

#[test]
fn the_size_that_is_asked_for_is_the_largest() {
    let server = serve(&[CAMERA]);
    let mut viewer = server.watch(&format!("{STREAM}?adaptive=yes&width=640"));
    for part in all_of(&mut viewer, Duration::from_secs(5)) {
        assert_eq!(width(&part), 640);
    }
    let wrong = server.get(&format!("{STREAM}?adaptive=perhaps"));
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.text(), "`adaptive=perhaps` is wrong: it is 1 or 0\n");
}
