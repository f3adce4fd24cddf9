//! The browsers that are logged in. Kept by the hash of their cookie, so that what is stored opens nothing.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use super::secret::{Digest, Secret};

/// How long a login lasts.
pub const LASTS: Duration = Duration::from_secs(30 * 24 * 3600);
/// Logins that are remembered; beyond, the oldest ends.
const MOST: usize = 1000;

/// All sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sessions(BTreeMap<String, Session>);

/// A browser that is logged in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Session {
    /// Who logged in, and by which password or token.
    pub(super) of: Owner,
    /// Until when.
    pub(super) until: SystemTime,
}

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Owner {
    /// A user with this password.
    User {
        /// The name.
        name: String,
        /// Of the password.
        stamp: Digest,
    },
    /// Whoever came with the token of this hash.
    Token(Digest),
}

impl Sessions {
    /// Begins a session and says what the cookie is to be.
    pub(super) fn begin(
        &mut self,
        of: Owner,
        now: SystemTime,
    ) -> Result<(Secret, Digest), getrandom::Error> {
        let cookie = Secret::random()?;
        let digest = Digest::of(cookie.expose().as_bytes());
        self.0.retain(|_, session| now < session.until);
        while self.0.len() >= MOST {
            let oldest = self.0.iter().min_by_key(|(_, session)| session.until);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            self.0.remove(&oldest);
        }
        let until = now + LASTS;
        self.0.insert(digest.to_string(), Session { of, until });
        Ok((cookie, digest))
    }

    /// The session that still lasts.
    pub(super) fn find(&self, digest: &Digest, now: SystemTime) -> Option<&Session> {
        self.0
            .get(&digest.to_string())
            .filter(|session| now < session.until)
    }

    /// Ends a session; `false` if there was none.
    pub(super) fn end(&mut self, digest: &Digest) -> bool {
        self.0.remove(&digest.to_string()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anna() -> Owner {
        Owner::Token(Digest::of(b"anna"))
    }

    #[test]
    fn a_session_lasts_until_it_is_ended_or_over() {
        let (mut sessions, now) = (Sessions::default(), SystemTime::UNIX_EPOCH);
        let (cookie, digest) = sessions.begin(anna(), now).unwrap();
        assert_eq!(digest, Digest::of(cookie.expose().as_bytes()));
        assert!(sessions.find(&digest, now).is_some());
        assert!(sessions.find(&digest, now + LASTS).is_none());
        let kept = serde_json::to_string(&sessions).unwrap();
        assert!(!kept.contains(cookie.expose()));
        let mut read: Sessions = serde_json::from_str(&kept).unwrap();
        assert_eq!(read, sessions);
        assert!(read.end(&digest) && !read.end(&digest));
        assert!(read.find(&digest, now).is_none());
    }

    #[test]
    fn there_are_only_so_many_and_the_oldest_give_way() {
        let (mut sessions, now) = (Sessions::default(), SystemTime::UNIX_EPOCH);
        let at = |number: usize| now + Duration::from_secs(number as u64);
        let digests: Vec<Digest> = (0..MOST + 1)
            .map(|number| sessions.begin(anna(), at(number)).unwrap().1)
            .collect();
        assert_eq!(sessions.0.len(), MOST);
        assert!(sessions.find(&digests[0], at(MOST)).is_none());
        assert!(sessions.find(&digests[MOST], at(MOST)).is_some());
    }
}
