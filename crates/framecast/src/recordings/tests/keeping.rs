//! What is repaired, kept and deleted.

use super::*;

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
