//! Sessions on a real archive, with tokio's clock paused: what is read takes no time, and paces are exact.
#![allow(
    clippy::single_range_in_vec_init,
    reason = "the runs of an archive, of which there may be one"
)]

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, SystemTime},
};

use framecast_camera::{Camera, Captured, Frame, Frames, Size};
use framecast_media::jpeg;
use futures_util::stream;
use tokio::time::{Instant, sleep, timeout};

use super::{
    reel::{self, Found, Reel, Wanted},
    *,
};
use crate::{
    hub::{Feed, Hub, Output, Plan, Policy, Subscription, Variant},
    recordings::{Health, Picture, Recordings, Settings},
};

/// A camera, its archive, and its sessions.
struct Bench {
    _root: tempfile::TempDir,
    recordings: Recordings,
    sessions: Sessions,
    hub: Hub,
    live: Feed,
    /// When picture 0 was taken.
    began: Captured,
}

/// A camera that gives a picture every 40 ms.
struct Live;

impl Camera for Live {
    fn frames(&self) -> Frames {
        Frames::stream(stream::unfold((), async |()| {
            sleep(Duration::from_millis(40)).await;
            Some((Ok(Frame::jpeg(picture())), ()))
        }))
    }
}

fn picture() -> Vec<u8> {
    let pixels = [90; 8 * 8 * 3];
    let image = jpeg::Pixels {
        layout: jpeg::Layout::Rgb24,
        range: jpeg::Range::Full,
        width: 8,
        height: 8,
        stride: 24,
        data: &pixels,
    };
    jpeg::encode(&image, 80).unwrap()
}

impl Bench {
    /// With pictures of these numbers, 25 a second, in files of two seconds. They are from a minute and a half ago on.
    async fn new(runs: &[Range<u64>]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let recordings = Recordings::open(Settings {
            segment: Duration::from_secs(2),
            min_free: 0,
            ..Settings::new(root.path())
        });
        while !matches!(recordings.health(), Health::Ready | Health::Empty) {
            std::thread::sleep(Duration::from_millis(2));
        }
        let ago = Duration::from_secs(90);
        let now = Captured::now();
        let began = Captured {
            monotonic: now.monotonic - ago,
            wall: now.wall - ago,
        };
        let hub = Hub::new();
        let plan = Plan {
            camera: Arc::new(Live),
            output: Output::default(),
            policy: Policy::default(),
        };
        let bench = Self {
            live: hub.add("door", plan).unwrap(),
            hub,
            sessions: Sessions::new(Some(recordings.clone())),
            recordings,
            _root: root,
            began,
        };
        for run in runs {
            bench.record(run.clone()).await;
        }
        bench
    }

    async fn record(&self, run: Range<u64>) {
        let pictures: Vec<_> = run.map(|number| self.picture(number)).collect();
        let recordings = self.recordings.clone();
        let write = move || {
            let writer = recordings.writer("door").unwrap();
            writer.push_kept(pictures);
        };
        tokio::task::spawn_blocking(write).await.unwrap();
    }

    fn picture(&self, number: u64) -> Picture {
        let since = Duration::from_millis(40 * number);
        Picture {
            jpeg: picture().into(),
            size: Size::new(8, 8),
            captured: Captured {
                monotonic: self.began.monotonic + since,
                wall: self.began.wall + since,
            },
        }
    }

    fn at(&self, number: f64) -> SystemTime {
        self.began.wall + Duration::from_secs_f64(0.04 * number)
    }

    /// The number of the picture that was taken then.
    fn number(&self, time: SystemTime) -> f64 {
        time.duration_since(self.began.wall).unwrap().as_secs_f64() / 0.04
    }

    async fn begin(&self, number: f64, speed: f64) -> Session {
        let start = Change {
            to: Some(To::Moment(Moment::At(self.at(number)))),
            speed: Some(Speed::new(speed).unwrap()),
            paused: None,
        };
        let name = Name::Known(Id::random());
        self.sessions.begin(&self.live, name, start).await.unwrap()
    }

