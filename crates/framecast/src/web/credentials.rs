//! What a request brings along to say who sends it.

use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::form_urlencoded;

use crate::access::{Offered, Secret};

/// The parameter that holds a token, for what can't send a header.
const TOKEN: &str = "token";

/// How somebody says who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Not at all.
    Nothing,
    /// A header that a program sets; browsers add a name and a password by themselves.
    Header,
    /// The address.
    Address,
    /// A cookie, which browsers send by themselves.
    Cookie,
}

/// What a request offers: a header before a parameter before a cookie.
pub(super) fn offered(
    headers: &HeaderMap,
    method: &Method,
    uri: &Uri,
    cookie: &str,
) -> (Offered, By) {
    if let Some(offered) = headers.get(header::AUTHORIZATION).and_then(authorization) {
        return (offered, By::Header);
    }
    // An address is for looking, and never changes anything.
    if matches!(*method, Method::GET | Method::HEAD)
        && let Some(token) = token_in(uri)
    {
        return (Offered::Token(token), By::Address);
    }
    match cookie_in(headers, cookie) {
        Some(value) => (Offered::Cookie(value), By::Cookie),
        None => (Offered::Nothing, By::Nothing),
    }
}

/// `Basic` or `Bearer`. Anything else is for another.
fn authorization(value: &HeaderValue) -> Option<Offered> {
    let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Offered::Token(Secret::new(rest)));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some(Offered::Password {
        name: name.to_owned(),
        password: Secret::new(password),
    })
}

fn token_in(uri: &Uri) -> Option<Secret> {
    let query = uri.query()?;
    let (_, token) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == TOKEN)?;
    Some(Secret::new(token))
}

/// The value of the cookie of that name.
pub(super) fn cookie_in(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    Some(Secret::new(value))
}

/// A path with its parameters but for the token.
pub(super) fn without_token(uri: &Uri) -> Uri {
    let Some(query) = uri.query() else {
        return uri.clone();
    };
    let is_token = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        form_urlencoded::parse(name.as_bytes()).any(|(name, _)| name == TOKEN)
    };
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_token(pair)).collect();
    let text = match &rest[..] {
        [] => uri.path().to_owned(),
        rest => format!("{}?{}", uri.path(), rest.join("&")),
    };
    text.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offers(headers: &[(header::HeaderName, &str)], method: &Method, uri: &str) -> (String, By) {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.parse().unwrap()));
        let (offered, by) = offered(&headers.collect(), method, &uri.parse().unwrap(), "session");
        let text = match offered {
            Offered::Nothing => String::new(),
            Offered::Password { name, password } => format!("{name}/{}", password.expose()),
            Offered::Token(it) | Offered::Cookie(it) => it.expose().to_owned(),
        };
        (text, by)
    }

    #[test]
    fn a_header_goes_before_a_parameter_and_that_before_a_cookie() {
        let cookie = (header::COOKIE, "other=1; session=abc");
        let basic = (header::AUTHORIZATION, "Basic YW5uYTpwOnc=");
        let bearer = (header::AUTHORIZATION, "bearer  xyz");
        let get = |headers: &[_]| offers(headers, &Method::GET, "/?token=t%2Bt");
        assert_eq!(
            get(&[cookie.clone(), basic]),
            ("anna/p:w".to_owned(), By::Header)
        );
        assert_eq!(get(&[bearer]), ("xyz".to_owned(), By::Header));
        assert_eq!(
            get(std::slice::from_ref(&cookie)),
            ("t+t".to_owned(), By::Address)
        );
        let post = offers(&[cookie], &Method::POST, "/?token=t");
        assert_eq!(post, ("abc".to_owned(), By::Cookie));
        assert_eq!(offers(&[], &Method::GET, "/"), (String::new(), By::Nothing));
    }

    #[test]
    fn a_token_is_taken_out_of_an_address_and_nothing_else_is() {
        for (uri, clean) in [
            ("/?token=x", "/"),
            ("/a/?w=1&token=x&h=2", "/a/?w=1&h=2"),
            ("/a?%74oken=x", "/a"),
            ("/a?tokens=x", "/a?tokens=x"),
            ("/a", "/a"),
        ] {
            assert_eq!(without_token(&uri.parse().unwrap()).to_string(), clean);
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(value in "[ -~]{0,60}", basic in any::<bool>()) {
            let value = if basic { format!("Basic {value}") } else { value };
            let headers = [(header::AUTHORIZATION, value.as_str()), (header::COOKIE, value.as_str())];
            offers(&headers, &Method::GET, "/");
        }
    }
}
