//! The hub's promises, on tokio's paused clock with cameras that follow a script.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use framecast_camera::{Camera, Error, ErrorKind, Frame as Shot, Frames, Result};
use framecast_media::jpeg::{self, Layout, Pixels};
use futures_util::stream;
use tokio::time::{advance, sleep, timeout};

use super::*;

#[derive(Clone, Copy)]
enum Step {
    Frame,
    Wait(u64),
    NoSignal,
    Broken,
    Fail(ErrorKind),
    Panic,
    Repeat,
}
use Step::{Broken, Fail, Frame as Picture, NoSignal, Panic, Repeat, Wait};

/// Plays one script at its first opening, the next at its second …, the last again and again.
struct Scripted {
    scripts: Vec<Vec<Step>>,
    opened: AtomicUsize,
    /// Handles that are open now, and the most there ever were.
    open: Arc<Handles>,
}

#[derive(Default)]
struct Handles {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Handle(Arc<Handles>);

impl Handle {
    fn open(handles: &Arc<Handles>) -> Self {
        let now = handles.now.fetch_add(1, SeqCst) + 1;
        handles.most.fetch_max(now, SeqCst);
        Self(Arc::clone(handles))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

impl Scripted {
    fn new(scripts: &[&[Step]]) -> Arc<Self> {
        Arc::new(Self {
            scripts: scripts.iter().map(|script| script.to_vec()).collect(),
            opened: AtomicUsize::new(0),
            open: Arc::default(),
        })
    }

    fn opened(&self) -> usize {
        self.opened.load(SeqCst)
    }

    fn is_open(&self) -> bool {
        self.open.now.load(SeqCst) > 0
    }
}

impl Camera for Scripted {
    fn frames(&self) -> Frames {
        let round = self.opened.fetch_add(1, SeqCst);
        let script = self.scripts[round.min(self.scripts.len() - 1)].clone();
        let handle = Handle::open(&self.open);
        Frames::stream(stream::unfold((script, 0, handle), async |mut state| {
            let item = play(&state.0, &mut state.1).await?;
            Some((item, state))
        }))
    }
}

async fn play(script: &[Step], at: &mut usize) -> Option<Result<Shot>> {
    loop {
        let step = *script.get(*at)?;
        *at += 1;
        match step {
            Picture => return Some(Ok(Shot::jpeg(picture(64, 48)))),
            Broken => return Some(Ok(Shot::jpeg(picture(64, 48)[..40].to_vec()))),
            Wait(ms) => sleep(Duration::from_millis(ms)).await,
            NoSignal => return Some(Err(Error::new(ErrorKind::NoSignal, "no cable"))),
            Fail(kind) => return Some(Err(Error::new(kind, "it went away"))),
            Panic => panic!("lens cap on"),
            Repeat => *at = 0,
        }
    }
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    let stride = width as usize;
    let data = vec![128; stride * height as usize];
    let pixels = Pixels {
        layout: Layout::Grey,
        width,
        height,
        stride,
        data: &data,
    };
    jpeg::encode(&pixels, 80).unwrap()
}

fn plan(camera: &Arc<Scripted>) -> Plan {
    Plan {
        camera: Arc::clone(camera) as Arc<dyn Camera>,
        output: Output::default(),
        policy: Policy::default(),
    }
}

fn hub(camera: &Arc<Scripted>) -> (Hub, Feed) {
    let hub = Hub::new();
    let feed = hub.add("door", plan(camera)).unwrap();
    (hub, feed)
}

/// 25 frames a second for ever.
const STEADY: &[Step] = &[Picture, Wait(40), Repeat];

async fn next(subscription: &mut Subscription) -> Received {
    timeout(Duration::from_secs(60), subscription.next())
        .await
        .expect("a frame should have come")
        .expect("the camera should be there")
}

async fn next_live(subscription: &mut Subscription) -> Received {
    loop {
        let received = next(subscription).await;
        if received.frame.is_live() {
            return received;
        }
    }
}

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
    let camera = Scripted::new(&[&[Picture]]);
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

fn width(width: u32) -> Variant {
    Variant {
        width: Some(width),
        ..Variant::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_variant_is_smaller_and_encoded_once_for_all() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut small: Vec<_> = (0..10)
        .map(|_| feed.subscribe_to(width(32)).unwrap())
        .collect();
    let mut pictures = Vec::new();
    for viewer in &mut small {
        pictures.push(next_live(viewer).await.frame);
    }
    assert_eq!(pictures[0].size.width, 32);
    assert_eq!(pictures[0].size.height, 24);
    let same = pictures.iter().filter(|p| p.seq == pictures[0].seq);
    assert!(
        same.into_iter()
            .all(|p| p.jpeg.as_ptr() == pictures[0].jpeg.as_ptr())
    );
    assert_eq!(feed.variants(), 1);
    assert_eq!(camera.opened(), 1);
    let stats = feed.stats();
    assert_eq!(stats.opened.load(SeqCst), 1);
    // The camera may be one frame ahead of its variant, which counts for nothing.
    let last = feed.newest().unwrap().seq;
    assert!(stats.frames.load(SeqCst) <= last);
    assert_eq!(feed.stats().viewers.load(SeqCst), 10);
}

#[tokio::test(start_paused = true)]
async fn the_camera_closes_when_the_last_viewer_of_a_variant_has_gone() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    next_live(&mut feed.subscribe_to(width(32)).unwrap()).await;
    sleep(Duration::from_secs(12)).await;
    assert!(!camera.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_variant_shows_the_loss_and_the_return_of_its_camera() {
    let camera = Scripted::new(&[&[Picture, Wait(100), Fail(ErrorKind::Lost)], STEADY]);
    let (_hub, feed) = hub(&camera);
    let mut small = feed.subscribe_to(width(32)).unwrap();
    assert!(next(&mut small).await.frame.is_live());
    let stand_in = next(&mut small).await.frame;
    assert_eq!(stand_in.no_signal.as_deref(), Some("it went away"));
    assert_eq!(stand_in.size.width, 32);
    next_live(&mut small).await;
}

#[tokio::test(start_paused = true)]
async fn strangers_cannot_make_any_number_of_variants() {
    let camera = Scripted::new(&[STEADY]);
    let (_hub, feed) = hub(&camera);
    let most = variant::MOST as u32;
    let mut watched: Vec<_> = (0..most)
        .map(|n| feed.subscribe_to(width(8 + n)).unwrap())
        .collect();
    assert_eq!(feed.subscribe_to(width(60)).unwrap_err(), TooMany);
    watched.pop();
    let mut newcomer = feed.subscribe_to(width(60)).unwrap();
    next_live(&mut newcomer).await;
    assert_eq!(feed.variants(), variant::MOST);
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