    async fn next(&self, viewer: &mut Subscription) -> f64 {
        let received = timeout(Duration::from_secs(20), viewer.next()).await;
        let frame = received
            .expect("a frame")
            .expect("the session goes on")
            .frame;
        assert!(frame.is_live(), "{:?}", frame.no_signal);
        self.number(frame.captured.wall)
    }

    /// The numbers of the next pictures, and when they came.
    async fn watch(&self, viewer: &mut Subscription, count: usize) -> Vec<(f64, Instant)> {
        let mut seen = Vec::new();
        for _ in 0..count {
            seen.push((self.next(viewer).await, Instant::now()));
        }
        seen
    }
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 0.1, "{found} is not {expected}");
}

/// Nothing comes for so long.
async fn is_still(viewer: &mut Subscription, time: Duration) {
    if let Ok(received) = timeout(time, viewer.next()).await {
        panic!("{received:?}");
    }
}

async fn change(session: &Session, to: To) {
    let change = Change {
        to: Some(to),
        ..Change::default()
    };
    session.change(change).await.unwrap();
}

async fn pause(session: &Session, paused: bool) {
    let change = Change {
        paused: Some(paused),
        ..Change::default()
    };
    session.change(change).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_picture_comes_in_order_at_the_pace_at_which_it_was_taken() {
    let bench = Bench::new(&[0..250]).await;
    let session = bench.begin(10.0, 1.0).await;
    let mut viewer = session.feed().subscribe();
    let seen = bench.watch(&mut viewer, 150).await;
    for (index, (number, at)) in seen.iter().enumerate() {
        close(*number, 10.0 + index as f64);
        let due = Duration::from_millis(40 * index as u64);
        let came = at.duration_since(seen[0].1);
        assert!(
            came.abs_diff(due) <= Duration::from_millis(4),
            "{came:?} {due:?}"
        );
    }
    assert_eq!(bench.sessions.figures()["door"].dropped["late"], 0);
}

#[tokio::test(start_paused = true)]
async fn backwards_the_pictures_fall_to_the_first_and_stay_there() {
    let bench = Bench::new(&[0..250]).await;
    let session = bench.begin(100.0, -1.0).await;
    let mut viewer = session.feed().subscribe();
    let seen = bench.watch(&mut viewer, 101).await;
    for (index, (number, _)) in seen.iter().enumerate() {
        close(*number, 100.0 - index as f64);
    }
    let took = seen[100].1.duration_since(seen[0].1);
    assert!(
        took.abs_diff(Duration::from_secs(4)) < Duration::from_millis(20),
        "{took:?}"
    );
    is_still(&mut viewer, Duration::from_secs(30)).await;
    let status = session.status();
    assert!(status.paused && !status.live);
    close(bench.number(status.position), 0.0);
}

#[tokio::test(start_paused = true)]
async fn fast_playing_shows_what_eyes_can_follow() {
    let bench = Bench::new(&[0..1000]).await;
    for (from, speed) in [(0.0, 16.0), (999.0, -16.0), (0.0, 4.0)] {
        let session = bench.begin(from, speed).await;
        let mut viewer = session.feed().subscribe();
        let seen = bench.watch(&mut viewer, 40).await;
        let (first, last) = (seen[0], seen[39]);
        let took = last.1.duration_since(first.1).as_secs_f64();
        let went = (last.0 - first.0) * 0.04;
        assert!(
            (went / took - speed).abs() < 0.3,
            "{went} in {took} at {speed}"
        );
        assert!(39.0 / took < 31.0, "{took} at {speed}");
        assert!(39.0 / took > 20.0, "{took} at {speed}");
    }
}

#[tokio::test(start_paused = true)]
async fn paused_nothing_comes_and_a_step_is_exactly_the_next_picture() {
    let bench = Bench::new(&[0..250]).await;
    let session = bench.begin(10.0, 1.0).await;
    let mut viewer = session.feed().subscribe();
    bench.watch(&mut viewer, 10).await;
    pause(&session, true).await;
    is_still(&mut viewer, Duration::from_secs(600)).await;
    close(bench.number(session.status().position), 19.0);
    for (step, expected) in [(1, 20.0), (1, 21.0), (-1, 20.0), (-3, 17.0), (50, 67.0)] {
        change(&session, To::Step(step)).await;
        close(bench.next(&mut viewer).await, expected);
        close(bench.number(session.status().position), expected);
    }
    is_still(&mut viewer, Duration::from_secs(600)).await;
    let mut late = session.feed().subscribe();
    close(bench.next(&mut late).await, 67.0);
    pause(&session, false).await;
    for number in 68..80 {
        close(bench.next(&mut viewer).await, f64::from(number));
    }
}

#[tokio::test(start_paused = true)]
async fn going_elsewhere_is_seen_by_all_viewers_and_no_older_picture_comes_behind() {
    let bench = Bench::new(&[0..500]).await;
    let session = bench.begin(10.0, 1.0).await;
    let (mut one, mut other) = (session.feed().subscribe(), session.feed().subscribe());
    bench.watch(&mut one, 5).await;
    assert_eq!(session.status().viewers, 2);
    let by = Duration::from_secs(10);
    change(&session, To::Shift(Shift { by, back: false })).await;
    let there = bench.next(&mut one).await;
    assert!((263.0..267.0).contains(&there), "{there}");
    close(bench.next(&mut other).await, there);
    close(bench.next(&mut one).await, there + 1.0);
    change(&session, To::Moment(Moment::At(bench.at(100.0)))).await;
    close(bench.next(&mut one).await, 100.0);
    close(bench.next(&mut one).await, 101.0);
}

#[tokio::test(start_paused = true)]
async fn gaps_are_leapt_over_in_both_directions() {
    let bench = Bench::new(&[0..50, 1000..1050]).await;
    for (from, speed, to) in [(40.0, 1.0, 1000.0), (1010.0, -1.0, 49.0)] {
        let session = bench.begin(from, speed).await;
        let mut viewer = session.feed().subscribe();
        let seen = bench.watch(&mut viewer, 18).await;
        let numbers: Vec<_> = seen.iter().map(|(number, _)| number.round()).collect();
        assert!(numbers.contains(&to), "{numbers:?}");
        let took = seen[17].1.duration_since(seen[0].1);
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_moment_in_a_gap_is_the_next_picture_and_going_back_from_there_the_one_before() {
    let bench = Bench::new(&[0..50, 1000..1050]).await;
    let session = bench.begin(500.0, 1.0).await;
    let mut viewer = session.feed().subscribe();
    close(bench.next(&mut viewer).await, 1000.0);
    let by = Duration::from_secs(5);
    change(&session, To::Shift(Shift { by, back: true })).await;
    close(bench.next(&mut viewer).await, 49.0);
}

#[tokio::test(start_paused = true)]
async fn who_catches_up_is_live_and_who_pauses_there_goes_on_from_the_archive() {
    let bench = Bench::new(&[0..50]).await;
    let session = bench.begin(30.0, 2.0).await;
    let mut viewer = session.feed().subscribe();
    let now = bench.number(SystemTime::now());
    while bench.next(&mut viewer).await < now {}
    let status = session.status();
    assert!(status.live && !status.paused && status.speed == Speed::NORMAL);
    pause(&session, true).await;
    is_still(&mut viewer, Duration::from_secs(60)).await;
    assert!(!session.status().live);
    change(&session, To::Step(-1)).await;
    close(bench.next(&mut viewer).await, 49.0);
    change(&session, To::Live).await;
    assert!(bench.next(&mut viewer).await > now);
    assert!(session.status().live);
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_under_a_session_is_a_gap() {
    let bench = Bench::new(&[0..500]).await;
    let session = bench.begin(10.0, 1.0).await;
    let mut viewer = session.feed().subscribe();
    bench.watch(&mut viewer, 5).await;
    let gone = bench.at(60.0)..bench.at(320.0);
    let erase = bench
        .recordings
        .read(move |it| it.erase("door", gone))
        .await;
    assert!(!erase.unwrap().is_empty());
    let start = Instant::now();
    while bench.next(&mut viewer).await < 320.0 {}
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert!(!session.status().live);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_picture_is_left_out_and_counted() {
    let bench = Bench::new(&[0..100]).await;
    let range = SystemTime::UNIX_EPOCH..SystemTime::now();
    let path = bench
        .recordings
        .read(move |it| {
            let segment = it.segments("door", range)?.next()?.unwrap();
            Ok(it.path(&segment))
        })
        .await
        .unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let jpeg = picture();
    let found: Vec<usize> = (0..bytes.len() - jpeg.len())
        .filter(|at| bytes[*at..].starts_with(&jpeg))
        .collect();
    let (from, to) = (found[20], found[20] + jpeg.len());
    bytes[from..to].fill(0);
    std::fs::write(&path, bytes).unwrap();
    let session = bench.begin(15.0, 1.0).await;
    let mut viewer = session.feed().subscribe();
    let seen = bench.watch(&mut viewer, 10).await;
    let numbers: Vec<_> = seen
        .iter()
        .map(|(number, _)| number.round() as u64)
        .collect();
    assert_eq!(numbers, [15, 16, 17, 18, 19, 21, 22, 23, 24, 25]);
    let dropped = bench.sessions.figures()["door"].dropped.clone();
    assert_eq!(dropped.values().sum::<u64>(), 1, "{dropped:?}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_told_and_the_session_goes_on_from_where_it_stood() {
    let bench = Bench::new(&[0..500]).await;
    let session = bench.begin(10.0, 1.0).await;
    let mut viewer = session.feed().subscribe();
    bench.next(&mut viewer).await;
    let ahead = bench.at(150.0)..bench.at(151.0);
    let path = move |it: &Recordings| {
        let segment = it.segments("door", ahead)?.next()?.unwrap();
        Ok(it.path(&segment))
    };
    let path = bench.recordings.read(path).await.unwrap();
    let aside = path.with_extension("aside");
    std::fs::rename(&path, &aside).unwrap();
    std::fs::create_dir(&path).unwrap();
    let before = loop {
        let frame = viewer.next().await.unwrap().frame;
        if !frame.is_live() {
            break session.status();
        }
    };
    let reason = before.reason.as_deref().unwrap_or_default();
    assert!(reason.contains(&*path.to_string_lossy()), "{reason}");
    assert!(!before.live && bench.number(before.position) < 152.0);
    sleep(Duration::from_secs(20)).await;
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(&aside, &path).unwrap();
    let after = loop {
        let frame = viewer.next().await.unwrap().frame;
        if frame.is_live() && session.status().reason.is_none() {
            break bench.number(frame.captured.wall);
        }
    };
    assert!((145.0..160.0).contains(&after), "{after}");
}

#[tokio::test(start_paused = true)]
async fn a_session_stands_still_without_viewers_and_ends_after_a_minute() {
    let bench = Bench::new(&[0..500]).await;
    let session = bench.begin(10.0, 1.0).await;
    let id = session.status().id;
    sleep(Duration::from_secs(50)).await;
    let mut viewer = session.feed().subscribe();
    close(bench.next(&mut viewer).await, 10.0);
    sleep(Duration::from_secs(5)).await;
    drop(viewer);
    sleep(Duration::from_secs(50)).await;
    assert!(bench.sessions.find("door", &id).is_some());
    let stands = bench.number(session.status().position);
    assert!((134.0..137.0).contains(&stands), "{stands}");
    sleep(Duration::from_secs(15)).await;
    assert!(bench.sessions.find("door", &id).is_none());
    assert_eq!(bench.sessions.figures()["door"].sessions, 0);
    assert!(bench.sessions.figures()["door"].frames > 100);
}

#[tokio::test(start_paused = true)]
async fn sessions_end_with_their_camera() {
    let bench = Bench::new(&[0..500]).await;
    let session = bench.begin(10.0, 1.0).await;
    let mut viewer = session.feed().subscribe();
    bench.next(&mut viewer).await;
    bench.hub.remove("door");
    let ended = async { while viewer.next().await.is_some() {} };
    timeout(Duration::from_secs(5), ended).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    assert!(bench.sessions.find("door", &session.status().id).is_none());
}

#[tokio::test(start_paused = true)]
async fn sessions_are_shared_by_name_and_limited_in_number() {
    let bench = Bench::new(&[0..50]).await;
    let name = Name::Known("the-same-one".parse().unwrap());
    let begin = || {
        bench
            .sessions
            .begin(&bench.live, name.clone(), Change::default())
    };
    let (one, other) = tokio::join!(begin(), begin());
    assert_eq!(one.unwrap().status().id, other.unwrap().status().id);
    assert_eq!(bench.sessions.figures()["door"].sessions, 1);
    let mut kept = Vec::new();
    let refused = loop {
        let begun = bench
            .sessions
            .begin(&bench.live, Name::Nameless, Change::default());
        match begun.await {
            Ok(session) => kept.push(session.feed().subscribe()),
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Refused::TooMany));
    assert_eq!(kept.len(), 127);
    drop(kept);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(bench.sessions.figures()["door"].sessions, 1);
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_was_never_recorded_plays_live_only() {
    let bench = Bench::new(&[]).await;
    let name = Name::Known(Id::random());
    let start = Change {
        to: Some(To::Moment(Moment::Ago(Duration::from_secs(30)))),
        ..Change::default()
    };
    let refused = bench.sessions.begin(&bench.live, name.clone(), start).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "nothing is recorded of `door`"
    );
    let live = bench
        .sessions
        .begin(&bench.live, name, Change::default())
        .await;
    let live = live.unwrap();
    let mut viewer = live.feed().subscribe();
    bench.next(&mut viewer).await;
    pause(&live, true).await;
    is_still(&mut viewer, Duration::from_secs(9)).await;
    pause(&live, false).await;
    bench.next(&mut viewer).await;
    assert!(live.status().live);
}

#[tokio::test(start_paused = true)]
async fn a_smaller_copy_goes_backwards_too() {
    let bench = Bench::new(&[0..250]).await;
    let session = bench.begin(100.0, -1.0).await;
    let variant = Variant {
        width: Some(4),
        ..Variant::default()
    };
    let mut viewer = session.feed().subscribe_to(variant).unwrap();
    let first = bench.next(&mut viewer).await;
    let later = bench.watch(&mut viewer, 5).await;
    assert!(
        later.iter().all(|(number, _)| *number < first),
        "{later:?} {first}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_single_picture_is_the_one_at_or_before_its_time() {
    let bench = Bench::new(&[0..50, 1000..1050]).await;
    let at = |number: f64, variant: Variant| {
        still(Some(&bench.recordings), "door", bench.at(number), variant)
    };
    let original = at(20.5, Variant::default()).await.unwrap();
    close(bench.number(original.captured.wall), 20.0);
    let small = Variant {
        width: Some(4),
        ..Variant::default()
    };
    assert_eq!(at(1020.0, small).await.unwrap().size, Size::new(4, 4));
    let missing = at(500.0, Variant::default()).await.unwrap_err().to_string();
    assert!(missing.contains("the nearest picture is of"), "{missing}");
    assert!(at(2000.0, Variant::default()).await.is_err());
}

#[tokio::test]
async fn a_disk_that_is_late_makes_no_slow_motion() {
    let bench = Bench::new(&[0..500]).await;
    let recordings = bench.recordings.clone();
    let (from, late) = (bench.at(10.0), Duration::from_millis(200));
    let read = move || {
        let Found::Shot(shown, position) = reel::find(&recordings, "door", from, false).unwrap()
        else {
            panic!("it is there");
        };
        let mut taken = Vec::new();
        for back in [false, true] {
            let mut reel = Reel::open(&recordings, "door").unwrap();
            reel.place(&shown, back).unwrap();
            let wanted = Wanted {
                shown: Arc::new(shown.clone()),
                back,
                position: position.shifted(late, back).monotonic,
                spacing: Duration::ZERO,
            };
            let next = reel.next(&wanted).unwrap().unwrap();
            taken.push((next.shot.position.wall, next.late));
        }
        taken
    };
    let taken = tokio::task::spawn_blocking(read).await.unwrap();
    close(bench.number(taken[0].0), 14.0);
    close(bench.number(taken[1].0), 6.0);
    assert!(taken.iter().all(|(_, late)| *late == 3), "{taken:?}");
}
