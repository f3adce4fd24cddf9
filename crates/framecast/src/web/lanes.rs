//! Writes each frame of a camera to many viewers by a few tasks.
//!
//! Waking a task costs a fifth of what sending a small frame costs. So the viewers that keep up and want every frame share
//! lanes: a lane is one task that wakes once for a frame and offers it to each of its connections, without waiting. A viewer
//! that does not take all of it at once leaves the lane: its own task, which otherwise only waits for the viewer to go, sends
//! the rest, then what is newest, and goes back to a lane when it has caught up. A connection belongs to one of the two at a
//! time, so parts don't mix and numbers only rise.
//!
//! What does not belong here: viewers with wishes of their own and connections other than TCP ([`writer`]).

use std::{
    io::{self, ErrorKind, IoSlice},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread::available_parallelism,
};

use futures_util::FutureExt;
use rustix::net::SendFlags;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, tcp::OwnedWriteHalf},
    sync::{Notify, oneshot},
    task::yield_now,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::writer;
use crate::{
    hub::{Feed, Frame, Glance},
    sinks::mjpeg::{Dialect, Part, Parts, Plain},
};

/// Viewers of a lane from which on another processor is worth waking.
const WORTH_ANOTHER: usize = 256;
/// Connections that are written to before other tasks get their turn.
const BATCH: usize = 64;

/// The lanes of all feeds. Cheap to clone.
#[derive(Clone)]
pub(super) struct Lanes {
    open: Arc<Mutex<Vec<Arc<Lane>>>>,
    most: usize,
    tasks: TaskTracker,
}

struct Lane {
    feed: Feed,
    /// Viewers that want in.
    waiting: Mutex<Vec<Rider>>,
    /// Viewers that are in.
    riding: AtomicUsize,
    /// Whether one of them has gone.
    gone: AtomicBool,
    changed: Notify,
}

/// A viewer in a lane.
struct Rider {
    link: OwnedWriteHalf,
    dialect: Dialect,
    /// Number of the frame that was sent last.
    seen: u64,
    back: oneshot::Sender<Returned>,
}

/// What its own task gets back.
struct Returned {
    link: OwnedWriteHalf,
    seen: u64,
    /// A part that was begun, and how much of it is out.
    begun: Option<(Part, usize)>,
}

/// A viewer's place in a lane. The lane lets go of the connection when this is dropped.
struct Ride {
    lane: Arc<Lane>,
    back: oneshot::Receiver<Returned>,
}

/// Writes `parts` to `io` until they end or the viewer leaves, as [`writer::run`] does, by way of a lane if they allow it.
///
/// # Errors
/// As [`writer::run`].
pub(super) async fn run(
    io: TcpStream,
    mut parts: Parts,
    lanes: &Lanes,
    shutdown: &CancellationToken,
) -> io::Result<()> {
    if parts.plain().is_none() {
        return writer::run(io, parts, shutdown).await;
    }
    let (mut said, mut link) = io.into_split();
    writer::open(&mut link, &parts, shutdown).await?;
    while let Some(plain) = parts.plain() {
        let mut ride = lanes.enter(link, &plain);
        let returned = tokio::select! {
            biased;
            returned = &mut ride.back => returned.map_err(|_| ErrorKind::BrokenPipe)?,
            left = writer::left(&mut said) => return left,
        };
        link = returned.link;
        parts.resume(returned.seen);
        if let Some((part, written)) = returned.begun {
            writer::send(&mut link, &part, written, shutdown).await?;
        }
        // A frame is taken only when there is room for it, so that it is the newest.
        loop {
            writer::room(&link, &parts, shutdown).await?;
            match parts.next().now_or_never() {
                Some(Some(part)) => writer::send(&mut link, &part, 0, shutdown).await?,
                Some(None) => return link.shutdown().await,
                None => break,
            }
        }
    }
    Ok(())
}

impl Lanes {
    /// No lanes yet; their tasks are to be among `tasks`.
    pub(super) fn new(tasks: TaskTracker) -> Self {
        Self {
            open: Arc::default(),
            most: available_parallelism().map_or(1, usize::from),
            tasks,
        }
    }

    /// Gives a connection with no part under way to the emptiest lane of its feed, or to a new one.
    fn enter(&self, link: OwnedWriteHalf, stream: &Plain<'_>) -> Ride {
        let (sender, back) = oneshot::channel();
        let rider = Rider {
            link,
            dialect: stream.dialect,
            seen: stream.seen,
            back: sender,
        };
        let mut open = locked(&self.open);
        let of_feed = || open.iter().filter(|lane| lane.feed == *stream.feed);
        let emptiest = of_feed().min_by_key(|lane| lane.viewers());
        let lane = match emptiest {
            Some(lane) if lane.viewers() < WORTH_ANOTHER || of_feed().count() >= self.most => {
                Arc::clone(lane)
            }
            _ => {
                let lane = Arc::new(Lane::new(stream.feed.clone()));
                open.push(Arc::clone(&lane));
                self.tasks.spawn(serve(Arc::clone(&lane), self.clone()));
                lane
            }
        };
        // Under the lock of `open`, so that the lane doesn't close in between.
        locked(&lane.waiting).push(rider);
        drop(open);
        lane.changed.notify_one();
        Ride { lane, back }
    }

