//! What may be asked of a session, as it is written in addresses and JSON: moments, ways to go, speeds, names.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A moment to play from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long before now: `-30s`.
    Ago(Duration),
    /// A time of the wall clock: RFC 3339, or seconds since 1970.
    At(SystemTime),
}

/// The last second that RFC 3339 can say.
const LAST: f64 = 253_402_300_799.0;

impl Moment {
    /// The time that is meant when it is `now`.
    pub fn resolve(self, now: SystemTime) -> SystemTime {
        match self {
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(UNIX_EPOCH).max(UNIX_EPOCH),
            Self::At(time) => time,
        }
    }

    /// Seconds since 1970; `None` for what is no time of ours.
    pub fn of_seconds(seconds: f64) -> Option<Self> {
        let seconds = Some(seconds).filter(|seconds| (0.0..=LAST).contains(seconds))?;
        let since = Duration::try_from_secs_f64(seconds).ok()?;
        UNIX_EPOCH.checked_add(since).map(Self::At)
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = match text.strip_prefix('-') {
            Some(ago) => time(ago).map(Self::Ago),
            None => match text.parse() {
                Ok(seconds) => Self::of_seconds(seconds),
                Err(_) => date(text).map(Self::At),
            },
        };
        found.ok_or_else(|| {
            format!(
                "`{text}` is no time: write how long ago as in -30s, -5m or -2h, a time as in 2026-11-20T12:00:00Z, or \
                 seconds since 1970"
            )
        })
    }
}

/// A length of time with its unit, or seconds.
fn time(text: &str) -> Option<Duration> {
    match text.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    }
}

/// RFC 3339 with any offset. In an address the plus of an offset reads as a space.
fn date(text: &str) -> Option<SystemTime> {
    if let Ok(time) = humantime::parse_rfc3339(text) {
        return Some(time);
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let number = |digits: &str, most: u64| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse::<u64>().ok().filter(|_| plain)?;
        (number <= most).then_some(number)
    };
    let offset_by = Duration::from_secs(number(hours, 23)? * 3600 + number(minutes, 59)? * 60);
    let time = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    match offset.as_bytes().first()? {
        b'+' | b' ' => time.checked_sub(offset_by),
        b'-' => time.checked_add(offset_by),
        _ => None,
    }
    .filter(|time| *time >= UNIX_EPOCH)
}

/// How far to go from where a session stands: `-10s` back, `10s` or `+10s` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// How far.
    pub by: Duration,
    /// Whether that is back.
    pub back: bool,
}

impl FromStr for Shift {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (back, length) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        time(length).map(|by| Self { by, back }).ok_or_else(|| {
            format!(
                "`{text}` is no way to go: write -10s for back, 10s for on, or such with m or h"
            )
        })
    }
}

/// How fast to play: times real time, backwards below zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(f64);

impl Speed {
    /// As fast as it happened.
    pub const NORMAL: Self = Self(1.0);
    /// The slowest.
    pub const LEAST: f64 = 0.25;
    /// The fastest.
    pub const MOST: f64 = 16.0;

    /// # Errors
    /// If it is too slow, too fast, or no number.
    pub fn new(times: f64) -> Result<Self, String> {
        if (Self::LEAST..=Self::MOST).contains(&times.abs()) {
            Ok(Self(times))
        } else {
            Err(format!(
                "{times} is no speed: it is a number from {} to {}, or backwards from -{1} to -{0}",
                Self::LEAST,
                Self::MOST
            ))
        }
    }

    /// Times real time; below zero it is backwards.
    pub fn times(self) -> f64 {
        self.0
    }

    /// Whether it is backwards.
    pub fn is_back(self) -> bool {
        self.0 < 0.0
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::new(text.parse().unwrap_or(f64::NAN))
            .map_err(|error| error.replacen("NaN", &format!("`{text}`"), 1))
    }
}

/// A name that whoever begins something may choose for it: 8 to 64 letters, digits, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(String);

