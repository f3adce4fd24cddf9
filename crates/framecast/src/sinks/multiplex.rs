//! Many cameras on one connection, for pages that show more of them than a browser opens connections.
//!
//! Every watched camera has a window of frames that may be on their way: a client that is slow to show them, or whose link
//! is slow to carry them, skips to the newest. The protocol, `framecast.v1`:
//!
//! - client to server, JSON: what to watch, what to stop watching, and which frames were shown;
//! - server to client, JSON: the state of each watched camera, on every change and once a second;
//! - server to client, binary: a header of [`HEADER`] bytes, then the JPEG.
//!
//! The JSON is read and written by `web`; here are the pictures and their order.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    pin::Pin,
    sync::Arc,
    time::Instant,
};

use bytes::{BufMut, Bytes, BytesMut};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;
use tokio_stream::{StreamMap, wrappers::WatchStream};

use crate::hub::{Feed, Received, Subscription};

/// Bytes before the JPEG: version (1), flags (bit 0: live), watch number (2), age at sending in milliseconds (4), sequence
/// number (8), all big-endian.
pub const HEADER: usize = 16;
const VERSION: u8 = 1;
const LIVE: u8 = 1;

/// Frames of one camera that may be on their way to the client.
const WINDOW: usize = 4;
/// Cameras that one connection may watch.
pub const MOST: usize = 256;

/// The cameras that one client watches, as a stream of what to tell it.
#[derive(Default)]
pub struct Multiplex {
    events: StreamMap<Key, Events>,
    watches: HashMap<u16, Watch>,
}

type Events = Pin<Box<dyn Stream<Item = Event> + Send>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    watch: u16,
    status: bool,
}

#[derive(Debug)]
enum Event {
    Frame(Received),
    Status,
    Gone,
}

struct Watch {
    feed: Feed,
    window: Arc<Semaphore>,
    /// Numbers of the frames that were sent and not acknowledged yet.
    under_way: VecDeque<u64>,
}

/// What the client is to be told next.
#[derive(Debug)]
pub enum Message {
    /// A picture: header and JPEG.
    Picture(Bytes),
    /// The state of this watch may have changed.
    Status(u16),
    /// The camera of this watch was removed; the watch is over.
    Gone(u16),
}

impl Multiplex {
    /// Nothing watched yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches a camera under a number of the client's; replaces what that number stood for.
    pub fn watch(&mut self, id: u16, subscription: Subscription) {
        self.unwatch(id);
        let feed = subscription.feed().clone();
        let window = Arc::new(Semaphore::new(WINDOW));
        let statuses = WatchStream::new(feed.watch_status()).map(|_| Event::Status);
        let frames = frames(subscription, Arc::clone(&window)).chain(stream::iter([Event::Gone]));
        let key = |status| Key { watch: id, status };
        self.events.insert(key(true), Box::pin(statuses));
        self.events.insert(key(false), Box::pin(frames));
        self.watches.insert(
            id,
            Watch {
                feed,
                window,
                under_way: VecDeque::new(),
            },
        );
    }

    /// Stops watching.
    pub fn unwatch(&mut self, id: u16) {
        self.watches.remove(&id);
        for status in [true, false] {
            self.events.remove(&Key { watch: id, status });
        }
    }

    /// The client has shown or discarded all frames up to this number.
    pub fn acknowledge(&mut self, id: u16, seq: u64) {
        let Some(watch) = self.watches.get_mut(&id) else {
            return;
        };
        while watch.under_way.front().is_some_and(|sent| *sent <= seq) {
            watch.under_way.pop_front();
            watch.window.add_permits(1);
        }
    }

    /// The feed behind a watch.
    pub fn feed(&self, id: u16) -> Option<&Feed> {
        self.watches.get(&id).map(|watch| &watch.feed)
    }

    /// All watches with their feeds.
    pub fn watched(&self) -> Vec<(u16, Feed)> {
        let watches = self.watches.iter();
        watches
            .map(|(id, watch)| (*id, watch.feed.clone()))
            .collect()
    }

    /// What to tell the client next; pending while there is nothing. Safe to cancel.
    pub async fn next(&mut self) -> Message {
        loop {
            let Some((key, event)) = self.events.next().await else {
                return std::future::pending().await;
            };
            match event {
                Event::Status => return Message::Status(key.watch),
                Event::Gone => {
                    self.unwatch(key.watch);
                    return Message::Gone(key.watch);
                }
                Event::Frame(received) => {
                    let Some(watch) = self.watches.get_mut(&key.watch) else {
                        continue;
                    };
                    watch.under_way.push_back(received.frame.seq);
                    watch
                        .feed
                        .stats()
                        .send_frame(&received.frame, received.skipped);
                    return Message::Picture(picture(key.watch, &received));
                }
            }
        }
    }
}

impl fmt::Debug for Multiplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multiplex")
            .field("watches", &self.watches.len())
            .finish_non_exhaustive()
    }
}

/// The frames of one watch: the next is taken only when the window has room, so it is the newest then.
fn frames(subscription: Subscription, window: Arc<Semaphore>) -> impl Stream<Item = Event> + Send {
    stream::unfold(
        (subscription, window),
        async |(mut subscription, window)| {
            window.acquire().await.ok()?.forget();
            let received = subscription.next().await?;
            Some((Event::Frame(received), (subscription, window)))
        },
    )
}

fn picture(watch: u16, received: &Received) -> Bytes {
    let frame = &received.frame;
    let age = frame.age(Instant::now()).as_millis();
    let mut bytes = BytesMut::with_capacity(HEADER + frame.jpeg.len());
    bytes.put_u8(VERSION);
    bytes.put_u8(if frame.is_live() { LIVE } else { 0 });
    bytes.put_u16(watch);
    bytes.put_u32(u32::try_from(age).unwrap_or(u32::MAX));
    bytes.put_u64(frame.seq);
    bytes.put_slice(&frame.jpeg);
    bytes.freeze()
}
