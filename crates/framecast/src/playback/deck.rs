//! What a session shows now and how it goes on: shared by whoever turns its knobs and the camera that plays.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::{
    ask::Speed,
    reel::{Next, Wanted},
    shot::{Origin, Shot},
    transport::{Position, Transport},
};
use crate::hub;

/// What was counted of playback; it only ever rises.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Pictures of the archive that were shown.
    pub(super) frames: AtomicU64,
    /// Pictures that were left out because they came too late.
    pub(super) late: AtomicU64,
}

/// One session's state.
#[derive(Debug)]
pub(super) struct Deck {
    // A std lock: held for a few instructions.
    state: Mutex<State>,
    /// Rises with every change by hand. What was made ready before it is not shown any more.
    changed: watch::Sender<u64>,
    pub(super) counters: Counters,
}

#[derive(Debug)]
struct State {
    transport: Transport,
    /// What is shown; `None` before the first picture.
    shown: Option<Arc<Shot>>,
    /// Whether that is still to be handed out.
    fresh: bool,
    /// When the last picture was handed out.
    at: Option<Instant>,
    /// Why there is no picture.
    trouble: Option<Arc<str>>,
}

/// What the camera is to do.
#[derive(Debug)]
pub(super) enum Task {
    Show(Arc<Shot>),
    Stay,
    Play,
    Live,
}

/// How a session is, for those who ask.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) transport: Transport,
    pub(super) shown: Option<Arc<Shot>>,
    pub(super) trouble: Option<Arc<str>>,
}

/// Where a session is to go.
#[derive(Debug)]
pub(super) enum Place {
    Here,
    Shot(Shot, Position),
    Live,
}

/// Between the last picture before a gap and the first behind it.
const LEAP: Duration = Duration::from_millis(33);

impl Deck {
    /// A session that is live.
    pub(super) fn live() -> Self {
        Self {
            state: Mutex::new(State {
                transport: Transport::live(),
                shown: None,
                fresh: false,
                at: None,
                trouble: None,
            }),
            changed: watch::Sender::new(0),
            counters: Counters::default(),
        }
    }

    pub(super) fn look(&self) -> Look {
        let state = self.locked();
        Look {
            transport: state.transport.clone(),
            shown: state.shown.clone(),
            trouble: state.trouble.clone(),
        }
    }

    /// Goes somewhere and on from there, all at once.
    pub(super) fn turn(&self, place: Place, speed: Option<Speed>, paused: Option<bool>) {
        let now = Instant::now();
        let mut state = self.locked();
        let state = &mut *state;
        let stop_at = match place {
            Place::Live => {
                state.transport.go_live();
                None
            }
            Place::Here => state.shown.as_ref().map(|shown| shown.position),
            Place::Shot(shot, position) => {
                state.transport.go_to(position, now);
                state.shown = Some(Arc::new(shot));
                state.fresh = true;
                Some(position)
            }
        };
        if let Some(stop_at) = stop_at {
            // As fast as it happens or faster is live already.
            let falls_behind = speed.is_some_and(|speed| speed.times() < 1.0);
            if state.transport.is_live() && falls_behind {
                state.transport.go_to(stop_at, now);
            }
            if let Some(speed) = speed.filter(|_| !state.transport.is_live()) {
                state.transport.set_speed(speed, now);
            }
            match paused {
                Some(true) => state.transport.pause(stop_at, now),
                Some(false) => state.transport.play(now),
                None => {}
            }
        }
        state.trouble = None;
        self.bump();
    }

    /// Takes a picture of the camera as the one that is shown, for a session that is live and has none yet.
    pub(super) fn lend(&self, shot: Shot) {
        self.locked().shown.get_or_insert_with(|| Arc::new(shot));
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Somebody watches, or nobody does.
    pub(super) fn set_watched(&self, watched: bool) {
        let mut state = self.locked();
        state.transport.set_watched(watched, Instant::now());
        // Who comes sees first what is shown.
        state.fresh = watched;
    }

    pub(super) fn task(&self) -> Task {
        let mut state = self.locked();
        if state.transport.is_live() {
            state.fresh = false;
            return Task::Live;
        }
        if std::mem::take(&mut state.fresh)
            && let Some(shown) = state.shown.clone()
        {
            state.at = Some(Instant::now());
            self.counters.frames.fetch_add(1, Relaxed);
            return Task::Show(shown);
        }
        match state.transport.is_paused() || state.shown.is_none() {
            true => Task::Stay,
            false => Task::Play,
        }
    }

    /// Which picture is to be read next.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        let state = self.locked();
        let position = state.transport.position(Instant::now())?;
        Some(Wanted {
            shown: Arc::clone(state.shown.as_ref()?),
            back: state.transport.speed().is_back(),
            position: position.monotonic,
            spacing: state.transport.spacing(),
        })
    }

    /// When a picture is to be shown. Over a gap it goes at once.
    pub(super) fn due(&self, epoch: u64, shot: &Shot) -> Option<Instant> {
        let mut state = self.current(epoch)?;
        let back = state.transport.speed().is_back();
        let shown = state.shown.as_ref()?;
        if !shot.follows(shown, back) {
            let now = Instant::now();
            let soon = state.at.map_or(now, |at| now.max(at + LEAP));
            state.transport.go_to(shot.position, soon);
        }
        state.transport.due(shot.position.monotonic)
    }

    /// Shows a picture of the archive, unless something else was asked for meanwhile.
    pub(super) fn show(&self, epoch: u64, next: Next) -> Option<Arc<Shot>> {
        let mut state = self.current(epoch)?;
        let shot = Arc::new(next.shot);
        state.shown = Some(Arc::clone(&shot));
        state.at = Some(Instant::now());
        state.trouble = None;
        self.counters.frames.fetch_add(1, Relaxed);
        self.counters.late.fetch_add(next.late as u64, Relaxed);
        Some(shot)
    }

    /// Shows a picture of the camera; `false` if that was shown already, or something else was asked for.
    pub(super) fn show_live(&self, epoch: u64, frame: &hub::Frame, since_boot: Duration) -> bool {
        let Some(mut state) = self.current(epoch) else {
            return false;
        };
        let shot = Shot::live(frame, since_boot);
        // The archive may have been quicker than the camera's own slot.
        let known = state.shown.as_ref().is_some_and(|shown| {
            shown.origin != Origin::Live
                && shot.position.monotonic <= shown.position.monotonic
                && shot.position.wall <= shown.position.wall
        });
        if !known {
            state.shown = Some(Arc::new(shot));
            state.trouble = None;
        }
        !known
    }

    /// There is no more in the direction in which it plays: on to what is live, or staying at the first picture.
    pub(super) fn reach_end(&self, epoch: u64) {
        let Some(mut state) = self.current(epoch) else {
            return;
        };
        if !state.transport.speed().is_back() {
            state.transport.go_live();
        } else if let Some(shown) = state.shown.clone() {
            state.transport.pause(shown.position, Instant::now());
        }
        self.bump();
    }

    /// There is no picture, and this is why.
    pub(super) fn suffer(&self, trouble: &str) {
        self.locked().trouble = Some(trouble.into());
    }

    /// The state, if nothing was changed by hand since.
    fn current(&self, epoch: u64) -> Option<MutexGuard<'_, State>> {
        let state = self.locked();
        (*self.changed.borrow() == epoch).then_some(state)
    }

    /// Called with the state locked, so that state and number change together.
    fn bump(&self) {
        self.changed.send_modify(|epoch| *epoch += 1);
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
