//! The store, without cameras.

mod keeping;
mod reading;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use framecast_camera::{Captured, Size};

use super::*;

/// A store in a folder of its own, and the moment at which its camera began.
struct Bench {
    root: tempfile::TempDir,
    recordings: Recordings,
    began: Captured,
}

/// All times that there are.
fn always() -> std::ops::Range<SystemTime> {
    SystemTime::UNIX_EPOCH..SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 33)
}

/// Waits until something is so.
fn until<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(value) = holds() {
            return value;
        }
        assert!(Instant::now() < deadline, "{what} never came to be");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn open(settings: Settings) -> Recordings {
    let recordings = Recordings::open(settings);
    until("the store", || {
        matches!(recordings.health(), Health::Ready | Health::Empty).then_some(())
    });
    recordings
}

fn settings(root: &Path) -> Settings {
    Settings {
        segment: Duration::from_secs(10),
        min_free: 0,
        ..Settings::new(root)
    }
}

/// A JPEG as far as the store looks: its number between its two ends.
fn jpeg(number: u64) -> Bytes {
    let mut jpeg = vec![0xFF, 0xD8];
    jpeg.extend_from_slice(&number.to_be_bytes());
    jpeg.resize(600 + number as usize % 50, 0x55);
    jpeg.extend_from_slice(&[0xFF, 0xD9]);
    jpeg.into()
}

fn number(jpeg: &Bytes) -> u64 {
    u64::from_be_bytes(jpeg[2..10].try_into().unwrap())
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self {
            recordings: open(settings(root.path())),
            root,
            began: Captured::now(),
        }
    }

    /// Opens the same folder again.
    fn reopened(self) -> Self {
        let Self {
            root,
            recordings,
            began,
        } = self;
        drop(recordings);
        until("the end of the store", || repair::lock(root.path()).ok());
        Self {
            recordings: open(settings(root.path())),
            root,
            began,
        }
    }

    /// Picture `number`, taken so many seconds after the beginning, with the wall clock `astray` seconds.
    fn picture(&self, number: u64, second: f64, astray: i64) -> Picture {
        let since = Duration::from_secs_f64(second);
        let wall = self.began.wall + since;
        let by = Duration::from_secs(astray.unsigned_abs());
        Picture {
            jpeg: jpeg(number),
            size: Size::new(640, 480),
            captured: Captured {
                monotonic: self.began.monotonic + since,
                wall: if astray < 0 { wall - by } else { wall + by },
            },
        }
    }

    /// Records pictures of these numbers, as many a second as said, and completes the file.
    fn record(&self, camera: &str, numbers: std::ops::Range<u64>, fps: f64) {
        let writer = self.recordings.writer(camera).unwrap();
        writer.push_kept(numbers.map(|number| self.picture(number, number as f64 / fps, 0)));
        drop(writer);
    }

    fn at(&self, second: f64) -> SystemTime {
        self.began.wall + Duration::from_secs_f64(second)
    }

    /// The numbers of all pictures from a place on.
    fn numbers(&self, camera: &str, at: At) -> Vec<u64> {
        let mut cursor = self.recordings.cursor(camera, at).unwrap();
        let mut numbers = Vec::new();
        while let Some(recorded) = cursor.next().unwrap() {
            numbers.push(number(&recorded.jpeg));
        }
        numbers
    }

    fn spans(&self, camera: &str) -> Vec<Span> {
        self.recordings.spans(camera, always()).unwrap()
    }

    fn files(&self) -> Vec<std::path::PathBuf> {
        let days = files::days(self.root.path()).unwrap();
        let names = days
            .iter()
            .flat_map(|day| files::files(self.root.path(), day).unwrap());
        let mut files: Vec<_> = names.map(|name| self.root.path().join(name)).collect();
        files.sort();
        files
    }
}

fn near(a: SystemTime, b: SystemTime) -> bool {
    let apart = a
        .duration_since(b)
        .unwrap_or_else(|before| before.duration());
    apart <= Duration::from_millis(1)
}
