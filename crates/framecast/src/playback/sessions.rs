//! All sessions of a server: begun, shared, limited, ended.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};

use super::{
    ask::Id,
    camera::Playback,
    deck::Deck,
    session::{Change, Refused, Session},
};
use crate::{hub::Feed, recordings::Recordings};

/// Sessions of a server at a time. Each may hold one thread while a disk hangs.
const MOST: usize = 256;
/// Sessions of one camera at a time.
const MOST_OF_CAMERA: usize = 128;
/// How long a session with a name outlives its last viewer.
const IDLE: Duration = Duration::from_secs(60);
/// How long one does that nobody can name.
const NAMELESS_IDLE: Duration = Duration::from_secs(1);

/// All sessions of a server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    recordings: Option<Recordings>,
    // A std lock: held for a few instructions.
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    sessions: HashMap<(Arc<str>, Id), Session>,
    /// What those that are over have counted, by camera.
    past: BTreeMap<Arc<str>, Figures>,
}

/// What was counted of a camera's playback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Sessions at present.
    pub sessions: u64,
    /// Their viewers.
    pub viewers: u64,
    /// Pictures of the archive that were shown.
    pub frames: u64,
    /// Frames that were not shown, by reason: `late` for those that the disk gave too late.
    pub dropped: BTreeMap<&'static str, u64>,
}

/// How long a session lives.
#[derive(Clone, Debug)]
pub enum Name {
    /// By a name, under which others find it, too.
    Known(Id),
    /// As long as its one viewer stays.
    Nameless,
}

impl Sessions {
    /// No sessions yet, on this archive if there is one.
    pub fn new(recordings: Option<Recordings>) -> Self {
        Self(Arc::new(Inner {
            recordings,
            table: Mutex::default(),
        }))
    }

    /// The archive.
    pub fn recordings(&self) -> Option<&Recordings> {
        self.0.recordings.as_ref()
    }

    /// The session of that name on a camera.
    pub fn find(&self, camera: &str, id: &Id) -> Option<Session> {
        self.locked()
            .sessions
            .get(&(camera.into(), id.clone()))
            .cloned()
    }

    /// Begins a session on a camera. One that exists already is joined, wherever it stands.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If there is nothing to play, the archive can't be read, or there are too many sessions.
    pub async fn begin(&self, live: &Feed, name: Name, start: Change) -> Result<Session, Refused> {
        let (id, idle) = match name {
            Name::Known(id) => (id, IDLE),
            Name::Nameless => (Id::random(), NAMELESS_IDLE),
        };
        let key = (Arc::clone(live.name()), id.clone());
        {
            let table = self.locked();
            if let Some(session) = table.sessions.get(&key) {
                return Ok(session.clone());
            }
            table.check(live.name())?;
        }
        let deck = Arc::new(Deck::live());
        let playback = Playback {
            deck: Arc::clone(&deck),
            live: live.clone(),
            recordings: self.0.recordings.clone(),
        };
        let feed = live.branch(Arc::new(playback));
        let session = Session::new(
            id,
            live.clone(),
            feed.clone(),
            Arc::clone(&deck),
            self.0.recordings.clone(),
        );
        if let Err(refused) = session.change(start).await {
            feed.close();
            return Err(refused);
        }
        {
            let mut table = self.locked();
            // Another may have begun it meanwhile.
            let known = table.sessions.get(&key).cloned();
            let refused = table.check(live.name()).err();
            if known.is_some() || refused.is_some() {
                drop(table);
                feed.close();
                return known.ok_or(refused.unwrap_or(Refused::TooMany));
            }
            table.sessions.insert(key.clone(), session.clone());
        }
        let sessions = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = feed.gone() => {}
                () = feed.unwanted_for(idle) => {}
            }
            // Another of the same name may have begun since it was ended.
            let is_it = |known: &Session| known.plays(&deck);
            sessions.remove(&key.0, &key.1, is_it);
        });
        Ok(session)
    }

    /// Ends a session and its viewers' streams; `false` if there is none of that name.
    pub fn end(&self, camera: &str, id: &Id) -> bool {
        self.remove(camera, id, |_| true)
    }

    fn remove(&self, camera: &str, id: &Id, is_it: impl FnOnce(&Session) -> bool) -> bool {
        let mut table = self.locked();
        let key = (camera.into(), id.clone());
        if !table.sessions.get(&key).is_some_and(is_it) {
            return false;
        }
        let Some(session) = table.sessions.remove(&key) else {
            return false;
        };
        let past = table.past.entry(camera.into()).or_default();
        past.add(&session);
        session.close();
        true
    }

    /// What was counted of each camera's playback.
    pub fn figures(&self) -> BTreeMap<Arc<str>, Figures> {
        let table = self.locked();
        let mut figures = table.past.clone();
        for ((camera, _), session) in &table.sessions {
            let of_camera = figures.entry(Arc::clone(camera)).or_default();
            of_camera.add(session);
            of_camera.sessions += 1;
            of_camera.viewers += session.viewers() as u64;
        }
        figures
    }

    fn locked(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn check(&self, camera: &Arc<str>) -> Result<(), Refused> {
        let of_camera = self.sessions.keys().filter(|(of, _)| of == camera);
        if self.sessions.len() >= MOST || of_camera.count() >= MOST_OF_CAMERA {
            return Err(Refused::TooMany);
        }
        Ok(())
    }
}

impl Figures {
    fn add(&mut self, session: &Session) {
        let counters = session.counters();
        self.frames += counters.frames.load(Relaxed);
        let late = [("late", counters.late.load(Relaxed))];
        for (reason, count) in session.feed().stats().dropped().into_iter().chain(late) {
            *self.dropped.entry(reason).or_default() += count;
        }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.sessions.keys()).finish()
    }
}
