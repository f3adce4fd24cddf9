//! `push`: frames that a client of this server sends.
//!
//! A camera and its sender meet at a [`Port`]. The camera comes and goes with its viewers, the sender with its connection,
//! and neither has to know: a camera that is replaced because its settings changed finds the same sender again.
//!
//! What does not belong here: HTTP. The web module reads the request's body and calls [`Sender::send`].

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use framecast_camera::{Camera, Error, ErrorKind, Frame, Frames, Result};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;

use super::Scheme;

/// Frames that may wait for the camera's reader before the oldest is dropped.
const QUEUE: usize = 4;

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
    /// Takes the sender's place, which is free again once the [`Sender`] is dropped.
    ///
    /// # Errors
    /// [`Taken`] while another sender has it.
    pub fn sender(&self) -> std::result::Result<Sender, Taken> {
        let mut state = self.0.locked();
        if state.connected {
            return Err(Taken);
        }
        state.connected = true;
        drop(state);
        Ok(Sender(Arc::clone(&self.0)))
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
            .field("connected", &state.connected)
            .field("readers", &state.readers)
            .field("dropped", &state.dropped)
            .finish_non_exhaustive()
    }
}

/// The one who sends frames to a camera. Dropping it makes way for the next.
#[derive(Debug)]
pub struct Sender(Arc<Shared>);

impl Sender {
    /// Hands a frame to the camera, or drops it if nobody watches.
    pub fn send(&self, frame: Frame) {
        let mut state = self.0.locked();
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
        self.0.changed.notify_one();
    }

    /// Whether the camera is open, so that a frame would be shown.
    pub fn is_wanted(&self) -> bool {
        self.0.locked().readers > 0
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.locked().connected = false;
        self.0.changed.notify_one();
    }
}

#[derive(Debug, Default)]
struct Shared {
    // A std mutex: held for a push or a pop, never across an await.
    state: Mutex<State>,
    /// Wakes the reader: a frame has come, or the sender has gone.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    connected: bool,
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
            })
        },
    )
    .remote()
}

struct Push {
    port: Port,
    name: String,
}

impl Camera for Push {
    fn frames(&self) -> Frames {
        let (port, name) = (self.port.clone(), self.name.clone());
        // Made when the stream is first polled: frames that were never asked for have no reader.
        let reader = stream::once(async move { Reader::new(&port, name) });
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
    /// Whether the lack of a sender has been reported since there last was one.
    reported: bool,
}

impl Reader {
    fn new(port: &Port, camera: String) -> Self {
        port.0.locked().readers += 1;
        Self {
            port: Arc::clone(&port.0),
            camera,
            reported: false,
        }
    }

    async fn next(&mut self) -> Result<Frame> {
        loop {
            {
                let mut state = self.port.locked();
                if let Some(frame) = state.waiting.pop_front() {
                    self.reported = false;
                    return Ok(frame);
                }
                if !state.connected && !self.reported {
                    self.reported = true;
                    let camera = &self.camera;
                    return Err(Error::new(
                        ErrorKind::NoSignal,
                        format!("waiting for a sender: POST JPEG frames to …/{camera}/push"),
                    ));
                }
            }
            self.port.changed.notified().await;
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
