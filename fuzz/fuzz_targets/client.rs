//! Who a stranger claims to be and what it wants: no claim is believed that nothing proves, and nothing out of bounds is
//! asked for.
#![no_main]

use std::{
    fmt,
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use libfuzzer_sys::fuzz_target;

// These files alone, and what they fill in: the whole server would take minutes to build with the fuzzer's instruments.
#[allow(dead_code)]
#[path = "../../crates/framecast/src/playback/ask.rs"]
mod ask;
#[path = "../../crates/framecast/src/web/credentials.rs"]
mod credentials;
#[path = "../../crates/framecast/src/web/forwarded.rs"]
mod forwarded;
#[allow(dead_code)]
#[path = "../../crates/framecast/src/access/link.rs"]
mod link;
#[path = "../../crates/framecast/src/web/range.rs"]
mod range;
#[allow(dead_code)]
#[path = "../../crates/framecast/src/access/secret.rs"]
mod secret;

use ask::{Id, Moment, Shift, Speed};
use credentials::By;
use link::Link;
use range::Asking;
use secret::Key;

/// What can be done by a signed address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Stream,
    Snapshot,
    Push,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

mod access {
    pub use crate::secret::Secret;

    pub enum Offered {
        Nothing,
        Password { name: String, password: Secret },
        Token(Secret),
        Cookie(Secret),
    }
}

use access::Offered;

/// The address of a proxy, and the networks of those that are believed.
const PROXY: &str = "10.0.0.1";
const PROXIES: &str = "10.0.0.0/24";
const STRANGER: &str = "203.0.113.7";

fn is_of_a_stranger(told: &str) {
    let trusted = [PROXIES.parse().unwrap()];
    let (proxy, stranger): (IpAddr, IpAddr) = (PROXY.parse().unwrap(), STRANGER.parse().unwrap());
    let told: Vec<&str> = told.split(',').map(str::trim).collect();
    let _ = forwarded::client(proxy, &told, &trusted);
    // Whatever was told before, the proxy adds whom it sees.
    let seen = [&told[..], &[STRANGER]].concat();
    assert_eq!(forwarded::client(proxy, &seen, &trusted), Some(stranger));
    assert_eq!(forwarded::client(proxy, &told, &[]), told.last().and_then(|last| forwarded::client(proxy, &[*last], &[])));
}

fn claims(headers: [Option<Vec<u8>>; 2], query: &str) {
    let names = [header::AUTHORIZATION, header::COOKIE];
    let pairs = names.into_iter().zip(headers);
    let headers: HeaderMap = pairs
        .filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(&value?).ok()?)))
        .collect::<Vec<(HeaderName, HeaderValue)>>()
        .into_iter()
        .collect();
    let uri: Uri = format!("/x?{query}").parse().unwrap_or_default();
    let (offered, by) = credentials::offered(&headers, &Method::GET, &uri, "session");
    match (offered, by) {
        (Offered::Nothing, By::Nothing) => {}
        (Offered::Password { name, .. }, By::Header) => assert!(!name.contains(':')),
        (Offered::Token(_), By::Header | By::Address) => {}
        (Offered::Cookie(_), By::Cookie) => {}
        (_, by) => panic!("it is not known where {by:?} comes from"),
    }
    let clean = credentials::without_token(&uri);
    let (_, by) = credentials::offered(&HeaderMap::new(), &Method::GET, &clean, "session");
    assert_eq!(by, By::Nothing, "a token is left in {clean}");
}

fn asks(text: &str, number: u64) {
    let now = UNIX_EPOCH + Duration::from_secs(number >> 24);
    if let Ok(moment) = text.parse::<Moment>() {
        assert!(moment.resolve(now) >= UNIX_EPOCH);
    }
    if let Ok(speed) = text.parse::<Speed>() {
        assert!((Speed::LEAST..=Speed::MOST).contains(&speed.times().abs()));
    }
    if let Ok(id) = text.parse::<Id>() {
        assert!(id.as_str().bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'));
    }
    let _ = text.parse::<Shift>();
    for text in [text, &format!("bytes={text}")] {
        if let Asking::Part(range) = Asking::of(text, number) {
            assert!(range.start < range.end && range.end <= number);
        }
    }
}

fuzz_target!(|data: (String, String, String, [Option<Vec<u8>>; 2], u64)| {
    let (text, until, signature, headers, number) = data;
    is_of_a_stranger(&text);
    claims(headers, &text);
    asks(&text, number);
    let key = Key::decode("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    let signed = Link::read(&key, &text, Action::Stream, &until, &signature, SystemTime::UNIX_EPOCH);
    assert!(signed.is_err(), "nobody signed this");
});
