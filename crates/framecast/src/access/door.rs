//! What somebody may do, and for how long that holds. Who somebody is stands in `identify`.

mod identify;

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::sync::{Semaphore, watch};
use tracing::warn;

use super::{
    Action, Decision, Digest, Grant, Identity, Key, Link, LinkError, PasswordHash, Rules, Secret,
    Store, Target, Token, Who, decide,
    session::{Owner, Sessions},
    slow::Slow,
};
use identify::{HASHING, Remembered, WAITING};

pub use identify::{Offered, Refused};

/// How often the clock is looked at, since it may be set while something waits for a time of day.
const CLOCK: Duration = Duration::from_secs(5);

/// The door of a server. Cheap to clone.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

struct Inner {
    /// Sent again whenever something that was good may no longer be.
    rules: watch::Sender<Arc<Rules>>,
    key: Key,
    store: Option<Store>,
    /// What an unknown user's password is compared with, so that it takes as long as a wrong one.
    decoy: OnceLock<Option<PasswordHash>>,
    hashing: Semaphore,
    waiting: Semaphore,
    // Std locks, each held for a few instructions and never across an await.
    remembered: Mutex<HashMap<[u8; 32], Remembered>>,
    slow: Mutex<Slow>,
    sessions: Mutex<Sessions>,
}

/// Somebody who does something for a while.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Who.
    pub identity: Identity,
    /// What.
    pub action: Action,
    /// On which camera.
    pub camera: Option<String>,
}

impl Access {
    /// A server where everyone may do everything.
    ///
    /// # Panics
    /// If the system has no random numbers to give.
    pub fn open() -> Self {
        let key = Key::random().expect("the system has random numbers to give");
        Self::new(Rules::default(), key, None)
    }

    /// A server with these rules. Sessions are kept in `store`, or forgotten with the process.
    pub fn new(rules: Rules, key: Key, store: Option<Store>) -> Self {
        let sessions = store.as_ref().and_then(|store| {
            let broken = |error| warn!("who was logged in must log in again: {error}");
            store.sessions().map_err(broken).ok()
        });
        Self(Arc::new(Inner {
            rules: watch::Sender::new(Arc::new(rules)),
            key,
            store,
            decoy: OnceLock::new(),
            hashing: Semaphore::new(HASHING),
            waiting: Semaphore::new(WAITING),
            remembered: Mutex::default(),
            slow: Mutex::default(),
            sessions: Mutex::new(sessions.unwrap_or_default()),
        }))
    }

