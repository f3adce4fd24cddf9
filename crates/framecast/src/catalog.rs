//! The cameras of a server: what was asked for, and the feed and the recorder that came of it.
//!
//! Between what the user says (a request, a policy and how to record, from the configuration or the API) and the hub, which
//! knows neither sources nor drivers. What does not belong here: reading requests, and running captures.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use framecast_camera::{Camera, Error, ErrorKind, Frames, Size};
use framecast_media::jpeg::Resize;
use tokio_util::task::TaskTracker;
use tracing::{debug, error};

use crate::{
    drivers::{Registry, Request, push},
    hub::{Feed, Hub, Output, Plan, Policy},
    recordings::Recordings,
    sinks::recorder::{self, Recorder},
};

/// All cameras of a server. Cheap to clone.
#[derive(Clone)]
pub struct Catalog(Arc<Inner>);

struct Inner {
    hub: Hub,
    registry: Registry,
    ports: push::Ports,
    /// Where is recorded; a program that embeds cameras may have no such place.
    recordings: Option<Recordings>,
    recording: TaskTracker,
    // A std lock: never held across an await.
    entries: RwLock<BTreeMap<String, Kept>>,
}

/// What there is of one camera besides its feed.
struct Kept {
    entry: Entry,
    recorder: Option<Recorder>,
}

/// What was asked for one camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its source, and how its pictures should be.
    pub request: Request,
    /// By which rules it runs.
    pub policy: Policy,
    /// When it is recorded, and what is kept of that.
    pub record: recorder::Plan,
}

/// Another size, rate or quality for a running camera: `None` leaves it, `Some(None)` takes the wish back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Change {
    /// The size wanted.
    pub size: Option<Option<Size>>,
    /// Frames a second wanted.
    pub fps: Option<Option<f64>>,
    /// JPEG quality wanted.
    pub quality: Option<Option<u8>>,
}

