//! Moving between lanes and tasks, over real connections.

use std::time::Duration;

use framecast_camera::{Camera, Frame as Picture, Frames};
use framecast_media::{
    jpeg::{self, Layout, Pixels, Range},
    multipart::{CONTENT_TYPE, Limits, Parser},
};
use futures_util::{StreamExt, stream};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpSocket},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::*;
use crate::hub::{Hub, Output, Plan, Policy};

/// Gives a picture of noise, which is large, as often as this.
struct Noise(Duration);

/// Gives one picture, which is small, and then no more.
struct Still;

impl Camera for Still {
    fn frames(&self) -> Frames {
        let pixels = Pixels {
            layout: Layout::Grey,
            range: Range::Full,
            width: 16,
            height: 16,
            stride: 16,
            data: &[80; 16 * 16],
        };
        let frame = Picture::jpeg(jpeg::encode(&pixels, 80).unwrap());
        Frames::stream(stream::once(async { Ok(frame) }).chain(stream::pending()))
    }
}

impl Camera for Noise {
    fn frames(&self) -> Frames {
        let (every, jpeg) = (self.0, noise());
        Frames::stream(stream::unfold((), move |()| {
            let jpeg = jpeg.clone();
            async move {
                sleep(every).await;
                Some((Ok(Picture::jpeg(jpeg)), ()))
            }
        }))
    }
}

fn noise() -> Vec<u8> {
    let mut state = 1_u32;
    let data: Vec<u8> = (0..320 * 240)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let pixels = Pixels {
        layout: Layout::Grey,
        range: Range::Full,
        width: 320,
        height: 240,
        stride: 320,
        data: &data,
    };
    jpeg::encode(&pixels, 90).unwrap()
}

/// A camera with viewers in lanes.
struct Place {
    hub: Hub,
    feed: Feed,
    lanes: Lanes,
    listener: TcpListener,
    shutdown: CancellationToken,
}

impl Place {
    async fn new(every: Duration) -> Self {
        Self::of(Noise(every)).await
    }

    async fn of(camera: impl Camera) -> Self {
        let hub = Hub::new();
        let plan = Plan {
            camera: Arc::new(camera),
            output: Output::default(),
            // A camera that gives nothing more is as good as another.
            policy: Policy {
                stall: Duration::from_secs(3600),
                ..Policy::default()
            },
        };
        Self {
            feed: hub.add("camera", plan).unwrap(),
            hub,
            lanes: Lanes::new(TaskTracker::new()),
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            shutdown: CancellationToken::new(),
        }
    }

    /// A new viewer, which holds little that it has not read.
    async fn viewer(&self, dialect: Dialect) -> Viewer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8 << 10).unwrap();
        let address = self.listener.local_addr().unwrap();
        let (far, near) = tokio::join!(socket.connect(address), self.listener.accept());
        let near = near.unwrap().0;
        socket2::SockRef::from(&near)
            .set_send_buffer_size(8 << 10)
            .unwrap();
        let parts = Parts::new(self.feed.subscribe(), dialect);
        let (lanes, shutdown) = (self.lanes.clone(), self.shutdown.clone());
        let writing = tokio::spawn(async move { run(near, parts, &lanes, &shutdown).await });
        let limits = Limits {
            part: 1_000_000,
            header: 10_000,
        };
        Viewer {
            far: far.unwrap(),
            parser: Parser::from_content_type(CONTENT_TYPE, limits),
            writing,
        }
    }

    fn riding(&self) -> usize {
        let open = locked(&self.lanes.open);
        open.iter().map(|lane| lane.riding.load(Relaxed)).sum()
    }

    async fn until(&self, what: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !what(self) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), waiting).await.unwrap();
    }
}

struct Viewer {
    far: TcpStream,
    parser: Parser,
    writing: JoinHandle<io::Result<()>>,
}