    /// The rules as they are now.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.0.rules.borrow())
    }

    /// Brings other rules. What is under way goes on if it is still allowed, and else ends at once.
    pub fn replace(&self, rules: Rules) {
        self.0.rules.send_replace(Arc::new(rules));
        lock(&self.0.remembered).clear();
    }

    /// The name of the session cookie: servers on one host share a browser's cookies, whatever their ports.
    pub fn cookie_name(&self) -> String {
        let own = Digest::of(&self.0.key.sign(&["framecast cookie name"]));
        format!("framecast-{}", own.short())
    }

    /// Begins a session for somebody who has just said who they are; the cookie's value, or `None` for those who need none.
    pub fn log_in(&self, identity: &Identity, now: SystemTime) -> Option<Secret> {
        let owner = match &identity.who {
            Who::User { name, stamp, .. } => Owner::User {
                name: name.clone(),
                stamp: *stamp,
            },
            Who::Token { digest, .. } => Owner::Token(*digest),
            _ => return None,
        };
        let (cookie, _) = lock(&self.0.sessions).begin(owner, now).ok()?;
        self.keep_sessions();
        Some(cookie)
    }

    /// Ends the session of a cookie and all that goes on under it, and says whose it was.
    pub fn log_out(&self, cookie: &Secret) -> Option<String> {
        let session = Digest::of(cookie.expose().as_bytes());
        let who = self.session(&session, &self.rules())?.0.to_string();
        lock(&self.0.sessions).end(&session);
        self.0.rules.send_modify(|_| {});
        self.keep_sessions();
        Some(who)
    }

    /// What a signed address is good for.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn link(
        &self,
        camera: &str,
        action: Action,
        until: &str,
        signature: &str,
        from: Option<IpAddr>,
    ) -> Result<Identity, LinkError> {
        let now = SystemTime::now();
        let link = Link::read(&self.0.key, camera, action, until, signature, now)?;
        Ok(Identity {
            who: Who::Link {
                until: link.ends(),
                camera: link.camera,
                action: link.action,
            },
            grant: Grant::default(),
            from,
        })
    }

    /// Signs an address below the server's base.
    pub fn sign(&self, link: &Link) -> String {
        link.sign(&self.0.key)
    }

    /// Whether somebody may do something, by the rules of now.
    pub fn decide(&self, identity: &Identity, action: Action, camera: Option<&str>) -> Decision {
        let rules = self.rules();
        let target = match camera {
            Some(name) => Target::Camera {
                name,
                networks: rules.networks(name),
            },
            None => Target::Server,
        };
        decide(identity, action, target)
    }

    /// Whether what was allowed still is: the user is there with the same password, the token and the session count, the
    /// signed address has not expired, and the rules still say so.
    pub fn still_allows(&self, asking: &Asking, now: SystemTime) -> bool {
        let Some(grant) = self.grant_now(&asking.identity, now) else {
            return false;
        };
        let identity = Identity {
            grant,
            ..asking.identity.clone()
        };
        let camera = asking.camera.as_deref();
        self.decide(&identity, asking.action, camera) == Decision::Allow
    }

    /// Waits until what was allowed no longer is.
    pub async fn ended(&self, asking: &Asking) {
        let mut rules = self.0.rules.subscribe();
        loop {
            let now = SystemTime::now();
            if !self.still_allows(asking, now) {
                return;
            }
            let left = self.ends(&asking.identity.who).map_or(CLOCK, |ends| {
                // A millisecond more, or the last round would come just before.
                ends.duration_since(now).unwrap_or_default() + Duration::from_millis(1)
            });
            tokio::select! {
                changed = rules.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(left.min(CLOCK)) => {}
            }
        }
    }

    /// What somebody may do now, or `None` if they are no longer who they were.
    fn grant_now(&self, identity: &Identity, now: SystemTime) -> Option<Grant> {
        let rules = self.rules();
        let lasts = |session: &Option<Digest>| {
            let sessions = lock(&self.0.sessions);
            session.is_none_or(|session| sessions.find(&session, now).is_some())
        };
        match &identity.who {
            Who::Everyone => (!rules.required).then(|| identity.grant.clone()),
            // What is granted to programs of this machine holds for as long as the rules say so.
            Who::Nobody => {
                let grant = identity.grant.everywhere.and(rules.local);
                Some(grant.map(Grant::everywhere).unwrap_or_default())
            }
            Who::User {
                name,
                stamp,
                session,
            } => {
                let user = rules.users.get(name)?;
                (user.password.stamp() == *stamp && lasts(session)).then(|| user.grant.clone())
            }
            Who::Token {
                digest, session, ..
            } => {
                let token = rules.tokens.get(digest)?;
                (token.is_good(now) && lasts(session)).then(|| token.grant.clone())
            }
            Who::Link { until, .. } => (now < *until).then(Grant::default),
        }
    }

    /// When it ends by itself, as far as that is known.
    fn ends(&self, who: &Who) -> Option<SystemTime> {
        match who {
            Who::Link { until, .. } => Some(*until),
            Who::Token { digest, .. } => self.rules().tokens.get(digest)?.until,
            _ => None,
        }
    }

    fn session(&self, digest: &Digest, rules: &Rules) -> Option<(Who, Grant)> {
        let now = SystemTime::now();
        let owner = lock(&self.0.sessions).find(digest, now)?.of.clone();
        let session = Some(*digest);
        match owner {
            Owner::User { name, stamp } => {
                let user = rules.users.get(&name)?;
                let grant = user.grant.clone();
                let who = Who::User {
                    name,
                    stamp,
                    session,
                };
                (user.password.stamp() == stamp).then_some((who, grant))
            }
            Owner::Token(digest) => {
                let token = rules.tokens.get(&digest).filter(|it| it.is_good(now))?;
                Some((token_user(token, session), token.grant.clone()))
            }
        }
    }

    fn keep_sessions(&self) {
        let Some(store) = self.0.store.clone() else {
            return;
        };
        let access = self.clone();
        tokio::task::spawn_blocking(move || {
            // Locked while it is written, so that an older state never lands on a newer one.
            let sessions = lock(&access.0.sessions);
            if let Err(error) = store.save_sessions(&sessions) {
                warn!("who is logged in must log in again after a restart: {error}");
            }
        });
    }
}

fn token_user(token: &Token, session: Option<Digest>) -> Who {
    Who::Token {
        name: token.name.clone(),
        digest: token.digest,
        session,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("required", &self.rules().required)
            .finish_non_exhaustive()
    }
}
