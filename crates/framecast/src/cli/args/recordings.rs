//! What is typed to look at recordings and to copy them.

use std::{path::PathBuf, time::Duration};

use clap::{Args as Group, Subcommand};

use crate::{config, export::Rate, playback::Moment};

/// What can be done with recordings.
#[derive(Clone, Debug, Subcommand)]
pub enum Recordings {
    /// List what was recorded: times without a gap
    List {
        /// Where they are
        #[command(flatten)]
        folder: Folder,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy a time of a camera to a file; a server may be recording there
    Export(Export),
    /// Make the index anew from the files, and complete files that break off; no server may be recording there
    Reindex {
        /// Where they are
        #[command(flatten)]
        folder: Folder,
    },
}

/// What is typed to copy a time of a camera to a file.
#[derive(Clone, Debug, Group)]
pub struct Export {
    /// The camera
    pub camera: String,
    /// From when: -5m before now, 2026-11-20T12:00:00Z, or seconds since 1970
    #[arg(
        long,
        value_name = "TIME",
        default_value = "-60s",
        allow_hyphen_values = true
    )]
    pub from: Moment,
    /// Until when [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<Moment>,
    /// Take one picture of each such time only: a time-lapse
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration)]
    pub every: Option<Duration>,
    /// Show so many pictures a second in a time-lapse [default: 30]
    #[arg(long, value_name = "NUMBER", requires = "every")]
    pub fps: Option<Rate>,
    /// Where to store it: a name that ends in .mp4 or .zip
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Where the recordings are
    #[command(flatten)]
    pub folder: Folder,
}

/// Which folder of recordings is meant.
#[derive(Clone, Debug, Group)]
pub struct Folder {
    /// The folder [default: that of the configuration]
    #[arg(
        long,
        value_name = "FOLDER",
        env = "FRAMECAST_RECORDINGS",
        hide_env_values = true
    )]
    pub recordings: Option<String>,
    /// The configuration that names it
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "FRAMECAST_CONFIG",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
}
