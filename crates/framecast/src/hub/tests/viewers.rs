//! What viewers of a camera see.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_hundred_viewers_are_one_capture() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut viewers: Vec<_> = (0..100).map(|_| feed.subscribe()).collect();
    for viewer in &mut viewers {
        next(viewer).await;
    }
    assert_eq!(camera.opened(), 1);
    assert_eq!(feed.stats().viewers.load(SeqCst), 100);
    drop(viewers);
    assert_eq!(feed.stats().viewers.load(SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_viewer_skips_to_the_newest_and_is_told_what_it_missed() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    let first = next(&mut viewer).await.frame.seq;
    sleep(Duration::from_millis(1_010)).await;
    let later = next(&mut viewer).await;
    assert_eq!(later.skipped, later.frame.seq - first - 1);
    assert!(later.skipped > 20);
    assert_eq!(feed.newest().unwrap().seq, later.frame.seq);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_never_gets_a_frame_twice_nor_an_older_one() {
    let camera = Scripted::new(&[&[Picture, Wait(40), Picture, Wait(10), Fail(ErrorKind::Lost)]]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    let mut last = 0;
    for _ in 0..50 {
        let frame = next(&mut viewer).await.frame;
        assert!(frame.seq > last);
        last = frame.seq;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_thins_out_without_counting_as_loss() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe().at_most(Some(100.0));
    next(&mut viewer).await;
    for _ in 0..5 {
        assert_eq!(next(&mut viewer).await.skipped, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_camera_says_why_keeps_its_viewers_and_comes_back() {
    let camera = Scripted::new(&[&[Picture, Fail(ErrorKind::Lost)], STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    assert!(next(&mut viewer).await.frame.is_live());
    let stand_in = next(&mut viewer).await.frame;
    assert_eq!(stand_in.no_signal.as_deref(), Some("it went away"));
    assert_eq!(feed.status().state.as_str(), "lost");
    next_live(&mut viewer).await;
    assert_eq!(feed.status().state, State::Live);
    assert_eq!(camera.opened(), 2);
}

#[tokio::test(start_paused = true)]
async fn while_a_camera_is_lost_its_viewers_see_a_new_picture_every_second() {
    let camera = Scripted::new(&[&[Fail(ErrorKind::Denied)]]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    let started = tokio::time::Instant::now();
    for _ in 0..10 {
        assert!(!next(&mut viewer).await.frame.is_live());
    }
    let took = started.elapsed();
    assert!(
        took > Duration::from_secs(8) && took < Duration::from_secs(11),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn broken_pictures_are_counted_and_never_shown() {
    let camera = Scripted::new(&[&[Broken, Picture, Broken, Wait(40), Repeat]]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    for _ in 0..3 {
        assert!(next(&mut viewer).await.frame.jpeg.ends_with(&[0xff, 0xd9]));
    }
    assert!(feed.stats().dropped().values().sum::<u64>() >= 3);
}

#[tokio::test(start_paused = true)]
async fn a_changed_plan_keeps_the_viewers_and_never_opens_twice() {
    let first = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&first);
    let mut viewer = feed.subscribe();
    next(&mut viewer).await;
    let second = Arc::new(Scripted {
        scripts: vec![STEADY.to_vec()],
        opened: AtomicUsize::new(0),
        open: Arc::clone(&first.open),
    });
    feed.replan(plan(&second));
    sleep(Duration::from_millis(10)).await;
    next_live(&mut viewer).await;
    assert_eq!(second.opened(), 1);
    assert_eq!(first.open.most.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn removing_a_camera_ends_its_viewers_and_frees_the_name() {
    let camera = Scripted::new(&[STEADY]);
    let (hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    next(&mut viewer).await;
    assert_eq!(
        hub.add("door", plan(&camera)).unwrap_err(),
        Exists("door".to_owned())
    );
    assert!(hub.remove("door"));
    while viewer.next().await.is_some() {}
    assert!(!hub.remove("door"));
    hub.add("door", plan(&camera)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn raw_frames_are_encoded_in_order() {
    struct Raw;
    impl Camera for Raw {
        fn frames(&self) -> Frames {
            Frames::stream(stream::unfold(0u8, async |n| {
                sleep(Duration::from_millis(20)).await;
                let grey = framecast_camera::Layout::Grey;
                let size = framecast_camera::Size::new(64, 48);
                let shot = Shot::raw(grey, size, 64, vec![n; 64 * 48]);
                Some((Ok(shot), n.wrapping_add(1)))
            }))
        }
    }
    let hub = Hub::new();
    let plan = Plan {
        camera: Arc::new(Raw),
        output: Output::default(),
        policy: Policy::default(),
    };
    let mut viewer = hub.add("raw", plan).unwrap().subscribe();
    let mut last = None;
    for _ in 0..30 {
        let frame = next_live(&mut viewer).await.frame;
        let captured = Some(frame.captured.monotonic);
        assert!(captured > last);
        last = captured;
        advance(Duration::from_millis(1)).await;
    }
}
