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

#[test]
fn what_was_recorded_is_read_back_in_order_across_files() {
    let bench = Bench::new();
    bench.record("door", 0..350, 10.0);
    assert_eq!(bench.files().len(), 4);
    assert_eq!(
        bench.numbers("door", At::Start),
        (0..350).collect::<Vec<_>>()
    );
    let mut cursor = bench.recordings.cursor("door", At::Start).unwrap();
    let mut before: Option<Recorded> = None;
    while let Some(recorded) = cursor.next().unwrap() {
        let number = number(&recorded.jpeg);
        assert_eq!(recorded.jpeg, jpeg(number));
        assert!(near(recorded.at, bench.at(number as f64 / 10.0)));
        assert_eq!(recorded.size, Size::new(640, 480));
        if let Some(before) = before.replace(recorded.clone()) {
            assert!(recorded.monotonic > before.monotonic);
            assert_eq!(recorded.run, before.run);
        }
    }
}

#[test]
fn a_cursor_goes_back_the_way_it_came() {
    let bench = Bench::new();
    bench.record("door", 0..250, 10.0);
    let mut cursor = bench.recordings.cursor("door", At::End).unwrap();
    let mut back = Vec::new();
    while let Some(recorded) = cursor.previous().unwrap() {
        back.push(number(&recorded.jpeg));
    }
    assert_eq!(back, (0..250).rev().collect::<Vec<_>>());
    for expected in 0..250 {
        let recorded = cursor.next().unwrap().unwrap();
        assert_eq!(number(&recorded.jpeg), expected);
        let again = cursor.previous().unwrap().unwrap();
        assert_eq!(number(&again.jpeg), expected);
        cursor.next().unwrap();
        let place = At::Picture {
            segment: recorded.segment,
            index: recorded.index,
        };
        let found = bench
            .recordings
            .cursor("door", place)
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        assert_eq!(number(&found.jpeg), expected);
    }
}

#[test]
fn a_time_leads_to_the_first_picture_at_or_after_it() {
    let bench = Bench::new();
    bench.record("door", 0..250, 10.0);
    for (second, expected) in [
        (-5.0f64, 0),
        (0.05, 1),
        (9.95, 100),
        (10.05, 101),
        (24.85, 249),
    ] {
        let time = bench.at(second + 10.0) - Duration::from_secs(10);
        let numbers = bench.numbers("door", At::Wall(time));
        assert_eq!(numbers.first(), Some(&expected), "{second}");
    }
    assert!(bench.numbers("door", At::Wall(bench.at(30.0))).is_empty());
    assert!(bench.numbers("window", At::Start).is_empty());
}

#[test]
fn the_file_that_grows_is_read_up_to_its_last_picture() {
    let bench = Bench::new();
    let writer = bench.recordings.writer("door").unwrap();
    let mut cursor = bench.recordings.cursor("door", At::Start).unwrap();
    assert!(cursor.next().unwrap().is_none());
    // Over the border of a file too.
    for number_of in 0..250 {
        writer.push(bench.picture(number_of, number_of as f64 / 10.0, 0));
        let recorded = until("the picture", || cursor.next().unwrap());
        assert_eq!(number(&recorded.jpeg), number_of);
    }
    assert!(cursor.next().unwrap().is_none());
    let spans = bench.spans("door");
    assert_eq!(spans.len(), 1);
    assert!(
        spans[0].open && near(spans[0].end, bench.at(24.9)),
        "{spans:?}"
    );
    assert_eq!(spans[0].frames, 250);
    let seek = bench
        .recordings
        .cursor("door", At::Wall(bench.at(24.5)))
        .unwrap()
        .next()
        .unwrap();
    assert_eq!(number(&seek.unwrap().jpeg), 245);
    drop(writer);
    assert!(!bench.spans("door")[0].open);
}

#[test]
fn a_gap_is_seen_as_one() {
    let bench = Bench::new();
    let writer = bench.recordings.writer("door").unwrap();
    writer.push_kept((0..50).map(|number| bench.picture(number, number as f64 / 10.0, 0)));
    writer.gap();
    writer.gap();
    writer.push_kept((50..60).map(|number| bench.picture(number, 60.0 + number as f64 / 10.0, 0)));
    drop(writer);
    let spans = bench.spans("door");
    assert_eq!(spans.len(), 2, "{spans:?}");
    assert!(near(spans[0].end, bench.at(4.9)) && near(spans[1].start, bench.at(65.0)));
    let runs: std::collections::BTreeSet<u64> = {
        let mut cursor = bench.recordings.cursor("door", At::Start).unwrap();
        std::iter::from_fn(|| cursor.next().unwrap())
            .map(|it| it.run)
            .collect()
    };
    assert_eq!(runs.len(), 2);
    // In the gap, the next picture is the one behind it.
    assert_eq!(bench.numbers("door", At::Wall(bench.at(30.0)))[0], 50);
    let part = bench.at(1.0)..bench.at(2.0);
    assert_eq!(bench.recordings.spans("door", part).unwrap().len(), 1);
}

