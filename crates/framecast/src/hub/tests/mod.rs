//! The hub's promises, on tokio's paused clock with cameras that follow a script.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use framecast_camera::{Camera, Error, ErrorKind, Frame as Shot, Frames, Result};
use framecast_media::jpeg::{self, Layout, Pixels, Range};
use futures_util::{StreamExt, stream};
use tokio::time::{advance, sleep, timeout};

use super::*;

mod capture;
mod variants;
mod viewers;

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
        range: Range::Full,
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

fn width(width: u32) -> Variant {
    Variant {
        width: Some(width),
        ..Variant::default()
    }
}
