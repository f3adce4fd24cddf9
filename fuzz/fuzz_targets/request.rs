//! What a stranger says in the head of a request asks for nothing out of bounds, and no public name passes for a local one.
#![no_main]

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use libfuzzer_sys::fuzz_target;

// These files alone, and what they fill in: the whole server would take minutes to build with the fuzzer's instruments.
#[path = "../../crates/framecast/src/web/dialect.rs"]
mod dialect;
#[path = "../../crates/framecast/src/web/host.rs"]
mod host;
#[path = "../../crates/framecast/src/config/name.rs"]
mod name;
#[path = "../../crates/framecast/src/web/query.rs"]
mod query;

mod hub {
    #[derive(Debug)]
    pub struct Variant {
        pub width: Option<u32>,
        pub height: Option<u32>,
        pub quality: Option<u8>,
    }
}

mod sinks {
    pub mod mjpeg {
        #[derive(Debug, PartialEq, Eq)]
        pub enum Dialect {
            Browser,
            Program,
        }

        impl std::str::FromStr for Dialect {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    "browser" => Ok(Self::Browser),
                    "program" => Ok(Self::Program),
                    _ => Err(text.to_owned()),
                }
            }
        }
    }

    pub mod snapshot {
        #[derive(Debug)]
        pub struct Wish {
            pub max_age: Option<std::time::Duration>,
            pub timeout: std::time::Duration,
        }
    }
}

fuzz_target!(|data: (String, String, [Option<Vec<u8>>; 3])| {
    let (query, named, headers) = data;

    let asked = query::Asked::of(&query);
    if let Ok(variant) = asked.variant() {
        let sides = [variant.width, variant.height];
        assert!(
            sides
                .iter()
                .flatten()
                .all(|side| (1..=16_384).contains(side))
        );
        assert!(variant.quality.is_none_or(|it| (1..=100).contains(&it)));
    }
    if let Ok(Some(fps)) = asked.fps() {
        assert!((0.001..=1000.0).contains(&fps));
    }
    if let Ok(wish) = asked.wish() {
        assert!(wish.timeout <= Duration::from_secs(60));
    }
    let _ = (
        asked.wish().map(|wish| wish.max_age),
        asked.dialect(),
        asked.value("camera"),
        asked.is_on("advance_headers"),
    );

    assert!(!host::is_own(&format!("{named}.example"), &[]), "{named}");
    assert!(host::is_own("cams.example", &["cams.example".to_owned()]));
    assert_eq!(host::is_own(&named, &[]), host::is_local(&named));
    assert!(named.starts_with(host::without_port(&named)));
    if host::is_same_site(&query, Some(&named)) {
        assert!(query.ends_with(&named));
    }

    if name::check_name(&named).is_ok() {
        assert!(named.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(
            !named.contains(['/', '\\', '%', '?', '#', '"', '<', '&']) && !named.starts_with('.')
        );
    }

    let names = [
        header::HeaderName::from_static("sec-fetch-dest"),
        header::ACCEPT,
        header::USER_AGENT,
    ];
    let mut map = HeaderMap::new();
    for (name, value) in names.into_iter().zip(headers) {
        if let Some(Ok(value)) = value.map(|value| HeaderValue::from_bytes(&value)) {
            map.insert(name, value);
        }
    }
    let says_so = map.get("sec-fetch-dest").is_some_and(|it| it == "empty");
    assert!(!says_so || dialect::of(&map) == sinks::mjpeg::Dialect::Program);
});
