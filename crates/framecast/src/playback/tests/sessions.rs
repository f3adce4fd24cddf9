//! How long sessions live, and what they do when their archive is not as it was.

use super::*;

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
async fn a_session_outlives_the_end_of_one_that_had_its_name() {
    let bench = Bench::new(&[0..50]).await;
    let id: Id = "the-same-one".parse().unwrap();
    let begin = || {
        let name = Name::Known(id.clone());
        bench.sessions.begin(&bench.live, name, Change::default())
    };
    begin().await.unwrap();
    assert!(bench.sessions.end("door", &id));
    let again = begin().await.unwrap();
    // The end of the first is noticed only now.
    let viewer = again.feed().subscribe();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.sessions.figures()["door"].sessions, 1);
    drop(viewer);
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
