//! Signed addresses: one camera, one action, until some time, for whoever has the address.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use thiserror::Error;

use super::{Action, Key};

/// What is signed besides the link: another use of the key can't be taken for one.
const PURPOSE: &str = "framecast link 1";

/// What a signed address is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The camera.
    pub camera: String,
    /// What may be done with it.
    pub action: Action,
    /// Until when, in seconds since 1970.
    pub until: u64,
}

/// Why a signed address does not count.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LinkError {
    /// Its time is over.
    #[error("this signed address has expired: ask for a new one")]
    Expired,
    /// It was signed for something else, by somebody else, or was changed.
    #[error("the signature of this address is wrong: it counts for one camera and one action only")]
    Wrong,
}

impl Link {
    /// A link that is good for `time` from `now` on.
    pub fn lasting(camera: String, action: Action, time: Duration, now: SystemTime) -> Self {
        let until = now.duration_since(UNIX_EPOCH).unwrap_or_default() + time;
        Self {
            camera,
            action,
            until: until.as_secs(),
        }
    }

    /// The address below the server's base, signed.
    pub fn sign(&self, key: &Key) -> String {
        let Self {
            camera,
            action,
            until,
        } = self;
        let file = match action {
            Action::Snapshot => "snapshot.jpg",
            Action::Push => "push",
            _ => "stream.mjpg",
        };
        let signature = key.sign(&self.parts(&action.to_string(), &until.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(signature);
        format!("cameras/{camera}/{file}?until={until}&signature={signature}")
    }

    /// What an address with this signature is good for.
    ///
    /// # Errors
    /// [`LinkError`], if it isn't.
    pub fn read(
        key: &Key,
        camera: &str,
        action: Action,
        until: &str,
        signature: &str,
        now: SystemTime,
    ) -> Result<Self, LinkError> {
        let link = Self {
            camera: camera.to_owned(),
            action,
            until: until.parse().map_err(|_| LinkError::Wrong)?,
        };
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| LinkError::Wrong)?;
        if !key.verify(&link.parts(&action.to_string(), until), &signature) {
            return Err(LinkError::Wrong);
        }
        // Only then: an address that nobody signed is wrong at any time.
        if link.ends() <= now {
            return Err(LinkError::Expired);
        }
        Ok(link)
    }

    /// When it ends.
    pub fn ends(&self) -> SystemTime {
        UNIX_EPOCH
            .checked_add(Duration::from_secs(self.until))
            .unwrap_or(UNIX_EPOCH)
    }

    fn parts<'a>(&'a self, action: &'a str, until: &'a str) -> [&'a str; 4] {
        [PURPOSE, &self.camera, action, until]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Camera, `until` and signature of a signed address.
    fn taken_apart(address: &str) -> (&str, &str, &str) {
        let (path, query) = address.split_once('?').unwrap();
        let (until, signature) = query.split_once('&').unwrap();
        (
            path.split('/').nth(1).unwrap(),
            until.strip_prefix("until=").unwrap(),
            signature.strip_prefix("signature=").unwrap(),
        )
    }

    #[test]
    fn a_signed_address_counts_until_its_time_for_what_it_was_signed_for() {
        let key = Key::random().unwrap();
        let link = Link::lasting(
            "door".to_owned(),
            Action::Stream,
            Duration::from_secs(60),
            at(1000),
        );
        let address = link.sign(&key);
        assert!(address.starts_with("cameras/door/stream.mjpg?until=1060&signature="));
        let (camera, until, signature) = taken_apart(&address);
        let read = |camera, action, until, now| {
            Link::read(&key, camera, action, until, signature, at(now))
        };
        assert_eq!(read(camera, Action::Stream, until, 1059), Ok(link.clone()));
        assert_eq!(
            read(camera, Action::Stream, until, 1060),
            Err(LinkError::Expired)
        );
        assert_eq!(
            read("yard", Action::Stream, until, 1000),
            Err(LinkError::Wrong)
        );
        assert_eq!(
            read(camera, Action::Snapshot, until, 1000),
            Err(LinkError::Wrong)
        );
        assert_eq!(
            read(camera, Action::Stream, "9999", 1000),
            Err(LinkError::Wrong)
        );
        // Another spelling of the same number was not signed.
        assert_eq!(
            read(camera, Action::Stream, "01060", 1000),
            Err(LinkError::Wrong)
        );
        let other = Key::random().unwrap();
        let read = Link::read(&other, camera, Action::Stream, until, signature, at(1000));
        assert_eq!(read, Err(LinkError::Wrong));
    }

    proptest! {
        #[test]
        fn whatever_is_made_up_is_refused_without_a_panic(
            camera in any::<String>(), until in "([0-9]{0,25}|.{0,10})", signature in "([A-Za-z0-9_-]{0,50}|.{0,10})",
        ) {
            let key = Key::random().unwrap();
            let read = Link::read(&key, &camera, Action::Push, &until, &signature, at(0));
            prop_assert_eq!(read, Err(LinkError::Wrong));
        }
    }
}
