//! What is asked of a camera's recording, and what is told of it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::recordings::Limits;

/// How a camera is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// When.
    pub mode: Mode,
    /// How much of what was before a start can be kept too. The camera stays open for that.
    pub pre_record: Duration,
    /// How much of it is kept.
    pub limits: Limits,
}

/// When a camera is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Never.
    #[default]
    Off,
    /// As long as the server runs.
    Always,
    /// From a start over the API to a stop.
    Manual,
}

impl Mode {
    /// As it is written in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Always => "always",
            Self::Manual => "manual",
        }
    }
}

/// What a camera's recording is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Off,
    /// Keeping the last pictures ready in memory.
    Buffering,
    /// It is to be recorded, and there is no picture.
    Waiting,
    /// Pictures are written.
    Recording,
    /// Pictures can't be written. That is tried again by itself.
    Faulted {
        /// Why not.
        why: Arc<str>,
    },
}

impl State {
    /// The state as one lower-case word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Buffering => "buffering",
            Self::Waiting => "waiting",
            Self::Recording => "recording",
            Self::Faulted { .. } => "faulted",
        }
    }
}

/// A camera's recording as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// When it is recorded.
    pub mode: Mode,
    /// What it is doing.
    pub state: State,
    /// Since when.
    pub since: SystemTime,
    /// Pictures that were written since the server started.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Pictures that should have been written and were not, because the disk was slow, full or gone.
    pub dropped: u64,
    /// How much of the past is ready in memory.
    pub buffered: Duration,
}

impl Status {
    /// Of a camera that can't be recorded, for there is no place to record to.
    pub fn none() -> Self {
        Self {
            mode: Mode::Off,
            state: State::Off,
            since: SystemTime::UNIX_EPOCH,
            frames: 0,
            bytes: 0,
            dropped: 0,
            buffered: Duration::ZERO,
        }
    }
}

/// Why a recording can't be started or stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is never recorded.
    #[error(
        "this camera is not to be recorded: give it `record = \"manual\"` in the configuration"
    )]
    Off,
    /// It is always recorded.
    #[error("this camera is always recorded: give it `record = \"manual\"` to start and stop it")]
    Always,
}
