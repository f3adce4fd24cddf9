//! The rules by which one camera's capture runs.

use std::{fmt, str::FromStr, time::Duration};

use framecast_media::jpeg::Lenience;

/// When a capture opens, waits, gives up and closes.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// How long the camera stays open after its last viewer.
    pub linger: Linger,
    /// How long an opened camera may take to its first frame.
    pub first_frame: Duration,
    /// How long a camera may go without a frame before it is closed and opened again. A camera that is asked for fewer
    /// frames than that allows gets three of its intervals.
    pub stall: Duration,
    /// What happens to a JPEG that breaks off early.
    pub broken: Lenience,
    /// What happens to a frame that was taken before the one that came before it.
    pub order: Order,
}

/// In which order of time a camera's frames may come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they were taken; what comes too late is dropped.
    #[default]
    Rising,
    /// In any, as from a recording that is played backwards.
    Any,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            linger: Linger::For(Duration::from_secs(10)),
            first_frame: Duration::from_secs(10),
            stall: Duration::from_secs(5),
            broken: Lenience::Strict,
            order: Order::Rising,
        }
    }
}

/// How long a camera stays open after its last viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linger {
    /// For this long; zero closes it at once.
    For(Duration),
    /// Once opened it is never closed.
    Forever,
}

impl FromStr for Linger {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::Forever);
        }
        humantime::parse_duration(text)
            .map(Self::For)
            .map_err(|error| {
                format!("`{text}` is neither a time such as 10s or 2min nor `never`: {error}")
            })
    }
}

/// As it is written in the configuration.
impl fmt::Display for Linger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(time) => humantime::format_duration(*time).fmt(f),
            Self::Forever => f.write_str("never"),
        }
    }
}
