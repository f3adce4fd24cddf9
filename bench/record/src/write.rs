//! What recording costs: the processor time of recording cameras, against writing the same bytes at the same pace with plain
//! `write` calls and as many `fdatasync`s.
//!
//!     write [FOLDER] [SECONDS] [ROUNDS]
//!
//! The folder is where to write, on the disk that is to be measured; a temporary one if none is named.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use framecast::recordings::{Picture, Recordings, Settings};
use framecast_camera::{Captured, Size};
use rustix::time::{ClockId, clock_gettime};

const CAMERAS: usize = 8;
const FPS: u32 = 15;
/// About what a camera's JPEG of 1280x720 takes.
const BYTES: usize = 100_000;
/// As often as the recorder.
const SYNC: Duration = Duration::from_millis(800);
const SEGMENT: Duration = Duration::from_secs(10);

fn main() {
    let mut args = env::args().skip(1);
    let folder = args.next().map(PathBuf::from);
    let seconds: u64 = args
        .next()
        .map_or(20, |text| text.parse().expect("seconds"));
    let rounds: usize = args.next().map_or(3, |text| text.parse().expect("rounds"));
    let time = Duration::from_secs(seconds);
    let mut ratios = Vec::new();
    for round in 1..=rounds {
        let plain = in_folder(folder.as_deref(), |folder| plain(folder, time));
        let recorded = in_folder(folder.as_deref(), |folder| recorded(folder, time));
        let ratio = recorded.as_secs_f64() / plain.as_secs_f64();
        println!(
            "round {round}: plain {:.3} s, recorded {:.3} s of the processor in {seconds} s: {ratio:.2}",
            plain.as_secs_f64(),
            recorded.as_secs_f64()
        );
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "{CAMERAS} cameras of {BYTES} bytes at {FPS}/s: {:.2} times the processor time of plain writes (median)",
        ratios[ratios.len() / 2]
    );
}

fn in_folder(folder: Option<&Path>, work: impl FnOnce(&Path)) -> Duration {
    let folder = match folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let folder = folder.expect("a folder to write to");
    let before = processor();
    work(folder.path());
    processor() - before
}

/// Processor time of this process.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Hands out pictures at the cameras' pace.
fn pace(time: Duration, mut picture: impl FnMut(usize, &Bytes)) {
    let mut jpeg = vec![0x55; BYTES];
    (jpeg[0], jpeg[1]) = (0xFF, 0xD8);
    jpeg[BYTES - 2..].copy_from_slice(&[0xFF, 0xD9]);
    let jpeg = Bytes::from(jpeg);
    let start = Instant::now();
    for number in 0.. {
        let due = Duration::from_secs(1) * number / FPS;
        if due >= time {
            return;
        }
        thread::sleep((start + due).saturating_duration_since(Instant::now()));
        for camera in 0..CAMERAS {
            picture(camera, &jpeg);
        }
    }
}

/// A thread a camera, as the recorder has it, that only writes.
fn plain(folder: &Path, time: Duration) {
    let (senders, threads): (Vec<_>, Vec<_>) = (0..CAMERAS)
        .map(|camera| {
            let (sender, pictures) = std::sync::mpsc::channel::<Bytes>();
            let folder = folder.join(camera.to_string());
            let thread = thread::spawn(move || {
                fs::create_dir(&folder).expect("a folder");
                let mut number = 0;
                let mut file = None;
                let (mut began, mut synced) = (Instant::now(), Instant::now());
                for jpeg in pictures {
                    if file.is_none() || began.elapsed() >= SEGMENT {
                        if let Some(file) = file.take() {
                            fs::File::sync_data(&file).expect("sync");
                        }
                        began = Instant::now();
                        number += 1;
                        let path = folder.join(number.to_string());
                        file = Some(fs::File::create(path).expect("a file"));
                    }
                    let file = file.as_mut().expect("it is open");
                    file.write_all(&jpeg).expect("room on the disk");
                    if synced.elapsed() >= SYNC {
                        synced = Instant::now();
                        file.sync_data().expect("sync");
                    }
                }
            });
            (sender, thread)
        })
        .unzip();
    pace(time, |camera, jpeg| {
        senders[camera].send(jpeg.clone()).expect("the thread runs");
    });
    drop(senders);
    for thread in threads {
        thread.join().expect("the thread wrote");
    }
}

fn recorded(folder: &Path, time: Duration) {
    let recordings = Recordings::open(Settings {
        segment: SEGMENT,
        min_free: 0,
        ..Settings::new(folder)
    });
    let writers: Vec<_> = (0..CAMERAS)
        .map(|camera| {
            recordings
                .writer(&format!("camera{camera}"))
                .expect("a thread")
        })
        .collect();
    pace(time, |camera, jpeg| {
        writers[camera].push(Picture {
            jpeg: jpeg.clone(),
            size: Size::new(1280, 720),
            captured: Captured::now(),
        });
    });
    let frames: u64 = writers.iter().map(|writer| writer.progress().frames).sum();
    assert!(frames > 0, "nothing was written");
    for writer in &writers {
        assert_eq!(writer.progress().dropped, 0, "the disk is too slow");
    }
}
