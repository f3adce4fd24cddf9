//! Which framing of Motion JPEG a client understands.
//!
//! Browsers say what they will do with an answer in `Sec-Fetch-Dest`, but only to servers on this machine or behind TLS;
//! elsewhere their `Accept` and `User-Agent` give them away.

use axum::http::{HeaderMap, HeaderName, header};

use crate::sinks::mjpeg::Dialect;

/// The framing for the client that sent these headers.
pub(super) fn of(headers: &HeaderMap) -> Dialect {
    let text = |name: HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let shown = match text(HeaderName::from_static("sec-fetch-dest")) {
        // A script's `fetch` reads the parts itself, as programs do.
        "empty" => false,
        "" => {
            let accept = text(header::ACCEPT);
            text(header::USER_AGENT).starts_with("Mozilla/")
                && (accept.contains("image/") || accept.contains("text/html"))
        }
        _ => true,
    };
    if shown {
        Dialect::Browser
    } else {
        Dialect::Program
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(pairs: &[(&'static str, &'static str)]) -> Dialect {
        of(&pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    header::HeaderValue::from_static(value),
                )
            })
            .collect())
    }

    #[test]
    fn an_image_in_a_page_is_framed_for_browsers() {
        assert_eq!(dialect(&[("sec-fetch-dest", "image")]), Dialect::Browser);
        assert_eq!(dialect(&[("sec-fetch-dest", "document")]), Dialect::Browser);
    }

    #[test]
    fn a_browser_that_does_not_say_what_for_is_known_by_what_it_accepts() {
        let chromium = [
            (
                "user-agent",
                "Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/156 Safari/537.36",
            ),
            (
                "accept",
                "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
            ),
        ];
        assert_eq!(dialect(&chromium), Dialect::Browser);
        let fetch = [chromium[0], ("accept", "*/*")];
        assert_eq!(dialect(&fetch), Dialect::Program);
    }

    #[test]
    fn scripts_and_programs_get_lengths() {
        assert_eq!(dialect(&[("sec-fetch-dest", "empty")]), Dialect::Program);
        assert_eq!(dialect(&[]), Dialect::Program);
        for agent in [
            "Lavf/59.27.100",
            "curl/8",
            "VLC/3.0 LibVLC/3.0",
            "python-requests/2",
        ] {
            assert_eq!(
                dialect(&[("user-agent", agent), ("accept", "*/*")]),
                Dialect::Program
            );
        }
    }
}
