//! One viewer as a process of its own, so that it can be in another network namespace.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use clap::Args;

use crate::load::{Single, Target};

/// How often a slow reader reads.
const TURN: Duration = Duration::from_millis(10);

/// What it watches, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct Watch {
    /// The server
    #[arg(long)]
    address: SocketAddr,
    /// The camera
    #[arg(long)]
    path: String,
    /// How long
    #[arg(long)]
    seconds: f64,
    /// Bytes that are read in a second; as many as there are if it isn't said
    #[arg(long)]
    reads: Option<u32>,
    /// Bytes that the kernel is told to hold for it
    #[arg(long)]
    holds: Option<usize>,
}

/// Writes the age of each frame in microseconds, one a line.
pub(crate) fn run(watch: &Watch) -> Result<()> {
    let target = Target {
        address: watch.address,
        paths: vec![watch.path.clone()],
    };
    let mut viewer = Single::holding(&target, watch.holds)?;
    let mut out = io::stdout().lock();
    let begun = Instant::now();
    let mut turn = begun;
    while begun.elapsed().as_secs_f64() < watch.seconds {
        match watch.reads {
            None => {
                viewer.read(usize::MAX)?;
            }
            Some(rate) => {
                turn += TURN;
                thread::sleep(turn.saturating_duration_since(Instant::now()));
                viewer.read(rate as usize / 100)?;
            }
        }
        for sample in viewer.samples() {
            if let Some((_, age)) = sample.frame {
                writeln!(out, "{}", age.as_micros())?;
            }
        }
    }
    Ok(())
}
