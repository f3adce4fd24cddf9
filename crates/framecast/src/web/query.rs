//! What a viewer asks for in the address: size, rate, quality, freshness.
//!
//! Parameters that nobody knows are ignored, because programs append their own (`timestamp=`, `bypassCache=`). Known ones
//! with a senseless value are answered with what would make sense.

use std::{fmt, str::FromStr, time::Duration};

use url::form_urlencoded;

use crate::{
    hub::Variant,
    sinks::{mjpeg::Dialect, snapshot::Wish},
};

/// The largest side that may be asked for.
const MOST_PIXELS: u32 = 16_384;
/// The longest that a snapshot may be waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long a snapshot is waited for if nothing is said; programs such as OctoPrint give up after five seconds.
const WAIT: Duration = Duration::from_millis(4_500);

/// What is wrong with a parameter, and what would make sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Senseless(pub(super) String);

/// The parameters of an address, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    /// Reads what stands behind the `?` of an address.
    pub(super) fn of(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a switch is on, in the ways that other servers write it.
    pub(super) fn is_on(&self, name: &str) -> bool {
        matches!(self.value(name), Some("1" | "true" | "yes"))
    }

    /// Another size or quality than the camera's own. `w` and `h` are short for `width` and `height`.
    pub(super) fn variant(&self) -> Result<Variant, Senseless> {
        let side = |long, short| match self.value(long) {
            Some(_) => self.number(long, 1, MOST_PIXELS),
            None => self.number(short, 1, MOST_PIXELS),
        };
        Ok(Variant {
            width: side("width", "w")?,
            height: side("height", "h")?,
            quality: self.number("quality", 1, 100)?,
        })
    }

    /// Whether pictures are to become smaller while the viewer's link is too narrow for them.
    pub(super) fn adaptive(&self) -> Result<bool, Senseless> {
        match self.value("adaptive") {
            None | Some("0" | "false" | "no") => Ok(false),
            Some("1" | "true" | "yes") => Ok(true),
            Some(text) => Err(Senseless(format!(
                "`adaptive={text}` is wrong: it is 1 or 0"
            ))),
        }
    }

    /// Frames a second at most.
    pub(super) fn fps(&self) -> Result<Option<f64>, Senseless> {
        self.number("fps", 0.001, 1000.0)
    }

    pub(super) fn dialect(&self) -> Result<Option<Dialect>, Senseless> {
        match self.value("dialect") {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(Senseless),
        }
    }

    /// How fresh a snapshot must be and how long it is waited for.
    pub(super) fn wish(&self) -> Result<Wish, Senseless> {
        let timeout = self.time("timeout")?.unwrap_or(WAIT);
        if timeout > LONGEST_WAIT {
            return Err(Senseless("`timeout` is at most 60s".to_owned()));
        }
        Ok(Wish {
            max_age: self.time("max_age")?,
            timeout,
        })
    }

    fn number<T>(&self, name: &str, least: T, most: T) -> Result<Option<T>, Senseless>
    where
        T: FromStr + PartialOrd + Copy + fmt::Display,
    {
        let Some(text) = self.value(name) else {
            return Ok(None);
        };
        match text.parse::<T>() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(Senseless(format!(
                "`{name}={text}` is wrong: it is a number from {least} to {most}"
            ))),
        }
    }

    /// Seconds, or a time with its unit.
    pub(super) fn time(&self, name: &str) -> Result<Option<Duration>, Senseless> {
        let Some(text) = self.value(name) else {
            return Ok(None);
        };
        let seconds = text
            .parse::<f64>()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        match seconds.or_else(|| humantime::parse_duration(text).ok()) {
            Some(time) => Ok(Some(time)),
            None => Err(Senseless(format!(
                "`{name}={text}` is wrong: it is a time such as 2, 0.5 or 500ms"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Asked {
        Asked::of(query)
    }

    #[test]
    fn unknown_parameters_are_ignored() {
        let asked = asked("timestamp=17&bypassCache=1&width=320");
        assert_eq!(asked.variant().unwrap().width, Some(320));
        assert_eq!(asked.fps().unwrap(), None);
    }

    #[test]
    fn senseless_values_are_answered_with_what_makes_sense() {
        for query in ["width=0", "width=-1", "height=99999", "quality=101", "w=x"] {
            let Senseless(why) = asked(query).variant().unwrap_err();
            assert!(why.contains("it is a number from 1 to"), "{query}");
        }
        for query in ["fps=0", "fps=NaN", "fps=inf", "fps=-5", "fps="] {
            assert!(asked(query).fps().is_err(), "{query}");
        }
    }

    #[test]
    fn a_switch_is_on_or_off() {
        for (query, on) in [("", false), ("adaptive=1", true), ("adaptive=no", false)] {
            assert_eq!(asked(query).adaptive().unwrap(), on, "{query}");
        }
        let Senseless(said) = asked("adaptive=2").adaptive().unwrap_err();
        assert_eq!(said, "`adaptive=2` is wrong: it is 1 or 0");
    }

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        let wish = asked("max_age=0&timeout=1.5").wish().unwrap();
        assert_eq!(wish.max_age, Some(Duration::ZERO));
        assert_eq!(wish.timeout, Duration::from_millis(1_500));
        let wish = asked("max_age=250ms").wish().unwrap();
        assert_eq!(wish.max_age, Some(Duration::from_millis(250)));
        assert!(asked("timeout=1h").wish().is_err());
        assert!(asked("max_age=soon").wish().is_err());
    }
}
