//! Matroska files of pictures: written frame by frame, read without looking at the pictures (RFC 9559).
//!
//! [`Muxer`] says which bytes go where in a file that grows with every frame and that a player opens at any moment, cut
//! off wherever it may be. [`Scanner`] goes from block to block of such a file, and finds the end of what is whole;
//! [`closing`] makes a complete file of it. [`Cue`]s are the table at the end of a complete file by which a frame is found
//! without a scan.
//!
//! Times are counted in ticks of [`TICK`] from the start of the file, whose wall clock is [`Head::start`].
//!
//! What doesn't belong here: files and their names, pictures' contents, and other people's Matroska: blocks with lacing,
//! encryption or compression are passed over.

mod ebml;
mod head;
mod mux;
mod scan;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use head::{Codec, Head, Track};
pub use mux::{Cue, LEAD, Lead, Muxer, Patch, closing};
pub use scan::{Block, Limits, NotMatroska, Scanner};

/// What a file's times are counted in. A block's time is 16 bits of ticks after its cluster's, so a tick of 0.1 ms, which
/// is finer than any camera's clock, still leaves clusters of three seconds.
pub const TICK: Duration = Duration::from_micros(100);

/// A time since the start of the file in ticks, rounded to the nearest.
pub fn ticks(time: Duration) -> u64 {
    let half = TICK.as_nanos() / 2;
    u64::try_from((time.as_nanos() + half) / TICK.as_nanos()).unwrap_or(u64::MAX)
}

/// The time that so many ticks are.
pub fn time(ticks: u64) -> Duration {
    const PER_SECOND: u64 = 1_000_000_000 / TICK.as_nanos() as u64;
    Duration::new(
        ticks / PER_SECOND,
        (ticks % PER_SECOND) as u32 * TICK.as_nanos() as u32,
    )
}
