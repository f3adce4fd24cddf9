//! Cameras of a real kernel opened, closed, unplugged and plugged in again many times: nothing is left behind.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "the figures of a measurement")]

#[path = "support/guest.rs"]
mod guest;
#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    time::{Duration, Instant},
};

use framecast_media::{jpeg, picture::TestCard};
use guest::{Guest, STREAM, alone};
use server::{PATIENCE, Part};

const OPENINGS: usize = 200;
const UNPLUGGINGS: usize = 50;
/// Rounds after which the program has all the memory that it works with: threads, and the heaps of the C library, of which
/// each thread may get one.
const WARM: usize = 10;
/// How much more memory may be resident after all rounds. A JPEG of 640x480 has 20 to 50 kB and a raw picture 600, so one of
/// them left behind a round would be 4 to 120 MB; what the C library's heaps come and go by is less than this.
const SLACK_KB: u64 = 2048;

/// What the server holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    descriptors: u64,
    /// Mappings of device memory.
    shared: u64,
    threads: u64,
    /// Memory of its own that is resident, in kilobytes.
    resident: u64,
}

fn held(guest: &Guest, pid: &str) -> Held {
    let said = guest.run(&format!(
        "ls /proc/{pid}/fd | wc -l; grep -c video /proc/{pid}/maps; \
         awk '/^Threads/ {{ print $2 }} /^RssAnon/ {{ print $2 }}' /proc/{pid}/status"
    ));
    let numbers: Vec<u64> = said.lines().map(|line| line.parse().unwrap()).collect();
    let [descriptors, shared, resident, threads] = numbers[..] else {
        panic!("{said}");
    };
    Held {
        descriptors,
        shared,
        threads,
        resident,
    }
}

/// What it holds once there is no more of it than there was: threads wait some seconds for work before they end.
fn settled(guest: &Guest, pid: &str, before: Held) -> Held {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = held(guest, pid);
        let more = now.threads > before.threads || now.descriptors > before.descriptors;
        if !more || Instant::now() > deadline {
            return now;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Does all rounds, and compares what is held after the first few with what is held after the last.
fn soak(guest: &Guest, rounds: usize, mut round: impl FnMut()) {
    let pid = guest.run("pidof framecast");
    let start = Instant::now();
    for _ in 0..WARM {
        round();
    }
    let before = held(guest, &pid);
    for _ in WARM..rounds / 2 {
        round();
    }
    let half = held(guest, &pid);
    for _ in rounds / 2..rounds {
        round();
    }
    let took = start.elapsed();
    let after = settled(guest, &pid, before);
    println!("{rounds} rounds in {took:.0?}; after the first {WARM}, half of them, all:");
    println!("{before:?}\n{half:?}\n{after:?}");
    assert!(after.descriptors <= before.descriptors);
    assert_eq!(after.shared, before.shared);
    assert!(after.threads <= before.threads);
    assert!(after.resident <= before.resident + SLACK_KB);
}

#[test]
fn opening_and_closing_leaves_nothing_behind() {
    let _alone = alone();
    let guest = guest::with_vivid()
        .camera("cam=v4l2:#linger=0s")
        .limit(600)
        .start();
    soak(&guest, OPENINGS, || {
        guest.watch(STREAM).until(Part::is_live);
        guest.until_state("cam", "idle");
    });
    let pid = guest.run("pidof framecast");
    assert_eq!(held(&guest, &pid).shared, 0);
    let devices = guest.run(&format!("ls -l /proc/{pid}/fd | grep -c /dev/video"));
    assert_eq!(devices, "0");
    assert_eq!(
        guest.camera("cam")["counters"]["opened"],
        OPENINGS,
        "each round has opened the device"
    );
}

#[test]
fn a_camera_that_is_unplugged_again_and_again_leaves_nothing_behind() {
    let _alone = alone();
    let mut card = TestCard::new(640, 480, "usb");
    let picture = jpeg::encode(&card.draw("12:34:56.789", 1, 0.5).pixels(), 75).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), picture).unwrap();
    let guest = guest::with_usb(file.path())
        .camera("cam=v4l2:")
        .limit(600)
        .start();
    guest.plug();
    let mut viewer = guest.watch(STREAM);
    viewer.until(Part::is_live);
    let mut longest = Duration::ZERO;
    soak(&guest, UNPLUGGINGS, || {
        guest.unplug();
        viewer.until(|part| !part.is_live());
        guest.plug();
        let plugged = Instant::now();
        viewer.until(Part::is_live);
        longest = longest.max(plugged.elapsed());
    });
    println!("live again after {longest:.1?} at the latest");
}
