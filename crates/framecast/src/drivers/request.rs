//! What a camera is asked for, and the rules every driver reads it by.

use std::{collections::BTreeMap, fmt::Display, str::FromStr, time::Duration};

use framecast_camera::{Error, ErrorKind, Result, Size};

use super::Source;

/// What a camera is asked for: where it comes from and how its pictures should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The camera's name, as viewers see it.
    pub name: String,
    /// Where the frames come from.
    pub source: Source,
    /// The size wanted; the driver gives the nearest it can, the hub scales down what is larger.
    pub size: Option<Size>,
    /// Frames a second wanted; the hub drops what is more.
    pub fps: Option<f64>,
    /// JPEG quality wanted, 1 to 100.
    pub quality: Option<u8>,
    /// What else the scheme knows, by name: see [`Scheme::options`](super::Scheme::options).
    pub options: BTreeMap<String, String>,
}

/// The most frames a second that any driver is asked for.
const MOST_FPS: f64 = 240.0;

impl Request {
    /// A camera of that name and source, with nothing else asked.
    pub fn new(name: impl Into<String>, source: Source) -> Self {
        Self {
            name: name.into(),
            source,
            size: None,
            fps: None,
            quality: None,
            options: BTreeMap::new(),
        }
    }

    /// An option that is on or off; off if it isn't there.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for any other value.
    pub fn switch(&self, option: &str) -> Result<bool> {
        match self.options.get(option).map(String::as_str) {
            None | Some("false" | "no" | "off" | "0") => Ok(false),
            Some("true" | "yes" | "on" | "1") => Ok(true),
            Some(other) => Err(Error::new(
                ErrorKind::Invalid,
                format!("`{option}={other}` is neither true nor false"),
            )),
        }
    }

    /// The value of an option, if it is there.
    pub(super) fn option<T>(&self, name: &str) -> Result<Option<T>>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.options.get(name);
        text.map(|text| parse(name, text)).transpose()
    }

    /// What follows the scheme's colon, which this scheme can't do without. `what` says what it should be.
    pub(super) fn operand(&self, what: &str) -> Result<&str> {
        match self.source.rest() {
            "" => {
                let scheme = self.source.scheme();
                Err(Error::new(
                    ErrorKind::Invalid,
                    format!("`{scheme}` needs {what}: write `{scheme}:{what}`"),
                ))
            }
            rest => Ok(rest),
        }
    }

    /// Finds fault with values that no driver can fulfil.
    pub(super) fn check(&self) -> Result<()> {
        let fault = |message| Err(Error::new(ErrorKind::Invalid, message));
        if let Some(fps) = self.fps
            && !(fps > 0.0 && fps <= MOST_FPS)
        {
            return fault(format!(
                "{fps} frames a second is out of range: it must be more than 0, at most {MOST_FPS}"
            ));
        }
        if let Some(quality) = self.quality
            && !(1..=100).contains(&quality)
        {
            return fault(format!("quality {quality} is out of range: 1 to 100"));
        }
        if let Some(size) = self.size
            && (size.width == 0 || size.height == 0)
        {
            return fault(format!("{size} is no size: neither side may be 0"));
        }
        Ok(())
    }

    /// How long a network source may be silent: three frames at the rate that is asked, and never less than ten seconds.
    pub(super) fn patience(&self) -> Duration {
        self.three_frames(Duration::from_secs(10))
    }

    /// The time of three frames at the rate that is asked; `least` if that is longer, or no rate was asked.
    pub(super) fn three_frames(&self, least: Duration) -> Duration {
        self.fps
            .and_then(|fps| Duration::try_from_secs_f64(3.0 / fps).ok())
            .map_or(least, |three_frames| three_frames.max(least))
    }
}

/// What an option's text says.
pub(super) fn parse<T: FromStr<Err: Display>>(name: &str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|error| Error::new(ErrorKind::Invalid, format!("`{name}={text}`: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(source: &str) -> Request {
        let Ok(source) = source.parse();
        Request::new("door", source)
    }

    #[test]
    fn a_rate_that_no_driver_can_keep_is_refused() {
        for fps in [0.0, -1.0, 241.0, f64::NAN, f64::INFINITY] {
            let mut request = request("test");
            request.fps = Some(fps);
            assert_eq!(request.check().unwrap_err().kind(), ErrorKind::Invalid);
        }
    }

    #[test]
    fn a_slow_camera_may_be_silent_for_three_of_its_frames() {
        let mut request = request("http://cam/");
        assert_eq!(request.patience(), Duration::from_secs(10));
        request.fps = Some(0.1);
        assert_eq!(request.patience(), Duration::from_secs(30));
    }

    #[test]
    fn a_switch_is_on_off_or_a_mistake() {
        let mut request = request("file:a.mp4");
        assert!(!request.switch("once").unwrap());
        request.options.insert("once".to_owned(), "yes".to_owned());
        assert!(request.switch("once").unwrap());
        request
            .options
            .insert("once".to_owned(), "twice".to_owned());
        assert!(request.switch("once").is_err());
    }
}
