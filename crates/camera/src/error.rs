use std::{error::Error as StdError, fmt};

/// What a driver's fallible calls return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a camera gives no frames: a kind for the program, a sentence for the person, and the cause if there is one.
///
/// The message names the device, file or address and what to do about it where that is known; it is shown to viewers and
/// in the log, so it must not contain passwords.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The sorts of trouble that call for different treatment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The camera is open but gives no picture just now (no cable, no sender). The only kind after which the frames go on.
    NoSignal,
    /// It can't be found or reached at the moment.
    Unavailable,
    /// Somebody else is using it.
    Busy,
    /// It was there and went away: unplugged, disconnected, died.
    Lost,
    /// It came to its end, as a file does that is played once.
    Ended,
    /// It refuses access: permissions or credentials.
    Denied,
    /// Something it needs is not installed or not built in.
    Unsupported,
    /// What it was asked to do can never work: a mistake in its settings.
    Invalid,
    /// It sends something else than it should.
    Broken,
    /// The driver itself panicked.
    Panicked,
}

/// Whether and how soon a camera that ended with an error is opened again while somebody wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// At once, then with growing pauses.
    Soon,
    /// At the longest pause: nothing but a person will change it.
    Slowly,
    /// Not until its settings change or the last viewer has gone.
    Never,
}

impl ErrorKind {
    /// How the hub goes on after an error of this kind.
    pub fn retry(self) -> Retry {
        match self {
            Self::NoSignal
            | Self::Unavailable
            | Self::Busy
            | Self::Lost
            | Self::Broken
            | Self::Panicked => Retry::Soon,
            Self::Denied | Self::Unsupported => Retry::Slowly,
            Self::Ended | Self::Invalid => Retry::Never,
        }
    }

    /// The kind as one lower-case word, for logs, metrics and APIs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSignal => "no_signal",
            Self::Unavailable => "unavailable",
            Self::Busy => "busy",
            Self::Lost => "lost",
            Self::Ended => "ended",
            Self::Denied => "denied",
            Self::Unsupported => "unsupported",
            Self::Invalid => "invalid",
            Self::Broken => "broken",
            Self::Panicked => "panicked",
        }
    }
}

impl Error {
    /// An error of `kind` with a message for the user: one line, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Adds the error that led to this one. Its text is part of what [`Display`](fmt::Display) shows.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What sort of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// The message, followed by the text of each cause.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut cause = self.source.as_deref().map(|s| s as &dyn StdError);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

// `source` is left at its default: `Display` already tells the causes, and a chain printed twice helps nobody.
impl StdError for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::PermissionDenied => ErrorKind::Denied,
            Io::ResourceBusy => ErrorKind::Busy,
            Io::InvalidInput => ErrorKind::Invalid,
            Io::NotFound | Io::ConnectionRefused | Io::TimedOut => ErrorKind::Unavailable,
            _ => ErrorKind::Lost,
        };
        Self::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_its_causes_once() {
        let io = std::io::Error::other("cable cut");
        let error = Error::new(ErrorKind::Lost, "camera door went away").with_source(io);
        assert_eq!(error.to_string(), "camera door went away: cable cut");
        assert!(StdError::source(&error).is_none());
    }
}
