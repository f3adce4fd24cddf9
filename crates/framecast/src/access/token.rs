//! Tokens: what programs say in place of a name and a password.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{
    decide::Grant,
    secret::{Digest, Secret},
};

/// What a token starts with, so that one is known where it turns up.
const PREFIX: &str = "framecast_";

/// A token as it is kept: its hash, which is of no use to whoever finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What it is called.
    pub name: String,
    /// The hash of what a program says.
    pub digest: Digest,
    /// What it is good for.
    pub grant: Grant,
    /// Until when.
    pub until: Option<SystemTime>,
}

impl Token {
    /// A new token, and what a program is to say: that is kept nowhere else.
    ///
    /// # Errors
    /// If the system has no random numbers to give.
    pub fn make(
        name: String,
        grant: Grant,
        until: Option<SystemTime>,
    ) -> Result<(Self, Secret), getrandom::Error> {
        let secret = Secret::new(format!("{PREFIX}{}", Secret::random()?.expose()));
        Ok((Self::of(name, &secret, grant, until), secret))
    }

    /// The token that a program says.
    pub fn of(name: String, secret: &Secret, grant: Grant, until: Option<SystemTime>) -> Self {
        Self {
            name,
            // It has 256 random bits, so a fast hash hides it as well as a slow one.
            digest: Digest::of(secret.expose().as_bytes()),
            grant,
            until,
        }
    }

    /// Whether it still counts.
    pub fn is_good(&self, now: SystemTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Whether a text looks like a token; a password is unlikely to.
pub fn is_token(text: &str) -> bool {
    text.strip_prefix(PREFIX)
        .is_some_and(|secret| secret.len() == 43)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_until_it_expires() {
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let (token, secret) = Token::make("ha".to_owned(), Grant::default(), Some(until)).unwrap();
        assert!(is_token(secret.expose()));
        assert_eq!(token.digest, Digest::of(secret.expose().as_bytes()));
        assert!(token.is_good(until - Duration::from_secs(1)));
        assert!(!token.is_good(until));
        let kept = serde_json::to_string(&token).unwrap();
        assert!(!kept.contains(&secret.expose()[10..]), "{kept}");
        assert_eq!(serde_json::from_str::<Token>(&kept).unwrap(), token);
    }
}