#[test]
fn the_order_of_recording_is_kept_while_the_clock_is_set_back_and_forth() {
    let bench = Bench::new();
    let writer = bench.recordings.writer("door").unwrap();
    let astray = [0, -3600, 7200, -30, 0];
    for number in 0..250u64 {
        let second = number as f64 / 10.0;
        writer.push_kept([bench.picture(number, second, astray[number as usize / 50])]);
    }
    drop(writer);
    let bench = bench.reopened();
    assert_eq!(
        bench.numbers("door", At::Start),
        (0..250).collect::<Vec<_>>()
    );
    let mut cursor = bench.recordings.cursor("door", At::Start).unwrap();
    let mut monotonic = Duration::ZERO;
    for number in 0..250 {
        let recorded = cursor.next().unwrap().unwrap();
        assert!(recorded.monotonic > monotonic);
        monotonic = recorded.monotonic;
        let wall = bench.picture(number, number as f64 / 10.0, astray[number as usize / 50]);
        assert!(near(recorded.at, wall.captured.wall), "picture {number}");
    }
    assert_eq!(bench.spans("door").len(), 5);
}

#[test]
fn another_size_begins_another_file_without_a_gap() {
    let bench = Bench::new();
    let writer = bench.recordings.writer("door").unwrap();
    for number in 0..20 {
        let mut picture = bench.picture(number, number as f64 / 10.0, 0);
        if number >= 10 {
            picture.size = Size::new(320, 240);
        }
        writer.push_kept([picture]);
    }
    drop(writer);
    assert_eq!(bench.files().len(), 2);
    assert_eq!(bench.spans("door").len(), 1);
    let mut cursor = bench.recordings.cursor("door", At::End).unwrap();
    assert_eq!(
        cursor.previous().unwrap().unwrap().size,
        Size::new(320, 240)
    );
}

#[test]
fn a_file_that_broke_off_is_completed_at_the_next_start() {
    let bench = Bench::new();
    bench.record("door", 0..250, 10.0);
    let files = bench.files();
    let last = files.last().unwrap();
    let whole = fs::read(last).unwrap();
    // As it was before its end: cut within its last pictures, and with zeros that never became pictures.
    let growing = whole.len() - 3_000;
    for tail in [&[][..], &[0; 5000]] {
        let broken = [&whole[..growing], tail].concat();
        // As the power cut left it: neither file nor index know its end.
        let size = 8 + whole
            .windows(4)
            .position(|it| it == [0x18, 0x53, 0x80, 0x67])
            .unwrap()
            - 4;
        let mut broken = broken;
        broken[size..size + 8].copy_from_slice(&[1, 255, 255, 255, 255, 255, 255, 255]);
        fs::write(last, &broken).unwrap();
        let id = {
            let path = last
                .strip_prefix(bench.root.path())
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let marked = bench.recordings.ask(move |index| {
                let mut segment = index.at_path(&path)?.unwrap();
                (segment.finished, segment.length, segment.frames) = (false, Duration::ZERO, 0);
                index.put(&segment)?;
                Ok(segment.id)
            });
            marked.unwrap()
        };
        until("the repair", || {
            bench.recordings.segment(id).unwrap().finished.then_some(())
        });
        bench.recordings.shared().cache.forget(id);
        let numbers = bench.numbers("door", At::Start);
        assert!((240..250).contains(&numbers.len()), "{}", numbers.len());
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
        assert_eq!(
            bench.recordings.segment(id).unwrap().frames as usize,
            numbers.len() - 200
        );
    }
}

#[test]
fn an_index_that_is_gone_or_damaged_is_made_anew_from_the_files() {
    let mut bench = Bench::new();
    bench.record("door", 0..250, 10.0);
    bench.record("window", 0..30, 10.0);
    let known = bench.spans("door");
    let index = bench.root.path().join(repair::INDEX);
    for damage in [
        None,
        Some(&b"this is no database at all, but a text"[..]),
        Some(b""),
    ] {
        let Bench {
            root,
            recordings,
            began,
        } = bench;
        drop(recordings);
        until("the end of the store", || repair::lock(root.path()).ok());
        repair::remove_index(root.path()).unwrap();
        if let Some(bytes) = damage {
            fs::write(&index, bytes).unwrap();
        }
        bench = Bench {
            recordings: open(settings(root.path())),
            root,
            began,
        };
        assert_eq!(bench.spans("door"), known);
        assert_eq!(
            bench.numbers("window", At::Start),
            (0..30).collect::<Vec<_>>()
        );
    }
    // What is recorded next comes after all of it.
    bench.record("door", 300..310, 10.0);
    assert_eq!(bench.numbers("door", At::End), [] as [u64; 0]);
    assert_eq!(bench.spans("door").last().unwrap().frames, 10);
}

