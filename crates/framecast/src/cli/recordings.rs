//! `framecast recordings`: what was recorded, and making its index anew.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::Context;
use serde::Serialize;

use super::Folder;
use crate::{
    config::{self, Config, Given},
    drivers::Registry,
    recordings::{self, Span},
};

/// The folder that is meant: the one that was typed, or that of the configuration.
pub(super) fn folder(folder: Folder, registry: &Registry) -> anyhow::Result<PathBuf> {
    let given = Given {
        file: folder.config,
        recordings: folder.recordings.unwrap_or_default(),
        ..Given::default()
    };
    match Config::load(&given, registry)?.storage.path {
        Some(path) => Ok(path),
        None => Ok(config::state_folder()?.join("recordings")),
    }
}

/// What there is of all cameras.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    cameras: Vec<Camera>,
}

#[derive(Debug, Serialize)]
struct Camera {
    name: String,
    spans: Vec<Time>,
}

/// A time without a gap.
#[derive(Debug, Serialize)]
struct Time {
    /// In seconds since 1970.
    start: f64,
    end: f64,
    frames: u64,
    bytes: u64,
    #[serde(skip)]
    span: Span,
}

pub(super) fn table(root: &Path) -> anyhow::Result<Table> {
    let cameras = recordings::look(root)
        .with_context(|| format!("the recordings in {} can't be listed", root.display()))?;
    let time = |span: Span| {
        let seconds = |time: std::time::SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            since.as_millis() as f64 / 1000.0
        };
        Time {
            start: seconds(span.start),
            end: seconds(span.end),
            frames: span.frames,
            bytes: span.bytes,
            span,
        }
    };
    let camera = |(name, spans): (String, Vec<Span>)| Camera {
        name,
        spans: spans.into_iter().map(time).collect(),
    };
    Ok(Table {
        cameras: cameras.into_iter().map(camera).collect(),
    })
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for camera in &self.cameras {
            writeln!(f, "{}", camera.name)?;
            for time in &camera.spans {
                let date = |time| humantime::format_rfc3339_seconds(time);
                let (start, end) = (time.span.start, time.span.end);
                let megabytes = time.bytes as f64 / 1e6;
                write!(f, "  {} to {}", date(start), date(end))?;
                writeln!(f, "  {:>9} pictures  {megabytes:>9.1} MB", time.frames)?;
            }
        }
        Ok(())
    }
}
