//! Sessions on a real archive, with tokio's clock paused: what is read takes no time, and paces are exact.
#![allow(
    clippy::single_range_in_vec_init,
    reason = "the runs of an archive, of which there may be one"
)]

mod playing;
mod sessions;

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
