//! `push`: frames that a client of this server sends.
//!
//! A camera and its sender meet at a [`Port`]. The camera comes and goes with its viewers, the sender with its connection,
//! and neither has to know: a camera that is replaced because its settings changed finds the same sender again.
//!
//! What does not belong here: HTTP. The web module reads the request's body and calls [`Sender::send`].

mod speed;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use framecast_camera::{Camera, Error, ErrorKind, Frame, Frames, Result};
use futures_util::{StreamExt as _, stream};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::Scheme;
use speed::Speed;

/// Frames that may wait for the camera's reader before the oldest is dropped.
const QUEUE: usize = 4;

/// How long a camera waits for a sender that has left before it says that there is none: many send each picture in a
/// request of its own, once or twice a second. Shorter than the hub waits for a picture before it gives the camera up.
const GRACE: Duration = Duration::from_secs(3);

/// How long a sender may be silent before another may take its place: one that lost power never says goodbye, and comes
/// back on another connection.
const SILENT: Duration = Duration::from_secs(5);

/// The ports of all `push` cameras, by the camera's name. Clones are the same set.
#[derive(Clone, Default)]
pub struct Ports(Arc<Mutex<BTreeMap<String, Weak<Shared>>>>);

impl Ports {
    /// The port of the `push` camera of that name; `None` if there is no such camera.
    pub fn port(&self, camera: &str) -> Option<Port> {
        self.locked().get(camera)?.upgrade().map(Port)
    }

    /// The port of that name, made now if nobody holds it yet.
    fn open(&self, camera: &str) -> Port {
        let mut ports = self.locked();
        // Ports of cameras that are gone; there are never many.
        ports.retain(|_, port| port.strong_count() > 0);
        if let Some(port) = ports.get(camera).and_then(Weak::upgrade) {
            return Port(port);
        }
        let port = Arc::new(Shared::default());
        ports.insert(camera.to_owned(), Arc::downgrade(&port));
        Port(port)
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Weak<Shared>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.locked().keys()).finish()
    }
}

/// Where a camera and its sender meet.
#[derive(Clone)]
pub struct Port(Arc<Shared>);

/// Somebody else is sending to this camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("somebody else is sending to this camera already")]
pub struct Taken;

impl Port {
    /// Takes the sender's place, which is free again once the [`Sender`] is dropped or has been silent for five seconds.
    ///
    /// # Errors
    /// [`Taken`] while another sender has it.
    pub fn sender(&self) -> std::result::Result<Sender, Taken> {
        let mut state = self.0.locked();
        let now = Instant::now();
        if state.sender.is_some_and(|place| now < place.heard + SILENT) {
            return Err(Taken);
        }
        state.senders += 1;
        let number = state.senders;
        state.sender = Some(Place { number, heard: now });
        drop(state);
        Ok(Sender {
            port: Arc::clone(&self.0),
            number,
        })
    }

    /// How many frames were sent that no camera took, because nobody watched or it couldn't keep up.
    pub fn dropped(&self) -> u64 {
        self.0.locked().dropped
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.locked();
        f.debug_struct("Port")
            .field("sender", &state.sender)
            .field("readers", &state.readers)
            .field("dropped", &state.dropped)
            .finish_non_exhaustive()
    }
}

/// The one who sends frames to a camera. Dropping it makes way for the next.
#[derive(Debug)]
pub struct Sender {
    port: Arc<Shared>,
    number: u64,
}

impl Sender {
    /// Says that something has come from the sender, be it only a part of a frame.
    ///
    /// # Errors
    /// [`Taken`] if it was silent for so long that another has taken its place: it should go.
    pub fn is_heard(&self) -> std::result::Result<(), Taken> {
        match &mut self.port.locked().sender {
            Some(place) if place.number == self.number => {
                place.heard = Instant::now();
                Ok(())
            }
            _ => Err(Taken),
        }
    }

    /// Hands a frame to the camera, or drops it if nobody watches.
    pub fn send(&self, frame: Frame) {
        let mut state = self.port.locked();
        if state.readers == 0 {
            state.dropped += 1;
            return;
        }
        if state.waiting.len() == QUEUE {
            state.waiting.pop_front();
            state.dropped += 1;
        }
        state.waiting.push_back(frame);
        drop(state);
        self.port.changed.notify_one();
    }

    /// Whether one more frame is within `rate` frames a second, counted over all senders that this camera has had: most
    /// send each picture in a request of its own.
    pub fn may_send(&self, rate: f64) -> bool {
        let mut state = self.port.locked();
        let speed = state.speed.get_or_insert_with(|| Speed::new(rate));
        speed.allows(std::time::Instant::now())
    }

    /// Whether the camera is open, so that a frame would be shown.
    pub fn is_wanted(&self) -> bool {
        self.port.locked().readers > 0
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let mut state = self.port.locked();
        if state.sender.is_none_or(|place| place.number != self.number) {
            return;
        }
        state.sender = None;
        state.left = Some(Instant::now());
        drop(state);
        self.port.changed.notify_one();
    }
}

#[derive(Debug, Default)]
struct Shared {
    // A std mutex: held for a push or a pop, never across an await.
    state: Mutex<State>,
    /// Wakes the reader: a frame has come, or the sender has gone.
    changed: Notify,
}

/// The sender's place, taken.
#[derive(Clone, Copy, Debug)]
struct Place {
    number: u64,
    heard: Instant,
}

