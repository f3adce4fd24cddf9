//! What the JSON interface says and hears.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant, UNIX_EPOCH},
};

use framecast_camera::Size;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{
    catalog::{Catalog, Change},
    hub::{Feed, State, Stats},
};

/// All cameras.
#[derive(Debug, Serialize, ToSchema)]
pub struct CamerasView {
    /// In the order of the configuration.
    pub cameras: Vec<CameraView>,
}

/// A camera as it is at the moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct CameraView {
    /// Its name.
    pub name: String,
    /// Where its frames come from, without passwords.
    pub source: String,
    /// What it is doing.
    pub state: StateView,
    /// The size of its pictures; null before the first.
    pub size: Option<SizeView>,
    /// Frames a second that it gives.
    pub fps: f64,
    /// Seconds since the newest picture was taken; null while there is none.
    pub age: Option<f64>,
    /// Viewers watching now.
    pub viewers: usize,
    /// What its pictures are asked to be like.
    pub settings: SettingsView,
    /// What was counted since the server started.
    pub counters: Counters,
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct SizeView {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// What a camera is doing, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct StateView {
    /// The state in a word.
    pub state: CameraState,
    /// Why there are no pictures, where there is a reason.
    pub reason: Option<String>,
    /// Seconds until it is opened again, while it is lost.
    pub retry_in: Option<f64>,
    /// Since when, in seconds since 1970.
    pub since: f64,
}

/// The states of a camera.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CameraState {
    /// Closed, because nobody is watching.
    Idle,
    /// Being opened.
    Opening,
    /// Giving pictures.
    Live,
    /// Open, but without a picture.
    NoSignal,
    /// Gone, and opened again in a moment.
    Lost,
    /// Come to its end.
    Ended,
    /// Gone, and not opened again before its settings change or its viewers have left.
    Failed,
}

/// What a camera's pictures are asked to be like; null where nothing is asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsView {
    /// The size wanted, as `640x480`.
    pub size: Option<String>,
    /// Frames a second wanted.
    pub fps: Option<f64>,
    /// JPEG quality wanted, 1 to 100.
    pub quality: Option<u8>,
    /// How long the camera stays open after its last viewer: a time such as `10s`, or `never`.
    pub linger: String,
}

/// What was counted of a camera; all of it only ever rises.
#[derive(Debug, Serialize, ToSchema)]
pub struct Counters {
    /// Times it was opened.
    pub opened: u64,
    /// Frames it gave.
    pub frames: u64,
    /// JPEG bytes of those.
    pub bytes: u64,
    /// Frames handed to viewers' connections.
    pub sent_frames: u64,
    /// JPEG bytes of those.
    pub sent_bytes: u64,
    /// Frames that viewers skipped because their link was too slow.
    pub skipped_frames: u64,
    /// Frames that were not shown, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Frames that were repaired, by repair.
    pub mended: BTreeMap<&'static str, u64>,
}

/// A camera to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCamera {
    /// Letters, digits, `.`, `_` and `-`; 64 at most.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    pub name: String,
    /// Where its frames come from: `test`, `push`, `http://…`. Commands and paths on the server can't be given here.
    pub source: String,
    /// The size wanted, as `640x480`.
    #[schema(pattern = "^[1-9][0-9]{0,4}[xX][1-9][0-9]{0,4}$")]
    pub size: Option<String>,
    /// Frames a second wanted.
    #[schema(exclusive_minimum = 0, maximum = 240)]
    pub fps: Option<f64>,
    /// JPEG quality wanted, 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    pub quality: Option<u8>,
    /// How long it stays open after its last viewer: a time such as `10s`, or `never`.
    pub linger: Option<String>,
    /// What else its kind of source knows.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// Other settings for a camera. What is left out stays; null takes a wish back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// The size wanted, as `640x480`.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, pattern = "^[1-9][0-9]{0,4}[xX][1-9][0-9]{0,4}$")]
    pub size: Option<Option<String>>,
    /// Frames a second wanted.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0, maximum = 240)]
    pub fps: Option<Option<f64>>,
    /// JPEG quality wanted, 1 to 100.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 100)]
    pub quality: Option<Option<u8>>,
}

/// Tells null from nothing.
fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl SettingsChange {
    /// The change that is meant.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn resolve(self) -> Result<Change, String> {
        let size = match self.size {
            Some(Some(text)) => Some(Some(text.parse::<Size>()?)),
            Some(None) => Some(None),
            None => None,
        };
        Ok(Change {
            size,
            fps: self.fps,
            quality: self.quality,
        })
    }
}

impl CameraView {
    /// The camera behind `feed` as it is now.
    pub fn of(catalog: &Catalog, feed: &Feed) -> Self {
        let entry = catalog.entry(feed.name());
        let request = entry.as_ref().map(|entry| &entry.request);
        let newest = feed.newest().filter(|frame| frame.is_live());
        Self {
            name: feed.name().to_string(),
            source: request.map_or_else(String::new, |request| request.source.to_string()),
            state: StateView::of(feed),
            size: feed.size().map(|size| SizeView {
                width: size.width,
                height: size.height,
            }),
            fps: rounded(feed.fps(), 100.0),
            age: newest.map(|frame| seconds(frame.age(Instant::now()))),
            viewers: feed.stats().viewers.load(Relaxed),
            settings: SettingsView {
                size: request
                    .and_then(|request| request.size)
                    .map(|size| size.to_string()),
                fps: request.and_then(|request| request.fps),
                quality: request.and_then(|request| request.quality),
                linger: entry
                    .as_ref()
                    .map_or_else(String::new, |entry| entry.policy.linger.to_string()),
            },
            counters: Counters::of(feed.stats()),
        }
    }
}

impl StateView {
    fn of(feed: &Feed) -> Self {
        let status = feed.status();
        let retry_in = match &status.state {
            State::Lost { retry, .. } => Some(seconds(
                retry.saturating_duration_since(tokio::time::Instant::now()),
            )),
            _ => None,
        };
        Self {
            state: CameraState::of(&status.state),
            reason: status.state.reason().map(ToString::to_string),
            retry_in,
            since: status.since.duration_since(UNIX_EPOCH).map_or(0.0, seconds),
        }
    }
}

impl CameraState {
    fn of(state: &State) -> Self {
        match state {
            State::Idle => Self::Idle,
            State::Opening => Self::Opening,
            State::Live => Self::Live,
            State::NoSignal { .. } => Self::NoSignal,
            State::Lost { .. } => Self::Lost,
            State::Failed { .. } if state.as_str() == "ended" => Self::Ended,
            State::Failed { .. } => Self::Failed,
        }
    }
}

impl Counters {
    fn of(stats: &Stats) -> Self {
        let count = |counter: &AtomicU64| counter.load(Relaxed);
        Self {
            opened: count(&stats.opened),
            frames: count(&stats.frames),
            bytes: count(&stats.bytes),
            sent_frames: count(&stats.sent_frames),
            sent_bytes: count(&stats.sent_bytes),
            skipped_frames: count(&stats.skipped),
            dropped: stats.dropped(),
            mended: stats.mended(),
        }
    }
}

fn seconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64(), 1000.0)
}

fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}
