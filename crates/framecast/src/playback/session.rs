//! One session: what may be asked of it, and what it says of itself.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, timeout};

use super::{
    ask::{Id, Moment, Shift, Speed},
    deck::{Counters, Deck, Look, Place},
    reel::{self, Found},
    shot::Shot,
    transport::Position,
};
use crate::{
    hub::Feed,
    recordings::{self, Recordings},
};

/// How long a disk may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is to become of a session; what is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Change {
    /// Where to go.
    pub to: Option<To>,
    /// How fast to play.
    pub speed: Option<Speed>,
    /// Whether the picture stays.
    pub paused: Option<bool>,
}

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum To {
    /// To a moment.
    Moment(Moment),
    /// So far from where it stands.
    Shift(Shift),
    /// So many pictures on, or back for a number below zero, and stop there.
    Step(i64),
    /// To what the camera sees now.
    Live,
}

/// Why a session does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is nothing to play.
    #[error("nothing is recorded of `{0}`")]
    Nothing(Arc<str>),
    /// There is nothing to stop at.
    #[error("there is no picture of `{0}` yet")]
    NoPicture(Arc<str>),
    /// As many are being played as may be.
    #[error("too many recordings are being played: try again when others are done")]
    TooMany,
    /// The disk hangs.
    #[error("the disk with the recordings does not answer: try again in a moment")]
    Hangs,
    /// The archive can't be read.
    #[error(transparent)]
    Archive(#[from] recordings::Error),
}

/// A session as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Its name.
    pub id: Id,
    /// The camera.
    pub camera: Arc<str>,
    /// Whether it shows what the camera sees now.
    pub live: bool,
    /// Whether the picture stays.
    pub paused: bool,
    /// How fast it plays, or would if it were not paused.
    pub speed: Speed,
    /// Where it stands, by the wall clock.
    pub position: SystemTime,
    /// How far that is behind now.
    pub behind: Duration,
    /// How many watch.
    pub viewers: usize,
    /// Why there is no picture, where there is a reason.
    pub reason: Option<Arc<str>>,
}

