//! Which part of a file a client wants, by what stands in `Range`: decided without the request.

use std::ops::Range;

/// What a client wants of a file.
#[derive(Debug, PartialEq)]
pub(super) enum Asking {
    /// All of it.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Bytes behind its end.
    Beyond,
}

impl Asking {
    /// One range; several, and what makes no sense, is the whole.
    pub(super) fn of(range: &str, len: u64) -> Self {
        let Some((first, last)) = range
            .strip_prefix("bytes=")
            .and_then(|it| it.trim().split_once('-'))
        else {
            return Self::Whole;
        };
        let number = |text: &str| text.parse::<u64>().ok();
        let range = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(len),
            (Some(first), None) if last.is_empty() => first..len,
            (None, Some(count)) if first.is_empty() => len.saturating_sub(count)..len,
            _ => return Self::Whole,
        };
        match range.start < range.end {
            true => Self::Part(range),
            false => Self::Beyond,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_a_client_still_needs() {
        let of = |text| Asking::of(text, 100);
        assert_eq!(of("bytes=0-9"), Asking::Part(0..10));
        assert_eq!(of("bytes=90-"), Asking::Part(90..100));
        assert_eq!(of("bytes=90-1000"), Asking::Part(90..100));
        assert_eq!(of("bytes=-10"), Asking::Part(90..100));
        assert_eq!(of("bytes=-1000"), Asking::Part(0..100));
        for text in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(of(text), Asking::Beyond, "{text}");
        }
        for text in [
            "",
            "bytes=",
            "bytes=-",
            "bytes=9-1",
            "lines=1-2",
            "bytes=0-1,5-6",
            "bytes=x-",
        ] {
            assert_eq!(of(text), Asking::Whole, "{text}");
        }
    }
}
