//! What is typed to look at a camera or a stream once.

use std::{path::PathBuf, time::Duration};

use clap::{Args as Group, value_parser};
use framecast_camera::Size;

use crate::config;

/// What is typed to take one picture.
#[derive(Clone, Group)]
pub struct Snapshot {
    /// The camera, written like `framecast serve --camera` wants it, as in http://192.168.1.20/video
    pub source: String,
    /// Where to store the picture; `-` is the standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Give up after so long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = config::parse_duration)]
    pub timeout: Duration,
    /// Ask for a picture of this size, as in 640x480
    #[arg(long, value_parser = config::parse_size)]
    pub size: Option<Size>,
    /// Make a JPEG of this quality, from 1 to 100
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u8).range(1..=100))]
    pub quality: Option<u8>,
}

/// What is typed to measure a stream.
#[derive(Clone, Group)]
pub struct Probe {
    /// The address of the stream, as in http://127.0.0.1:5000/video_feed
    pub url: String,
    /// Stop after this many seconds
    #[arg(long, value_name = "NUMBER", default_value = "10", value_parser = seconds)]
    pub seconds: Duration,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// A number of seconds above zero; a day at most.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86400.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("must be a number above zero, and a day at most".to_owned()),
    }
}