/// One session. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: Id,
    live: Feed,
    feed: Feed,
    deck: Arc<Deck>,
    recordings: Option<Recordings>,
    /// Held by the one change that is being made.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Session {
    pub(super) fn new(
        id: Id,
        live: Feed,
        feed: Feed,
        deck: Arc<Deck>,
        recordings: Option<Recordings>,
    ) -> Self {
        Self(Arc::new(Inner {
            id,
            live,
            feed,
            deck,
            recordings,
            turn: Arc::default(),
        }))
    }

    /// Where its pictures come out.
    pub fn feed(&self) -> &Feed {
        &self.0.feed
    }

    /// How many watch it.
    pub fn viewers(&self) -> usize {
        let viewers = &self.0.feed.stats().viewers;
        viewers.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.0.deck.counters
    }

    /// Whether it is the session of this deck, rather than another of the same name.
    pub(super) fn plays(&self, deck: &Arc<Deck>) -> bool {
        Arc::ptr_eq(&self.0.deck, deck)
    }

    pub(super) fn close(self) {
        self.0.feed.clone().close();
    }

    /// How it is now.
    pub fn status(&self) -> Status {
        let Look {
            transport, trouble, ..
        } = self.0.deck.look();
        let now = SystemTime::now();
        let position = transport.position(Instant::now());
        let position = position.map_or(now, |position| position.wall.min(now));
        Status {
            id: self.0.id.clone(),
            camera: Arc::clone(self.0.live.name()),
            live: transport.is_live(),
            paused: transport.is_paused(),
            speed: transport.speed(),
            position,
            behind: now.duration_since(position).unwrap_or_default(),
            viewers: self.viewers(),
            reason: trouble,
        }
    }

    /// Does what was asked, after what was asked before. When this returns it has come to its place.
    ///
    /// # Errors
    /// If there is nothing to play, or the archive can't be read; nothing has changed then.
    pub async fn change(&self, change: Change) -> Result<(), Refused> {
        let turn = Arc::clone(&self.0.turn).lock_owned();
        let turn = timeout(PATIENCE, turn).await.map_err(|_| Refused::Hangs)?;
        let look = self.0.deck.look();
        let back = change.speed.unwrap_or(look.transport.speed()).is_back();
        let wanted = match change.to {
            None => {
                let stops = change.paused == Some(true)
                    || change.speed.is_some_and(|speed| speed.times() < 1.0);
                if look.transport.is_live() && stops {
                    self.borrow_picture(&look)?;
                }
                self.0.deck.turn(Place::Here, change.speed, change.paused);
                return Ok(());
            }
            Some(To::Live) => {
                self.0.deck.turn(Place::Live, None, None);
                return Ok(());
            }
            Some(To::Moment(moment)) => {
                let back = back || change.paused == Some(true);
                Wanted::At(moment.resolve(SystemTime::now()), back)
            }
            Some(To::Shift(shift)) => Wanted::Shift(self.position(&look), shift),
            Some(To::Step(by)) => {
                let from = self.borrow_picture(&look)?;
                Wanted::Step(from, by)
            }
        };
        let stops = matches!(change.to, Some(To::Step(_)));
        let Some(recordings) = self.0.recordings.clone() else {
            return Err(self.nothing());
        };
        let (camera, shown) = (Arc::clone(self.0.live.name()), look.shown);
        let shown = shown.filter(|_| !look.transport.is_live());
        // The turn goes along, so that a disk that hangs holds one thread of ours however often one asks.
        let job = tokio::task::spawn_blocking(move || {
            (wanted.find(&recordings, &camera, shown.as_deref()), turn)
        });
        let done = timeout(PATIENCE, job).await.map_err(|_| Refused::Hangs)?;
        let Ok((found, _turn)) = done else {
            let why = "reading the recordings failed".to_owned();
            return Err(recordings::Error::Unavailable(why).into());
        };
        let place = match found? {
            Found::Shot(shot, position) => Place::Shot(shot, position),
            Found::Live if stops || change.paused == Some(true) => Place::Here,
            Found::Live => Place::Live,
            Found::Nothing => return Err(self.nothing()),
        };
        let paused = if stops { Some(true) } else { change.paused };
        self.0.deck.turn(place, change.speed, paused);
        Ok(())
    }

    /// What is shown, or would be at once.
    fn borrow_picture(&self, look: &Look) -> Result<Arc<Shot>, Refused> {
        if let Some(shown) = &look.shown {
            return Ok(Arc::clone(shown));
        }
        let newest = self.0.live.newest().filter(|frame| frame.is_live());
        let newest = newest.ok_or_else(|| Refused::NoPicture(Arc::clone(self.0.live.name())))?;
        let since_boot = self.since_boot(newest.captured.monotonic);
        let shot = Shot::live(&newest, since_boot);
        self.0.deck.lend(shot.clone());
        Ok(Arc::new(shot))
    }

    fn position(&self, look: &Look) -> Position {
        let position = look.transport.position(Instant::now());
        position.unwrap_or_else(|| Position {
            wall: SystemTime::now(),
            monotonic: self.since_boot(std::time::Instant::now()),
        })
    }

    fn since_boot(&self, moment: std::time::Instant) -> Duration {
        let recordings = self.0.recordings.as_ref();
        recordings.map_or(Duration::ZERO, |it| it.since_boot(moment))
    }

    fn nothing(&self) -> Refused {
        Refused::Nothing(Arc::clone(self.0.live.name()))
    }
}

/// What is to be looked for in the archive.
enum Wanted {
    At(SystemTime, bool),
    Shift(Position, Shift),
    Step(Arc<Shot>, i64),
}

impl Wanted {
    fn find(
        self,
        recordings: &Recordings,
        camera: &str,
        shown: Option<&Shot>,
    ) -> Result<Found, recordings::Error> {
        match self {
            Self::At(time, back) => reel::find(recordings, camera, time, back),
            Self::Shift(position, shift) => reel::shift(recordings, camera, shown, position, shift),
            Self::Step(from, by) => {
                let stepped = reel::step(recordings, camera, &from, by)?;
                Ok(stepped.map_or(Found::Live, |shot| {
                    let position = shot.position;
                    Found::Shot(shot, position)
                }))
            }
        }
    }
}
