//! When a camera is open, and what happens when it fails.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_camera_opens_for_the_first_viewer_and_closes_after_the_linger() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(camera.opened(), 0);

    let mut viewer = feed.subscribe();
    assert!(next(&mut viewer).await.frame.is_live());
    assert_eq!(feed.status().state, State::Live);
    drop(viewer);
    sleep(Duration::from_millis(9_500)).await;
    assert!(camera.is_open());
    sleep(Duration::from_secs(1)).await;
    assert!(!camera.is_open());
    assert_eq!(feed.status().state, State::Idle);
    assert!(feed.newest().is_none(), "an old picture must not look live");
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_comes_back_within_the_linger_finds_the_camera_open() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    for _ in 0..5 {
        next(&mut feed.subscribe()).await;
        sleep(Duration::from_secs(9)).await;
    }
    assert_eq!(camera.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_linger_closes_at_once_and_never_closes_not_at_all() {
    for (linger, open) in [
        (Linger::For(Duration::ZERO), false),
        (Linger::Forever, true),
    ] {
        let camera = Scripted::new(&[STEADY]);
        let (_hub, feed) = hub(&camera);
        let mut plan = plan(&camera);
        plan.policy.linger = linger;
        feed.replan(plan);
        next(&mut feed.subscribe()).await;
        sleep(Duration::from_millis(100)).await;
        assert_eq!(camera.is_open(), open);
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(camera.is_open(), open);
    }
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_gives_no_first_frame_is_given_up_and_tried_again() {
    let camera = Scripted::new(&[&[Wait(1_000_000)], STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    let opening = next(&mut viewer).await.frame;
    assert!(opening.no_signal.as_deref().unwrap().contains("opening"));
    next_live(&mut viewer).await;
    assert_eq!(camera.opened(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_camera_is_opened_anew() {
    let camera = Scripted::new(&[&[Picture, Wait(1_000_000)], STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    next(&mut viewer).await;
    let stand_in = next(&mut viewer).await.frame;
    assert_eq!(stand_in.no_signal.as_deref(), Some("no picture for 5s"));
    next_live(&mut viewer).await;
}

#[tokio::test]
async fn a_device_that_will_not_close_is_told_of_at_once() {
    struct Wedged;
    impl Camera for Wedged {
        fn frames(&self) -> Frames {
            Frames::blocking(|_stop| {
                let mut frames = vec![Ok(Shot::jpeg(picture(64, 48)))];
                Ok(std::iter::from_fn(move || {
                    let frame = frames.pop();
                    if frame.is_none() {
                        // Deaf to the stop: longer than the hub waits for a device to close.
                        std::thread::sleep(Duration::from_secs(8));
                    }
                    frame
                }))
            })
        }
    }
    let hub = Hub::new();
    let plan = Plan {
        camera: Arc::new(Wedged),
        output: Output::default(),
        policy: Policy {
            stall: Duration::from_secs(1),
            ..Policy::default()
        },
    };
    let mut viewer = hub.add("wedged", plan).unwrap().subscribe();
    next_live(&mut viewer).await;
    let start = std::time::Instant::now();
    assert!(!next(&mut viewer).await.frame.is_live());
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_camera_that_is_asked_for_few_frames_may_take_three_intervals_for_one() {
    let mut plan = plan(&Scripted::new(&[]));
    assert_eq!(plan.stall(), Duration::from_secs(5));
    plan.output.fps = Some(0.1);
    assert_eq!(plan.stall(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_mistake_in_the_settings_is_not_tried_again_until_they_change() {
    let camera = Scripted::new(&[&[Fail(ErrorKind::Invalid)], STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    assert!(!next(&mut viewer).await.frame.is_live());
    sleep(Duration::from_secs(600)).await;
    assert_eq!(camera.opened(), 1);
    assert_eq!(feed.status().state.as_str(), "failed");
    feed.replan(plan(&camera));
    next_live(&mut viewer).await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_ended_starts_again_for_the_next_viewer() {
    // The end waits until the picture has been seen: only the newest is kept.
    let camera = Scripted::new(&[&[Picture, Wait(100)]]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    next(&mut viewer).await;
    assert!(!next(&mut viewer).await.frame.is_live());
    assert_eq!(feed.status().state.as_str(), "ended");
    drop(viewer);
    sleep(Duration::from_millis(1)).await;
    next_live(&mut feed.subscribe()).await;
    assert_eq!(camera.opened(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_panics_stops_only_its_own_camera() {
    let camera = Scripted::new(&[&[Picture, Panic], STEADY]);
    let (hub, feed) = hub(&camera);
    let healthy = Scripted::new(&[STEADY]);
    let other = hub.add("desk", plan(&healthy)).unwrap();
    let (mut viewer, mut others) = (feed.subscribe(), other.subscribe());
    next(&mut viewer).await;
    let stand_in = next(&mut viewer).await.frame;
    assert!(
        stand_in
            .no_signal
            .as_deref()
            .unwrap()
            .contains("lens cap on")
    );
    assert!(next(&mut others).await.frame.is_live());
    next_live(&mut viewer).await;
    assert_eq!(healthy.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_camera_without_a_signal_stays_open() {
    let camera = Scripted::new(&[&[NoSignal, Wait(30_000), Picture, Wait(40), Repeat]]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    let stand_in = next(&mut viewer).await.frame;
    assert_eq!(stand_in.no_signal.as_deref(), Some("no cable"));
    assert_eq!(feed.status().state.as_str(), "no_signal");
    next_live(&mut viewer).await;
    assert_eq!(camera.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_camera_of_nothing_but_broken_pictures_says_what_is_wrong_with_them() {
    let camera = Scripted::new(&[&[Broken, Wait(40), Repeat]]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    let reason = loop {
        let reason = next(&mut viewer).await.frame.no_signal.clone().unwrap();
        if !reason.contains("opening the camera") {
            break reason;
        }
    };
    assert!(
        reason.starts_with("no picture within 10s of opening: "),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_changes_while_nobody_watches_does_not_keep_the_camera_open() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    next(&mut feed.subscribe()).await;
    sleep(Duration::from_secs(5)).await;
    let other = Scripted::new(&[STEADY]);
    feed.replan(plan(&other));
    sleep(Duration::from_secs(1)).await;
    assert!(other.is_open());
    sleep(Duration::from_secs(10)).await;
    assert!(!other.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_linger_alone_does_not_reopen() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    next(&mut viewer).await;
    let mut plan = plan(&camera);
    plan.policy.linger = Linger::For(Duration::ZERO);
    feed.replan(plan);
    sleep(Duration::from_millis(100)).await;
    drop(viewer);
    sleep(Duration::from_millis(100)).await;
    assert!(!camera.is_open());
    assert_eq!(camera.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn closing_the_hub_closes_every_camera() {
    let camera = Scripted::new(&[STEADY]);
    let (hub, feed) = hub(&camera);
    let mut viewer = feed.subscribe();
    let mut small = feed.subscribe_to(width(32)).unwrap();
    next(&mut viewer).await;
    next(&mut small).await;
    hub.close().await;
    assert!(!camera.is_open());
    while viewer.next().await.is_some() {}
    while small.next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn a_picture_still_being_encoded_does_not_pass_for_the_signals_return() {
    struct Grabber;
    impl Camera for Grabber {
        fn frames(&self) -> Frames {
            let grey = framecast_camera::Layout::Grey;
            let size = framecast_camera::Size::new(640, 480);
            let shot = Shot::raw(grey, size, 640, vec![0; 640 * 480]);
            let pulled = Error::new(ErrorKind::NoSignal, "no cable");
            let items = [Ok(shot), Err(pulled)];
            Frames::stream(stream::iter(items).chain(stream::pending()))
        }
    }
    let hub = Hub::new();
    let plan = Plan {
        camera: Arc::new(Grabber),
        output: Output::default(),
        policy: Policy::default(),
    };
    let feed = hub.add("grabber", plan).unwrap();
    let mut viewer = feed.subscribe();
    for _ in 0..10 {
        assert!(!next(&mut viewer).await.frame.is_live());
    }
    assert_eq!(feed.status().state.as_str(), "no_signal");
}
