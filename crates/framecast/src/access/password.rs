//! Passwords, kept as argon2id hashes.

use std::{fmt, str::FromStr};

use argon2::{
    Argon2, PasswordHasher, PasswordVerifier,
    password_hash::{self, phc},
};
use thiserror::Error;

use super::secret::{Digest, Secret};

/// The hash of a password, `$argon2id$…`. It doesn't show itself: whoever has it can try passwords at leisure.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// A text is no hash of a password.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("this is no argon2 hash; `framecast hash-password` makes one, $argon2id$…")]
pub struct BadHash;

impl PasswordHash {
    /// Hashes a password. Takes tens of milliseconds and 19 MiB, on purpose.
    ///
    /// # Errors
    /// If the system has no random numbers to give.
    pub fn of(password: &Secret) -> Result<Self, password_hash::Error> {
        let hash: phc::PasswordHash =
            Argon2::default().hash_password(password.expose().as_bytes())?;
        Ok(Self(hash.to_string()))
    }

    /// Whether it is the hash of this password. Takes as long as making one.
    pub fn is_of(&self, password: &Secret) -> bool {
        Argon2::default()
            .verify_password(password.expose().as_bytes(), self.0.as_str())
            .is_ok()
    }

    /// Tells this password from the next.
    pub fn stamp(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// The hash, for the file that it is kept in.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for PasswordHash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        let text = text.trim();
        let parsed = phc::PasswordHash::new(text).map_err(|_| BadHash)?;
        if !text.starts_with("$argon2") || parsed.hash.is_none() || parsed.salt.is_none() {
            return Err(BadHash);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let hash = PasswordHash::of(&Secret::new("correct horse")).unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let read: PasswordHash = hash.expose().parse().unwrap();
        assert!(read.is_of(&Secret::new("correct horse")));
        assert!(!read.is_of(&Secret::new("correct horse ")));
        assert!(!read.is_of(&Secret::new("")));
        assert_ne!(
            hash.stamp(),
            PasswordHash::of(&Secret::new("correct horse"))
                .unwrap()
                .stamp()
        );
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in [
            "",
            "secret",
            "$argon2id$",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0",
            "$2b$10$abcdefghijklmnopqrstuuwxyz",
            "<redacted>",
            "***",
        ] {
            assert_eq!(text.parse::<PasswordHash>(), Err(BadHash), "{text}");
        }
    }
}