#[derive(Debug, Default)]
struct State {
    sender: Option<Place>,
    /// How many there have been.
    senders: u64,
    /// When the last sender left.
    left: Option<Instant>,
    speed: Option<Speed>,
    /// Open cameras: one, or for a moment two while one replaces the other.
    readers: usize,
    waiting: VecDeque<Frame>,
    dropped: u64,
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn scheme(ports: Ports) -> Scheme {
    Scheme::new(
        "push",
        "frames that a client sends to this server by HTTP",
        move |request| {
            Ok(Push {
                port: ports.open(&request.name),
                name: request.name.clone(),
                grace: grace(request.fps),
            })
        },
    )
    .remote()
}

/// A sender that is known to be slow gets two and a half of its intervals.
fn grace(fps: Option<f64>) -> Duration {
    fps.and_then(|fps| Duration::try_from_secs_f64(2.5 / fps).ok())
        .map_or(GRACE, |intervals| intervals.max(GRACE))
}

struct Push {
    port: Port,
    name: String,
    grace: Duration,
}

impl Camera for Push {
    fn frames(&self) -> Frames {
        let (port, name, grace) = (self.port.clone(), self.name.clone(), self.grace);
        // Made when the stream is first polled: frames that were never asked for have no reader.
        let reader = stream::once(async move { Reader::new(&port, name, grace) });
        Frames::stream(reader.flat_map(|reader| {
            stream::unfold(reader, |mut reader| async {
                Some((reader.next().await, reader))
            })
        }))
    }
}

/// An open camera.
struct Reader {
    port: Arc<Shared>,
    camera: String,
    grace: Duration,
    /// Whether the lack of a sender has been reported since there last was one.
    reported: bool,
}

impl Reader {
    fn new(port: &Port, camera: String, grace: Duration) -> Self {
        port.0.locked().readers += 1;
        Self {
            port: Arc::clone(&port.0),
            camera,
            grace,
            reported: false,
        }
    }

    async fn next(&mut self) -> Result<Frame> {
        loop {
            let patience = {
                let mut state = self.port.locked();
                if let Some(frame) = state.waiting.pop_front() {
                    self.reported = false;
                    return Ok(frame);
                }
                let back_by = state.left.map(|left| left + self.grace);
                match back_by {
                    _ if state.sender.is_some() || self.reported => None,
                    Some(back_by) if Instant::now() < back_by => Some(back_by),
                    _ => {
                        self.reported = true;
                        let camera = &self.camera;
                        return Err(Error::new(
                            ErrorKind::NoSignal,
                            format!("waiting for a sender: POST JPEG frames to …/{camera}/push"),
                        ));
                    }
                }
            };
            let change = self.port.changed.notified();
            match patience {
                Some(end) => {
                    let _changed = timeout_at(end, change).await;
                }
                None => change.await,
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.port.locked();
        state.readers -= 1;
        if state.readers == 0 {
            state.dropped += state.waiting.len() as u64;
            // The next viewer must not begin with a picture of the last one's time.
            state.waiting.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    fn frame() -> Frame {
        Frame::jpeg(vec![0xff, 0xd8, 0xff, 0xd9])
    }

    fn reader(fps: Option<f64>) -> (Port, Reader) {
        let port = Ports::default().open("door");
        let reader = Reader::new(&port, "door".to_owned(), grace(fps));
        (port, reader)
    }

    #[tokio::test(start_paused = true)]
    async fn a_camera_that_never_had_a_sender_says_so_at_once() {
        let (_port, mut reader) = reader(None);
        let start = Instant::now();
        let error = reader.next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSignal);
        assert_eq!(start.elapsed(), Duration::ZERO);
        let silent = timeout(Duration::from_secs(60), reader.next()).await;
        assert!(silent.is_err(), "it says it once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_went_silent_makes_way_and_hears_of_it() {
        let (port, _reader) = reader(None);
        let silent = port.sender().unwrap();
        sleep(SILENT - Duration::from_millis(1)).await;
        assert_eq!(port.sender().unwrap_err(), Taken);
        silent.is_heard().unwrap();
        sleep(SILENT).await;
        let next = port.sender().unwrap();
        assert_eq!(silent.is_heard(), Err(Taken));
        drop(silent);
        assert_eq!(port.sender().unwrap_err(), Taken);
        next.is_heard().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_for_each_picture_leaves_no_gap_between_them() {
        let (port, mut reader) = reader(None);
        let sending = tokio::spawn(async move {
            for _ in 0..5 {
                port.sender().unwrap().send(frame());
                sleep(Duration::from_secs(1)).await;
            }
            port
        });
        // The first is on its way when the camera is opened.
        tokio::task::yield_now().await;
        for _ in 0..5 {
            reader.next().await.unwrap();
        }
        let _port = sending.await.unwrap();
        assert!(reader.next().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_stays_away_is_missed_after_the_grace_time() {
        for (fps, grace) in [
            (None, GRACE),
            (Some(10.0), GRACE),
            (Some(0.5), GRACE + GRACE * 2 / 3),
        ] {
            let (port, mut reader) = reader(fps);
            port.sender().unwrap().send(frame());
            reader.next().await.unwrap();
            let left = Instant::now();
            let error = reader.next().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoSignal);
            let late = left.elapsed().saturating_sub(grace);
            assert!(left.elapsed() >= grace && late < Duration::from_millis(5));
        }
    }
}
