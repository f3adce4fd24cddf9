//! Texts and bytes that are never shown, and what is made of them.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// A text that shows itself as `***`: a password, a token, a cookie.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Hides the text from now on.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// 256 bits that nobody can guess, as 43 letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// If the system has no random numbers to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        Ok(Self(URL_SAFE_NO_PAD.encode(Key::random()?.0)))
    }

    /// The text, for the one who checks it or passes it on; never for a log, an answer or an error.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A SHA-256 hash of something that can't be guessed. Comparing two takes the same time wherever they differ.
#[derive(Clone, Copy, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Its first eight characters: enough to tell some tokens apart.
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "a hash has 64 characters from 0 to f";
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong);
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| wrong)?;
        }
        Ok(Self(bytes))
    }
}

/// 256 random bits to sign with.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// A new one.
    ///
    /// # Errors
    /// If the system has no random numbers to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// As it is written in a file.
    pub fn encode(&self) -> Secret {
        Secret(URL_SAFE_NO_PAD.encode(self.0))
    }

    /// One that was written in a file.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The HMAC-SHA256 of parts, each of which is told from the next by its length.
    pub fn sign(&self, parts: &[&str]) -> [u8; 32] {
        self.mac(parts).finalize().into_bytes().into()
    }

    /// Whether `signature` is that of these parts, found out in the same time wherever it is not.
    pub fn verify(&self, parts: &[&str], signature: &[u8]) -> bool {
        self.mac(parts).verify_slice(signature).is_ok()
    }

    fn mac(&self, parts: &[&str]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&self.0.into_padded());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// HMAC fills a key that is shorter than a block of its hash with zeros (RFC 2104); done here, it can't fail.
trait Padded {
    fn into_padded(self) -> hmac::digest::Key<Hmac<Sha256>>;
}

impl Padded for [u8; 32] {
    fn into_padded(self) -> hmac::digest::Key<Hmac<Sha256>> {
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..32].copy_from_slice(&self);
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_keys_do_not_show_themselves() {
        let secret = Secret::new("hidden");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(format!("{:?}", Key([7; 32])), "***");
    }

    #[test]
    fn a_signature_is_what_openssl_makes_it() {
        let signed = Key([0x0b; 32]).sign(&["Hi There"]);
        let hex: String = signed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, EXPECTED);
    }

    /// `printf '\0\0\0\0\0\0\0\010Hi There' | openssl dgst -sha256 -mac hmac -macopt hexkey:0b0b…`
    const EXPECTED: &str = "0bc448fbd942bda00fa596aed1a2014da91bb53394aafc0fd1b510d9ce5de26a";

    #[test]
    fn parts_are_told_apart() {
        let key = Key([1; 32]);
        let signature = key.sign(&["ab", "c"]);
        assert!(key.verify(&["ab", "c"], &signature));
        assert!(!key.verify(&["a", "bc"], &signature));
        assert!(!key.verify(&["ab", "c"], &signature[..31]));
        assert!(!Key([2; 32]).verify(&["ab", "c"], &signature));
    }

    #[test]
    fn a_key_and_a_hash_survive_being_written() {
        let key = Key::random().unwrap();
        let read = Key::decode(key.encode().expose()).unwrap();
        assert_eq!(key.sign(&["x"]), read.sign(&["x"]));
        assert!(Key::decode("short").is_none());
        let digest = Digest::of(b"x");
        assert_eq!(Digest::try_from(digest.to_string()).unwrap(), digest);
        assert!(Digest::try_from("é".repeat(32)).is_err());
    }
}
