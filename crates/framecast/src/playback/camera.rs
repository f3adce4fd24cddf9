//! The camera of a session: pictures of the archive at their pace, or those of the camera itself.

use std::sync::Arc;

use framecast_camera::{Camera, Error, ErrorKind, Frame, Frames, Result};
use futures_util::stream;
use tokio::{sync::watch, task::JoinHandle, time::sleep_until};

use super::{
    deck::{Deck, Task},
    reel::{Next, Reel},
};
use crate::{
    hub::{Feed, Subscription},
    recordings::{self, Recordings},
};

/// What a session's feed captures.
#[derive(Debug)]
pub(super) struct Playback {
    pub(super) deck: Arc<Deck>,
    pub(super) live: Feed,
    pub(super) recordings: Option<Recordings>,
}

impl Camera for Playback {
    fn frames(&self) -> Frames {
        let player = Player::new(self);
        Frames::stream(stream::unfold(player, async |mut player| {
            let item = player.next().await?;
            Some((item, player))
        }))
    }
}

/// One opening of the camera.
struct Player {
    deck: Arc<Deck>,
    feed: Feed,
    recordings: Option<Recordings>,
    changes: watch::Receiver<u64>,
    epoch: u64,
    /// The claim on the camera itself, while it is live.
    live: Option<Subscription>,
    reel: Option<Reel>,
    /// Whether the reel stands behind the picture that is shown.
    placed: bool,
    /// The one read that is under way.
    reading: Option<Reading>,
    /// Read, and not due yet.
    ahead: Option<Next>,
}

struct Reading {
    epoch: u64,
    job: JoinHandle<(Option<Reel>, Read)>,
}

type Read = std::result::Result<Option<Next>, recordings::Error>;

impl Player {
    fn new(playback: &Playback) -> Self {
        playback.deck.set_watched(true);
        Self {
            changes: playback.deck.changes(),
            deck: Arc::clone(&playback.deck),
            feed: playback.live.clone(),
            recordings: playback.recordings.clone(),
            epoch: 0,
            live: None,
            reel: None,
            placed: false,
            reading: None,
            ahead: None,
        }
    }

    async fn next(&mut self) -> Option<Result<Frame>> {
        loop {
            let epoch = *self.changes.borrow_and_update();
            if self.epoch != epoch {
                self.epoch = epoch;
                self.ahead = None;
                self.placed = false;
            }
            let task = self.deck.task();
            if !matches!(task, Task::Live) {
                self.live = None;
            }
            let item = match task {
                Task::Show(shot) => Some(Ok(shot.frame())),
                Task::Stay => {
                    // The sender is the deck's, which is ours, too.
                    let _changed = self.changes.changed().await;
                    None
                }
                Task::Play => self.play().await,
                Task::Live => self.watch().await?,
            };
            if item.is_some() {
                return item;
            }
        }
    }

    /// The next picture of the archive when it is due; `None` if something else is to be done.
    async fn play(&mut self) -> Option<Result<Frame>> {
        if self.ahead.is_none() {
            match self.read().await? {
                Ok(Some(next)) => self.ahead = Some(next),
                Ok(None) => {
                    self.deck.reach_end(self.epoch);
                    return None;
                }
                Err(error) => {
                    let why = error.to_string();
                    self.deck.suffer(&why);
                    return Some(Err(Error::new(ErrorKind::Lost, why)));
                }
            }
        }
        let due = self.deck.due(self.epoch, &self.ahead.as_ref()?.shot)?;
        tokio::select! {
            biased;
            _ = self.changes.changed() => return None,
            () = sleep_until(due) => {}
        }
        let shot = self.deck.show(self.epoch, self.ahead.take()?)?;
        Some(Ok(shot.frame()))
    }

    /// The next picture as soon as it is read. There is one read at a time: where a disk hangs, that is one thread.
    async fn read(&mut self) -> Option<Read> {
        if self.reading.is_none() {
            self.reading = Some(self.begin()?);
        }
        let reading = self.reading.as_mut()?;
        let done = tokio::select! {
            biased;
            _ = self.changes.changed() => return None,
            done = &mut reading.job => done,
        };
        let epoch = self.reading.take()?.epoch;
        let (reel, read) = done.unwrap_or_else(|_panicked| {
            let why = "reading the recordings failed".to_owned();
            (None, Err(recordings::Error::Unavailable(why)))
        });
        self.placed = reel.is_some() && epoch == self.epoch;
        self.reel = reel;
        // What was asked for before something else was is of no use.
        (epoch == self.epoch).then_some(read)
    }

    fn begin(&mut self) -> Option<Reading> {
        let wanted = self.deck.wanted()?;
        let (reel, placed) = (self.reel.take(), self.placed);
        let (recordings, camera) = (self.recordings.clone(), Arc::clone(self.feed.name()));
        let job = tokio::task::spawn_blocking(move || {
            let read = || {
                // Without an archive there is nothing behind what was live.
                let Some(recordings) = recordings else {
                    return Ok((None, None));
                };
                let (mut reel, placed) = match reel {
                    Some(reel) => (reel, placed),
                    None => (Reel::open(&recordings, &camera)?, false),
                };
                if !placed {
                    reel.place(&wanted.shown, wanted.back)?;
                }
                let next = reel.next(&wanted)?;
                Ok((Some(reel), next))
            };
            match read() {
                Ok((reel, next)) => (reel, Ok(next)),
                Err(error) => (None, Err(error)),
            }
        });
        let epoch = self.epoch;
        Some(Reading { epoch, job })
    }

    /// The next picture of the camera. Outer `None`: the camera is gone. Inner `None`: something else is to be done.
    async fn watch(&mut self) -> Option<Option<Result<Frame>>> {
        let live = self.live.get_or_insert_with(|| self.feed.subscribe());
        let received = tokio::select! {
            biased;
            _ = self.changes.changed() => return Some(None),
            received = live.next() => received?,
        };
        let frame = received.frame;
        if let Some(reason) = &frame.no_signal {
            self.deck.suffer(reason);
            return Some(Some(Err(Error::new(ErrorKind::NoSignal, reason.as_ref()))));
        }
        let since_boot = self
            .recordings
            .as_ref()
            .map_or_else(Default::default, |it| {
                it.since_boot(frame.captured.monotonic)
            });
        let is_new = self.deck.show_live(self.epoch, &frame, since_boot);
        Some(is_new.then(|| Ok(Frame::jpeg(frame.jpeg.clone()).captured_at(frame.captured))))
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.deck.set_watched(false);
    }
}