#[test]
fn a_folder_is_used_by_one_program_at_a_time() {
    let bench = Bench::new();
    bench.record("door", 0..10, 10.0);
    let other = Recordings::open(settings(bench.root.path()));
    let why = until("the fault", || match other.health() {
        Health::Fault { why, .. } => Some(why),
        _ => None,
    });
    assert!(why.contains("another framecast"), "{why}");
    let error = reindex(bench.root.path()).unwrap_err();
    assert!(error.to_string().contains("another framecast"), "{error}");
    drop(bench.recordings);
    until("the other", || {
        (other.health() == Health::Ready).then_some(())
    });
}

#[test]
fn what_is_too_much_goes_and_what_is_pinned_stays() {
    let bench = Bench::new();
    bench.record("door", 0..600, 10.0);
    bench.record("window", 0..600, 10.0);
    let all: u64 = bench.spans("door")[0].bytes;
    let pinned = bench.at(12.0)..bench.at(13.0);
    let pin = bench.recordings.pin("door", pinned, "the parcel").unwrap();
    assert_eq!(
        bench.recordings.pins(Some("door")).unwrap(),
        std::slice::from_ref(&pin)
    );
    bench.recordings.limit(
        "door",
        Limits {
            keep: None,
            max_size: Some(all / 2),
        },
    );
    until("the limit", || {
        let spans = bench.spans("door");
        (spans.iter().map(|span| span.bytes).sum::<u64>() <= all / 2).then_some(())
    });
    let numbers = bench.numbers("door", At::Start);
    assert!(
        (100..200).all(|number| numbers.contains(&number)),
        "the pinned minute is gone"
    );
    assert!(numbers.contains(&599) && !numbers.contains(&0) && !numbers.contains(&250));
    assert_eq!(bench.spans("window")[0].frames, 600);
    bench.recordings.unpin(pin.id).unwrap();
    assert!(bench.recordings.unpin(pin.id).is_err());
    bench.recordings.change(&Settings {
        max_size: Some(1),
        ..bench.recordings.settings()
    });
    until("the empty store", || bench.files().is_empty().then_some(()));
    until("the count", || {
        (bench.recordings.stored("door") == 0).then_some(())
    });
    assert!(bench.numbers("door", At::Start).is_empty());
}

#[test]
fn a_time_is_erased_but_for_what_is_pinned() {
    let bench = Bench::new();
    bench.record("door", 0..600, 10.0);
    bench
        .recordings
        .pin("door", bench.at(25.0)..bench.at(25.5), "")
        .unwrap();
    let erased = bench
        .recordings
        .erase("door", bench.at(15.0)..bench.at(35.0))
        .unwrap();
    assert_eq!(erased.len(), 2);
    let numbers = bench.numbers("door", At::Start);
    assert_eq!(numbers.len(), 400);
    assert_eq!(bench.spans("door").len(), 3);
}

#[test]
fn a_file_that_is_gone_is_passed_over() {
    let bench = Bench::new();
    bench.record("door", 0..350, 10.0);
    fs::remove_file(&bench.files()[1]).unwrap();
    fs::write(&bench.files()[1], "no recording").unwrap();
    let numbers = bench.numbers("door", At::Start);
    assert_eq!(numbers, (0..100).chain(300..350).collect::<Vec<_>>());
}

#[test]
fn a_folder_that_nothing_is_kept_in_is_not_made() {
    let root = tempfile::tempdir().unwrap();
    let recordings = open(settings(&root.path().join("recordings")));
    assert_eq!(recordings.spans("door", always()).unwrap(), []);
    assert!(!root.path().join("recordings").exists());
    recordings.pin("door", always(), "").unwrap();
    assert_eq!(recordings.pins(None).unwrap().len(), 1);
    assert!(root.path().join("recordings").exists());
}

#[test]
fn pictures_are_dropped_and_counted_while_the_folder_cannot_be_used() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let recordings = Recordings::open(settings(&file));
    let began = Captured::now();
    let bench = Bench {
        root,
        recordings,
        began,
    };
    until("the fault", || {
        matches!(bench.recordings.health(), Health::Fault { .. }).then_some(())
    });
    let writer = bench.recordings.writer("door").unwrap();
    writer.push(bench.picture(0, 0.0, 0));
    let progress = until("the drop", || {
        Some(writer.progress()).filter(|it| it.dropped == 1)
    });
    assert!(matches!(progress.state, State::Faulted { .. }));
    assert!(bench.recordings.spans("door", always()).is_err());
    fs::remove_file(&file).unwrap();
    let mut number = 1;
    until("the recording", || {
        writer.push(bench.picture(number, number as f64, 0));
        number += 1;
        std::thread::sleep(Duration::from_millis(50));
        (writer.progress().state == State::Recording).then_some(())
    });
    drop(writer);
    assert!(bench.spans("door")[0].frames > 0);
}