/// Why the cameras could not be changed so.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no camera of that name.
    #[error("no camera is called `{0}`")]
    Unknown(String),
    /// There is one of that name already.
    #[error(transparent)]
    Exists(#[from] crate::hub::Exists),
    /// The request itself is wrong.
    #[error(transparent)]
    Camera(#[from] Error),
    /// Its recording is not to be started or stopped by hand.
    #[error(transparent)]
    Recording(#[from] recorder::Refused),
}

impl Catalog {
    /// No cameras yet. `ports` are those that the registry's `push` scheme was made with.
    pub fn new(registry: Registry, ports: push::Ports) -> Self {
        Self::with_recordings(registry, ports, None)
    }

    /// The same, with a place to record to.
    pub fn with_recordings(
        registry: Registry,
        ports: push::Ports,
        recordings: Option<Recordings>,
    ) -> Self {
        Self(Arc::new(Inner {
            hub: Hub::new(),
            registry,
            ports,
            recordings,
            recording: TaskTracker::new(),
            entries: RwLock::default(),
        }))
    }

    /// What was recorded.
    pub fn recordings(&self) -> Option<&Recordings> {
        self.0.recordings.as_ref()
    }

    /// The hub that runs them.
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// The kinds of source there are.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Where the sender of a `push` camera delivers.
    pub fn port(&self, name: &str) -> Option<push::Port> {
        self.0.ports.port(name)
    }

    /// What was asked for a camera.
    pub fn entry(&self, name: &str) -> Option<Entry> {
        self.read().get(name).map(|kept| kept.entry.clone())
    }

    /// What a camera's recording is doing; `None` if there is no such camera, or no place to record to.
    pub fn recording(&self, name: &str) -> Option<recorder::Status> {
        let recorder = |kept: &Kept| kept.recorder.as_ref().map(Recorder::status);
        self.read().get(name).and_then(recorder)
    }

    /// Starts to record a camera, with so much of what was before as is in memory.
    ///
    /// # Errors
    /// [`Refused::Unknown`], or [`Refused::Recording`] if it is not to be started by hand.
    pub fn start_recording(&self, name: &str, include: std::time::Duration) -> Result<(), Refused> {
        self.with_recorder(name, |recorder| recorder.record(include))
    }

    /// Ends what was started by hand.
    ///
    /// # Errors
    /// As for [`start_recording`](Self::start_recording).
    pub fn stop_recording(&self, name: &str) -> Result<(), Refused> {
        self.with_recorder(name, Recorder::stop)
    }

    fn with_recorder(
        &self,
        name: &str,
        act: impl FnOnce(&Recorder) -> Result<(), recorder::Refused>,
    ) -> Result<(), Refused> {
        let entries = self.read();
        let kept = entries
            .get(name)
            .ok_or_else(|| Refused::Unknown(name.to_owned()))?;
        match &kept.recorder {
            Some(recorder) => Ok(act(recorder)?),
            None => Err(recorder::Refused::Off.into()),
        }
    }

    /// Ends all subscriptions, completes all recordings and closes all cameras, and returns when that is done.
    pub async fn close(&self) {
        self.0.recording.close();
        let recorded = async {
            self.0.recording.wait().await;
            if let Some(recordings) = &self.0.recordings
                && let Err(error) = recordings.read(Recordings::settle).await
            {
                // The files are complete; the next start finds out what the index missed.
                debug!("{error}");
            }
        };
        tokio::join!(self.0.hub.close(), recorded);
    }

    /// Adds a camera.
    ///
    /// # Errors
    /// [`Refused::Exists`], or [`Refused::Camera`] if the driver finds fault with the request.
    pub fn add(&self, entry: Entry) -> Result<Feed, Refused> {
        let camera = self.0.registry.make(&entry.request)?;
        Ok(self.add_made(entry, camera)?)
    }

    /// Adds a camera even if the driver finds fault with the request: it is there then, and shows what is wrong.
    ///
    /// # Errors
    /// Only if the name is taken.
    pub fn add_anyway(&self, entry: Entry) -> Result<Feed, crate::hub::Exists> {
        let camera = self.make_anyway(&entry.request);
        self.add_made(entry, camera)
    }

    /// Adds a camera that was not made from its source.
    ///
    /// # Errors
    /// Only if the name is taken.
    pub fn add_made(
        &self,
        entry: Entry,
        camera: Arc<dyn Camera>,
    ) -> Result<Feed, crate::hub::Exists> {
        let mut entries = self.write();
        let plan = self.plan(&entry, camera);
        let feed = self.0.hub.add(&entry.request.name, plan)?;
        let recorder = self.0.recordings.as_ref().map(|recordings| {
            let recordings = recordings.clone();
            Recorder::start(feed.clone(), recordings, entry.record, &self.0.recording)
        });
        let name = entry.request.name.clone();
        entries.insert(name, Kept { entry, recorder });
        Ok(feed)
    }

    /// Gives a camera another request or policy. Its viewers stay.
    ///
    /// # Errors
    /// [`Refused::Unknown`]. A request that the driver finds fault with is shown, as in [`add_anyway`](Self::add_anyway).
    pub fn replace(&self, entry: Entry) -> Result<(), Refused> {
        let camera = self.make_anyway(&entry.request);
        let mut entries = self.write();
        self.swap(&mut entries, entry, camera)
    }

    /// Changes size, rate or quality of a camera for all its viewers, who stay.
    ///
    /// # Errors
    /// [`Refused::Unknown`], or [`Refused::Camera`] if the driver finds fault with it; nothing has changed then.
    pub fn change(&self, name: &str, change: Change) -> Result<(), Refused> {
        let mut entries = self.write();
        let Some(kept) = entries.get(name) else {
            return Err(Refused::Unknown(name.to_owned()));
        };
        let mut entry = kept.entry.clone();
        let request = &mut entry.request;
        request.size = change.size.unwrap_or(request.size);
        request.fps = change.fps.unwrap_or(request.fps);
        request.quality = change.quality.unwrap_or(request.quality);
        let camera = self.0.registry.make(request)?;
        self.swap(&mut entries, entry, camera)
    }

    fn swap(
        &self,
        entries: &mut BTreeMap<String, Kept>,
        entry: Entry,
        camera: Arc<dyn Camera>,
    ) -> Result<(), Refused> {
        let name = entry.request.name.clone();
        let (Some(kept), Some(feed)) = (entries.get_mut(&name), self.0.hub.feed(&name)) else {
            return Err(Refused::Unknown(name));
        };
        if kept.entry != entry {
            let plan = self.plan(&entry, camera);
            if let Some(recorder) = &kept.recorder {
                recorder.change(entry.record);
            }
            if kept.entry.request == entry.request {
                // Only the rules are new: an open camera need not notice.
                feed.change_policy(plan.policy);
            } else {
                feed.replan(plan);
            }
            kept.entry = entry;
        }
        Ok(())
    }

    /// Removes a camera and ends its viewers' streams.
    ///
    /// # Errors
    /// [`Refused::Unknown`].
    pub fn remove(&self, name: &str) -> Result<(), Refused> {
        self.write().remove(name);
        if self.0.hub.remove(name) {
            Ok(())
        } else {
            Err(Refused::Unknown(name.to_owned()))
        }
    }

    fn make_anyway(&self, request: &Request) -> Arc<dyn Camera> {
        self.0.registry.make(request).unwrap_or_else(|error| {
            error!(camera = %request.name, "{error}");
            Arc::new(Faulty::new(&error))
        })
    }

    fn plan(&self, entry: &Entry, camera: Arc<dyn Camera>) -> Plan {
        let request = &entry.request;
        // A scheme that encodes its pictures itself has seen to the quality.
        let encodes = self
            .0
            .registry
            .scheme(request.source.scheme())
            .is_some_and(|scheme| scheme.encodes);
        Plan {
            camera,
            output: Output {
                resize: Resize {
                    width: request.size.map(|size| size.width),
                    height: request.size.map(|size| size.height),
                },
                fps: request.fps,
                quality: request.quality.filter(|_| !encodes),
            },
            policy: entry.policy.clone(),
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Kept>> {
        self.0
            .entries
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Kept>> {
        self.0
            .entries
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.read().keys()).finish()
    }
}

/// A camera that can't be made: opening it says why.
struct Faulty {
    kind: ErrorKind,
    message: String,
}

impl Faulty {
    fn new(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
        }
    }
}

impl Camera for Faulty {
    fn frames(&self) -> Frames {
        let error = Error::new(self.kind, self.message.clone());
        Frames::stream(futures_util::stream::iter([Err(error)]))
    }
}