impl Id {
    /// A name that nobody guesses.
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (8..=64).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a name has 8 to 64 letters, digits, `_` or `-`".to_owned())
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn a_moment_is_said_in_three_ways() {
        let ago = |text: &str| text.parse::<Moment>().unwrap();
        assert_eq!(ago("-30s"), Moment::Ago(Duration::from_secs(30)));
        assert_eq!(ago("-5m"), Moment::Ago(Duration::from_secs(300)));
        assert_eq!(ago("-2h"), Moment::Ago(Duration::from_secs(7200)));
        assert_eq!(ago("-1.5"), Moment::Ago(Duration::from_millis(1500)));
        assert_eq!(ago("1700000000.25"), Moment::At(at(1_700_000_000_250)));
        for text in [
            "2023-11-14T22:13:20.250Z",
            "2023-11-15T03:43:20.250+05:30",
            "2023-11-15T03:43:20.250 05:30",
            "2023-11-14T14:13:20.250-08:00",
        ] {
            assert_eq!(ago(text), Moment::At(at(1_700_000_000_250)), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_says_how_to_write_one() {
        for text in [
            "",
            "-",
            "now",
            "30s",
            "NaN",
            "inf",
            "-inf",
            "1e300",
            "-1e300",
            "-NaN",
            "--5s",
            "2026-11-20",
            "2026-13-01T00:00:00Z",
            "2026-11-20T12:00:00+25:00",
            "2026-11-20T12:00:00+1:00",
            "1970-01-01T00:00:00+01:00",
            "ä+00:00",
            "+00:00",
        ] {
            let error = text.parse::<Moment>().unwrap_err();
            assert!(error.contains("write how long ago"), "{text}: {error}");
        }
    }

    #[test]
    fn a_moment_before_1970_is_1970() {
        let moment: Moment = "-100000days".parse().unwrap();
        assert_eq!(moment.resolve(at(5)), UNIX_EPOCH);
    }

    #[test]
    fn a_way_to_go_has_a_direction() {
        let shift = |text: &str| text.parse::<Shift>().unwrap();
        let by = Duration::from_secs(10);
        assert_eq!(shift("-10s"), Shift { by, back: true });
        assert_eq!(shift("10s"), Shift { by, back: false });
        assert_eq!(shift("+10"), Shift { by, back: false });
        for text in ["", "-", "+", "x", "-x", "--10s", "10 parsecs", "ä"] {
            assert!(text.parse::<Shift>().is_err(), "{text}");
        }
    }

    #[test]
    fn speeds_are_limited_both_ways() {
        for text in ["0.25", "1", "16", "-0.25", "-16"] {
            assert!(text.parse::<Speed>().is_ok(), "{text}");
        }
        for text in ["0", "0.2", "16.1", "-17", "NaN", "inf", "fast", ""] {
            let error = text.parse::<Speed>().unwrap_err();
            assert!(
                error.ends_with("from 0.25 to 16, or backwards from -16 to -0.25"),
                "{error}"
            );
        }
        assert!(
            "fast"
                .parse::<Speed>()
                .unwrap_err()
                .starts_with("`fast` is no speed")
        );
    }

    #[test]
    fn a_session_is_named_plainly() {
        for text in [
            "abcdefgh",
            "a-b_c-0123",
            &"x".repeat(64),
            Id::random().as_str(),
        ] {
            assert!(text.parse::<Id>().is_ok(), "{text}");
        }
        for text in [
            "",
            "short",
            "with space",
            "../../etc",
            "äöüäöüäö",
            &"x".repeat(65),
        ] {
            assert!(text.parse::<Id>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_asked_panics(text in "\\PC*", now in 0u64..u64::MAX / 4) {
            if let Ok(moment) = text.parse::<Moment>() {
                prop_assert!(moment.resolve(at(now)) >= UNIX_EPOCH);
            }
            let _ = (text.parse::<Shift>(), text.parse::<Speed>(), text.parse::<Id>());
        }

        #[test]
        fn a_time_is_read_as_it_is_shown(millis in 0u64..253_402_300_799_000, hours in 0u64..14, west: bool) {
            let shown = humantime::format_rfc3339_millis(at(millis)).to_string();
            prop_assert_eq!(shown.parse::<Moment>(), Ok(Moment::At(at(millis))));
            let offset = hours * 3_600_000;
            // What a clock that goes ahead or behind by the offset shows.
            let local = if west { millis.checked_sub(offset) } else { Some(millis + offset) };
            if let Some(local) = local.filter(|local| *local < 253_402_300_799_000) {
                let shown = humantime::format_rfc3339_millis(at(local)).to_string();
                let sign = if west { '-' } else { '+' };
                let shown = format!("{}{sign}{hours:02}:00", &shown[..shown.len() - 1]);
                prop_assert_eq!(shown.parse::<Moment>(), Ok(Moment::At(at(millis))), "{}", shown);
            }
        }
    }
}
