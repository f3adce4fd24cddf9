//! A user's name and password, and how a server is told them.
//!
//! Basic is sent unasked, as many cameras answer strangers with a page instead of a challenge; Digest once it is asked for.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http_auth::{PasswordClient, PasswordParams};
use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use url::Url;

/// Who asks.
#[derive(Clone)]
pub(super) struct Login {
    user: String,
    password: String,
}

/// What the server demands to be told of a [`Login`]; nothing in particular at first.
#[derive(Default)]
pub(super) struct Challenge(Option<PasswordClient>);

impl Login {
    /// Takes name and password out of `address`, if they are there.
    pub(super) fn take_from(address: &mut Url) -> Option<Self> {
        let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = decoded(address.username());
        let password = decoded(address.password().unwrap_or_default());
        if user.is_empty() && password.is_empty() {
            return None;
        }
        // They fail only for addresses without a host, which have no user either.
        let _removed = address.set_username("");
        let _removed = address.set_password(None);
        Some(Self { user, password })
    }
}

impl Challenge {
    /// What to send as `Authorization` with a GET of `address`.
    pub(super) fn answer(&mut self, login: &Login, address: &Url) -> Result<String, String> {
        let Login { user, password } = login;
        match &mut self.0 {
            None => {
                let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
                Ok(format!("Basic {pair}"))
            }
            Some(digest) => digest.respond(&PasswordParams {
                username: user,
                password,
                uri: &address[url::Position::BeforePath..url::Position::AfterQuery],
                method: "GET",
                body: None,
            }),
        }
    }

    /// Hears what a refusal demands, and whether it is worth asking again: Basic was refused already.
    pub(super) fn hear(&mut self, headers: &HeaderMap) -> bool {
        let challenges = headers.get_all(WWW_AUTHENTICATE);
        match PasswordClient::try_from(challenges) {
            Ok(client @ PasswordClient::Digest(_)) => {
                self.0 = Some(client);
                true
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_sent_unasked_and_digest_once_asked_for() {
        let mut address: Url = "http://me:p%40ss@cam/v?a=b#c".parse().unwrap();
        let login = Login::take_from(&mut address).unwrap();
        let mut challenge = Challenge::default();
        assert_eq!(address.as_str(), "http://cam/v?a=b#c");
        let basic = challenge.answer(&login, &address).unwrap();
        assert_eq!(
            basic,
            format!("Basic {}", BASE64_STANDARD.encode("me:p@ss"))
        );

        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, "Basic realm=\"cam\"".parse().unwrap());
        assert!(!challenge.hear(&headers));
        let digest = "Digest realm=\"cam\", nonce=\"abc\", qop=\"auth\"";
        headers.append(WWW_AUTHENTICATE, digest.parse().unwrap());
        assert!(challenge.hear(&headers));
        let digest = challenge.answer(&login, &address).unwrap();
        assert!(digest.starts_with("Digest "), "{digest}");
        assert!(digest.contains("uri=\"/v?a=b\""), "{digest}");
        assert!(!digest.contains("p@ss"), "{digest}");
    }

    #[test]
    fn a_login_does_not_show_its_password() {
        let mut address: Url = "http://me:hidden@cam/".parse().unwrap();
        let login = Login::take_from(&mut address).unwrap();
        assert!(!format!("{login:?}").contains("hidden"));
    }
}
