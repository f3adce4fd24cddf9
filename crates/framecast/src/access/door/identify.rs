//! Who somebody is, by what they bring along.
//!
//! Hashing a password takes a processor and memory, so few are hashed at a time, those that were right are remembered for a
//! moment, and whoever guesses waits.

use std::{
    net::IpAddr,
    time::{Duration, Instant, SystemTime},
};

use super::{Access, lock, token_user};
use crate::access::{
    Digest, Grant, Identity, PasswordHash, Role, Rules, Secret, Token, User, Who, is_token,
};

/// Passwords that are hashed at the same time: each takes 19 MiB and a processor.
pub(super) const HASHING: usize = 2;
/// Logins that may wait for that.
pub(super) const WAITING: usize = 32;
/// How long a password that was right counts as right without being hashed: browsers send it with every request.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Passwords that are remembered.
const MOST_REMEMBERED: usize = 256;
/// The longest password or token that is looked at.
const LONGEST: usize = 1024;

/// A password that was right not long ago.
pub(super) struct Remembered {
    user: String,
    stamp: Digest,
    until: Instant,
}

/// What somebody brings along to say who they are.
#[derive(Clone, Debug)]
pub enum Offered {
    /// Nothing.
    Nothing,
    /// A name and a password; the password may be a token, for programs that know nothing else.
    Password {
        /// The name.
        name: String,
        /// The password.
        password: Secret,
    },
    /// A token.
    Token(Secret),
    /// The cookie of a session.
    Cookie(Secret),
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The password or token is wrong.
    Wrong,
    /// There were too many wrong ones: the next may come after this time.
    TooSoon(Duration),
    /// Too many are logging in at once.
    Busy,
}

impl Access {
    /// Who somebody is. `is_local` says that it is a program of this machine that asks, and not for others.
    ///
    /// # Errors
    /// [`Refused`] if what they bring along is wrong. A cookie that has expired is like none.
    pub async fn identify(
        &self,
        offered: Offered,
        from: Option<IpAddr>,
        is_local: bool,
    ) -> Result<Identity, Refused> {
        let rules = self.rules();
        let identity = |who, grant| Identity { who, grant, from };
        if !rules.required {
            return Ok(identity(Who::Everyone, Grant::everywhere(Role::Admin)));
        }
        let nobody = || {
            let grant = rules.local.filter(|_| is_local).map(Grant::everywhere);
            identity(Who::Nobody, grant.unwrap_or_default())
        };
        match offered {
            Offered::Nothing => Ok(nobody()),
            Offered::Cookie(cookie) => {
                let digest = Digest::of(cookie.expose().as_bytes());
                let who = self.session(&digest, &rules);
                Ok(who.map_or_else(nobody, |(who, grant)| identity(who, grant)))
            }
            Offered::Token(token) => self
                .token(&token, from, &rules)
                .map(|token| identity(token_user(token, None), token.grant.clone())),
            Offered::Password { password, .. } if is_token(password.expose()) => self
                .token(&password, from, &rules)
                .map(|token| identity(token_user(token, None), token.grant.clone())),
            Offered::Password { name, password } => {
                let user = self.password(&name, &password, from, &rules).await?;
                let stamp = user.password.stamp();
                let who = Who::User {
                    name,
                    stamp,
                    session: None,
                };
                Ok(identity(who, user.grant.clone()))
            }
        }
    }

    fn token<'r>(
        &self,
        secret: &Secret,
        from: Option<IpAddr>,
        rules: &'r Rules,
    ) -> Result<&'r Token, Refused> {
        let digest = Digest::of(secret.expose().as_bytes());
        let token = rules.tokens.get(&digest);
        if let Some(token) = token.filter(|token| token.is_good(SystemTime::now())) {
            return Ok(token);
        }
        // Nobody guesses 256 bits, but whoever tries makes as much noise as one who guesses passwords.
        match lock(&self.0.slow).attempt(from, "", Instant::now()) {
            Some(wait) => Err(Refused::TooSoon(wait)),
            None => Err(Refused::Wrong),
        }
    }

    async fn password<'r>(
        &self,
        name: &str,
        password: &Secret,
        from: Option<IpAddr>,
        rules: &'r Rules,
    ) -> Result<&'r User, Refused> {
        let user = rules.users.get(name);
        let remembered = self.0.key.sign(&["basic", name, password.expose()]);
        if let Some(user) = user
            && self.is_remembered(&remembered, name, user)
        {
            return Ok(user);
        }
        // Everybody waits alike, or the wait would tell which users there are; but only so many of them are told apart.
        let slowed = name.get(..64.min(name.len())).unwrap_or_default();
        if let Some(wait) = lock(&self.0.slow).attempt(from, slowed, Instant::now()) {
            return Err(Refused::TooSoon(wait));
        }
        if name.len().max(password.expose().len()) > LONGEST {
            return Err(Refused::Wrong);
        }
        let _waiting = self.0.waiting.try_acquire().map_err(|_| Refused::Busy)?;
        let _hashing = self.0.hashing.acquire().await.map_err(|_| Refused::Busy)?;
        let (access, password) = (self.clone(), password.clone());
        let hash = user.map(|user| user.password.clone());
        let compare = move || {
            // Made for whoever comes first, so that later ones can't tell by the time whether the user is known.
            let decoy = || PasswordHash::of(&Secret::random().ok()?).ok();
            let decoy = access.0.decoy.get_or_init(decoy);
            let hash = hash.as_ref().or(decoy.as_ref());
            hash.is_some_and(|hash| hash.is_of(&password))
        };
        let is_right = tokio::task::spawn_blocking(compare).await.unwrap_or(false);
        match user.filter(|_| is_right) {
            Some(user) => {
                let now = Instant::now();
                lock(&self.0.slow).succeeded(from, slowed, now);
                self.remember(remembered, name, user, now);
                Ok(user)
            }
            None => Err(Refused::Wrong),
        }
    }

    fn is_remembered(&self, key: &[u8; 32], name: &str, user: &User) -> bool {
        let remembered = lock(&self.0.remembered);
        remembered.get(key).is_some_and(|it| {
            it.user == name && it.stamp == user.password.stamp() && Instant::now() < it.until
        })
    }

    fn remember(&self, key: [u8; 32], name: &str, user: &User, now: Instant) {
        let mut remembered = lock(&self.0.remembered);
        if remembered.len() >= MOST_REMEMBERED {
            remembered.retain(|_, it| now < it.until);
        }
        if remembered.len() < MOST_REMEMBERED {
            let new = Remembered {
                user: name.to_owned(),
                stamp: user.password.stamp(),
                until: now + REMEMBERED,
            };
            remembered.insert(key, new);
        }
    }
}