    /// Closes a lane that is empty; false if somebody waits for it.
    fn close(&self, lane: &Arc<Lane>) -> bool {
        let mut open = locked(&self.open);
        let empty = locked(&lane.waiting).is_empty();
        if empty {
            open.retain(|other| !Arc::ptr_eq(other, lane));
        }
        empty
    }
}

impl Lane {
    fn new(feed: Feed) -> Self {
        Self {
            feed,
            waiting: Mutex::default(),
            riding: AtomicUsize::new(0),
            gone: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// How many viewers it has, those included that wait.
    fn viewers(&self) -> usize {
        self.riding.load(Relaxed) + locked(&self.waiting).len()
    }
}

impl Drop for Ride {
    fn drop(&mut self) {
        if !self.back.is_terminated() {
            self.back.close();
            self.lane.gone.store(true, Relaxed);
            self.lane.changed.notify_one();
        }
    }
}

/// The task of a lane: ends with its last viewer.
async fn serve(lane: Arc<Lane>, lanes: Lanes) {
    let mut newest = lane.feed.watch_newest();
    let mut row = Row::default();
    loop {
        if lane.gone.swap(false, Relaxed) {
            row.riders.retain(|rider| !rider.back.is_closed());
        }
        row.riders.append(&mut locked(&lane.waiting));
        match newest.glance() {
            Glance::Frame(frame) => row.offer(&frame, &lane.feed),
            Glance::Nothing => {}
            Glance::Closed => row.riders.drain(..).for_each(|rider| rider.give_back(None)),
        }
        lane.riding.store(row.riders.len(), Relaxed);
        if row.riders.is_empty() && lanes.close(&lane) {
            return;
        }
        if row.behind {
            yield_now().await;
        } else {
            tokio::select! {
                () = newest.changed() => {}
                () = lane.changed.notified() => {}
            }
        }
    }
}

/// The viewers of a lane, each of whom gets its turn.
#[derive(Default)]
struct Row {
    riders: Vec<Rider>,
    /// Whose turn it is.
    at: usize,
    /// Whether some have not been offered the newest frame.
    behind: bool,
}

impl Row {
    /// Offers the frame to the next few who have not got it.
    fn offer(&mut self, frame: &Frame, feed: &Feed) {
        let mut parts = Rendered {
            frame,
            feed,
            browser: None,
            program: None,
        };
        let mut room = BATCH;
        // Those who have it are passed over; after so many in a row nobody is left.
        let mut passed = 0;
        while passed < self.riders.len() && room > 0 {
            if self.at >= self.riders.len() {
                self.at = 0;
            }
            let rider = &mut self.riders[self.at];
            if rider.seen >= frame.seq {
                passed += 1;
                self.at += 1;
                continue;
            }
            passed = 0;
            room -= 1;
            let part = parts.part(rider.dialect);
            let written = rider.offer(part).unwrap_or(0);
            if written > 0 {
                let skipped = match rider.seen {
                    0 => 0,
                    seen => frame.seq - seen - 1,
                };
                feed.stats().send_frame(frame, skipped);
                rider.seen = frame.seq;
            }
            if written == part.len() {
                self.at += 1;
            } else {
                let begun = (written > 0).then(|| (part.clone(), written));
                self.riders.swap_remove(self.at).give_back(begun);
            }
        }
        self.behind = passed < self.riders.len();
    }
}

impl Rider {
    /// Writes what the kernel takes at once, and says how much that was.
    fn offer(&self, part: &Part) -> io::Result<usize> {
        match part {
            // Past the runtime, whose notes on a connection are cold memory: only a viewer's own task needs them.
            Part::Whole(bytes) => {
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                Ok(rustix::net::send(self.link.as_ref(), bytes, flags)?)
            }
            Part::Pieces(pieces) => {
                let slices = pieces.each_ref().map(|piece| IoSlice::new(piece));
                self.link.try_write_vectored(&slices)
            }
        }
    }

    /// Gives the connection back, which is dropped if the viewer has gone. What is wrong with it shows when it is used.
    fn give_back(self, begun: Option<(Part, usize)>) {
        let returned = Returned {
            link: self.link,
            seen: self.seen,
            begun,
        };
        let _gone = self.back.send(returned);
    }
}

/// A frame's parts, each made when the first viewer needs it.
struct Rendered<'a> {
    frame: &'a Frame,
    feed: &'a Feed,
    browser: Option<Part>,
    program: Option<Part>,
}

impl Rendered<'_> {
    fn part(&mut self, dialect: Dialect) -> &Part {
        let part = match dialect {
            Dialect::Browser => &mut self.browser,
            Dialect::Program => &mut self.program,
        };
        part.get_or_insert_with(|| Part::of(self.frame, dialect, self.feed))
    }
}

/// Held for a few instructions, never across an await.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
