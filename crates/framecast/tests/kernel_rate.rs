//! Every picture that a real kernel's camera takes reaches a viewer outside the machine, or is counted as lost.
//!
//! `RATE_SECONDS` says for how long it is looked at, 10 by default.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures of a measurement")]

#[path = "support/guest.rs"]
mod guest;
#[path = "support/server.rs"]
mod server;

use std::fs;

use framecast_media::{jpeg, picture::TestCard};
use guest::{Guest, STREAM, alone};
use server::Part;

/// Pictures that the USB camera shows, over and over.
const PICTURES: usize = 60;
/// An emulated machine may be held up by what else this one does: one undisturbed stretch of so many is enough.
const STRETCHES: usize = 4;

fn seconds() -> f64 {
    let said = std::env::var("RATE_SECONDS");
    said.map_or(10.0, |text| text.parse().expect("seconds"))
}

/// What one stretch of a stream was like.
#[derive(Debug)]
struct Stretch {
    pictures: u64,
    rate: f64,
    /// Pictures that the viewer was too late for, by the numbers of the stream.
    skipped: u64,
    /// Pictures that were lost on the way, by the numbers of the camera.
    lost: Option<u64>,
}

/// Looks at the stream for a while. `number` says which of the camera's pictures a part shows, where that can be told.
fn look(guest: &Guest, number: impl Fn(&Part) -> Option<usize>) -> Stretch {
    let mut viewer = guest.watch(STREAM);
    let first = viewer.until(Part::is_live);
    let seq = |part: &Part| -> u64 {
        let seq = part.header("X-Framecast-Sequence").unwrap();
        seq.parse().unwrap()
    };
    let (mut last, mut shown) = (seq(&first), number(&first));
    let (mut pictures, mut skipped, mut lost) = (0, 0, 0);
    let mut taken = first.taken();
    while taken - first.taken() < seconds() {
        let part = viewer.next();
        assert!(part.is_live(), "{}", guest.log());
        pictures += 1;
        skipped += seq(&part) - last - 1;
        let now = number(&part);
        if let (Some(now), Some(before)) = (now, shown) {
            lost += (now + 2 * PICTURES - before - 1) % PICTURES;
        }
        (last, shown, taken) = (seq(&part), now, part.taken());
    }
    Stretch {
        pictures,
        rate: pictures as f64 / (taken - first.taken()),
        skipped,
        lost: shown.map(|_| lost as u64),
    }
}

/// Pictures that never became one of the stream, by the counters.
fn dropped(guest: &Guest) -> u64 {
    let view = guest.camera("cam");
    let dropped = view["counters"]["dropped"].as_object().unwrap();
    println!("{dropped:?}");
    dropped.values().map(|count| count.as_u64().unwrap()).sum()
}

/// Looks until nothing was lost in a stretch; whatever was lost in the others must have been counted.
fn all_arrive(guest: &Guest, fps: f64, number: impl Fn(&Part) -> Option<usize>) {
    for _ in 0..STRETCHES {
        let before = dropped(guest);
        let stretch = look(guest, &number);
        let counted = dropped(guest) - before;
        println!(
            "{} pictures, {:.2} a second, {} skipped, {:?} lost, {counted} dropped",
            stretch.pictures, stretch.rate, stretch.skipped, stretch.lost
        );
        if let Some(lost) = stretch.lost {
            let unseen = lost - stretch.skipped;
            assert!(
                unseen <= counted,
                "{} pictures were lost without a word",
                unseen - counted
            );
        }
        if stretch.skipped == 0 && counted == 0 {
            assert!(
                (stretch.rate - fps).abs() < fps / 50.0,
                "{} a second",
                stretch.rate
            );
            return;
        }
    }
    panic!("no stretch of {} seconds without a loss", seconds());
}

#[test]
fn every_picture_of_a_usb_camera_arrives_as_it_was_taken() {
    let _alone = alone();
    let mut card = TestCard::new(640, 480, "usb");
    let pictures: Vec<Vec<u8>> = (0..PICTURES as u64)
        .map(|number| {
            let picture = card.draw("12:34:56.789", number, number as f64 / PICTURES as f64);
            jpeg::encode(&picture.pixels(), 75).unwrap()
        })
        .collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), pictures.concat()).unwrap();
    let guest = guest::with_usb(file.path())
        .camera("cam=v4l2:")
        .limit(900)
        .start();
    guest.plug();
    all_arrive(&guest, 30.0, |part| {
        let found = pictures.iter().position(|picture| *picture == part.jpeg);
        assert!(found.is_some(), "a picture that the camera never gave");
        found
    });
}

/// An emulated machine may be too slow to encode all of them, which then is a number.
#[test]
fn every_raw_picture_arrives_or_is_counted() {
    let _alone = alone();
    let guest = guest::with_vivid().camera("cam=v4l2:").limit(900).start();
    guest.watch(STREAM).until(Part::is_live);
    let before = dropped(&guest);
    let stretch = look(&guest, |_part| None);
    let counted = dropped(&guest) - before;
    println!(
        "{} pictures, {:.2} a second, {} skipped, {counted} dropped",
        stretch.pictures, stretch.rate, stretch.skipped
    );
    let known = stretch.pictures + stretch.skipped + counted;
    let taken = 25.0 * stretch.pictures as f64 / stretch.rate;
    // What is counted before the first picture and after the last belongs to no stretch.
    assert!(known as f64 > taken * 0.97 - 5.0, "{known} of {taken:.0}");
}
