//! What was recorded is read back: order, times, gaps.

use super::*;

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
fn what_begins_in_a_time_is_found_stride_by_stride() {
    let index = super::super::index::Index::in_memory().unwrap();
    // Two begin at the same moment, and once the clock was set back.
    for (id, start) in [(1, 10), (2, 20), (3, 20), (4, 5), (5, 30), (6, 90)] {
        let segment = Segment {
            id,
            camera: "door".into(),
            run: 1,
            part: 0,
            start: SystemTime::UNIX_EPOCH + Duration::from_nanos(start),
            monotonic: Duration::ZERO,
            boot: String::new(),
            length: Duration::ZERO,
            frames: 1,
            bytes: 1,
            size: Size::new(8, 8),
            path: id.to_string(),
            finished: true,
        };
        index.put(&segment).unwrap();
    }
    for most in [2, 3, 10] {
        let (mut from, mut found) = (Some(5), Vec::new());
        while let Some(start) = from {
            let within = index.within("door", (start, 31), most).unwrap();
            from = within.as_ref().and_then(|within| within.rest);
            found.extend(
                within
                    .into_iter()
                    .flat_map(|within| [*within.ids.start(), *within.ids.end()]),
            );
            assert!(found.len() < 100, "it does not end");
        }
        let ends = (found.iter().min(), found.iter().max());
        assert_eq!(ends, (Some(&1), Some(&5)), "{most}");
    }
}
