//! What is shown when: paces, directions, pauses, steps.

use super::*;

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