impl Viewer {
    /// The number of the next part, which is sound.
    async fn next(&mut self) -> u64 {
        let reading = async {
            loop {
                if let Some(part) = self.parser.next().unwrap() {
                    if part.headers.get("X-Framecast-Online") == Some("true") {
                        assert_eq!(part.body, noise());
                    }
                    let number = part.headers.get("X-Framecast-Sequence").unwrap();
                    return number.parse().unwrap();
                }
                let mut bytes = [0; 4096];
                let count = self.far.read(&mut bytes).await.unwrap();
                assert!(count > 0, "the stream ended");
                self.parser.push(&bytes[..count]);
            }
        };
        timeout(Duration::from_secs(20), reading).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_pauses_again_and_again_gets_whole_parts_with_rising_numbers() {
    let place = Place::new(Duration::from_millis(10)).await;
    let mut viewer = place.viewer(Dialect::Program).await;
    let (mut last, mut missed, mut got) = (0, 0, 0);
    for _ in 0..5 {
        for _ in 0..20 {
            let number = viewer.next().await;
            assert!(number > last, "{number} after {last}");
            missed += if last == 0 { 0 } else { number - last - 1 };
            got += 1;
            last = number;
        }
        // Until the connection is full and frames are missed.
        sleep(Duration::from_millis(300)).await;
    }
    assert!(missed > 0);
    drop(viewer);
    place
        .until(|place| place.feed.stats().viewers.load(Relaxed) == 0)
        .await;
    let stats = place.feed.stats();
    // What is counted has been sent, though not all of it may have been read.
    assert!(stats.sent_frames() >= got);
    assert!(stats.skipped() >= missed);
    place.hub.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_reads_nothing_leaves_the_lane_and_holds_up_nobody_in_it() {
    let place = Place::new(Duration::from_millis(20)).await;
    let mut fast = place.viewer(Dialect::Program).await;
    let mut stuck = place.viewer(Dialect::Program).await;
    place.until(|place| place.riding() == 2).await;
    let leaving = async {
        while place.riding() == 2 {
            fast.next().await;
        }
    };
    timeout(Duration::from_secs(20), leaving).await.unwrap();
    for _ in 0..50 {
        fast.next().await;
    }
    let before = stuck.next().await;
    // It goes on with what it was given, and is soon up to date and in a lane again.
    let newest = fast.next().await;
    while stuck.next().await < newest {}
    assert!(before < newest);
    let both = async {
        loop {
            tokio::join!(fast.next(), stuck.next());
            if place.riding() == 2 {
                break;
            }
        }
    };
    timeout(Duration::from_secs(20), both).await.unwrap();
    place.hub.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lanes_are_as_many_as_their_viewers_are_worth_and_close_behind_them() {
    let mut place = Place::of(Still).await;
    place.lanes.most = 2;
    let mut viewers = Vec::new();
    for count in 1..=3 * WORTH_ANOTHER {
        viewers.push(place.viewer(Dialect::Browser).await);
        let lanes = 1 + usize::from(count > WORTH_ANOTHER);
        place.until(|place| place.riding() == count).await;
        assert_eq!(locked(&place.lanes.open).len(), lanes, "{count} viewers");
    }
    // Though no frame comes that would tell.
    viewers.clear();
    place
        .until(|place| locked(&place.lanes.open).is_empty())
        .await;
    place
        .until(|place| place.feed.stats().viewers.load(Relaxed) == 0)
        .await;
    place.hub.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_is_removed_ends_all_streams_in_lanes() {
    let place = Place::new(Duration::from_millis(20)).await;
    let mut viewers = Vec::new();
    for _ in 0..20 {
        viewers.push(place.viewer(Dialect::Program).await);
    }
    for viewer in &mut viewers {
        viewer.next().await;
    }
    place.hub.close().await;
    for viewer in &mut viewers {
        let mut rest = Vec::new();
        let ending = viewer.far.read_to_end(&mut rest);
        timeout(Duration::from_secs(20), ending)
            .await
            .unwrap()
            .unwrap();
    }
    place
        .until(|place| locked(&place.lanes.open).is_empty())
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_stops_reading_is_let_go() {
    let place = Place::new(Duration::from_millis(200)).await;
    let viewer = place.viewer(Dialect::Program).await;
    let begun = Instant::now();
    let outcome = viewer.writing.await.unwrap();
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(begun.elapsed() >= writer::DEAD_AFTER);
    assert_eq!(place.feed.stats().viewers.load(Relaxed), 0);
    place.hub.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_stopped_reading_does_not_hold_up_the_end() {
    let place = Place::new(Duration::from_millis(20)).await;
    let viewer = place.viewer(Dialect::Program).await;
    place
        .until(|place| place.feed.stats().sent_frames() > 0 && place.riding() == 0)
        .await;
    place.hub.close().await;
    place.shutdown.cancel();
    let ended = timeout(Duration::from_secs(10), viewer.writing).await;
    assert!(ended.unwrap().unwrap().is_err());
}
