//! The store of recordings: segment files on disk, the index that finds things in them, and reading them back.
//!
//! The files are the truth: Matroska that every player opens, under `CAMERA/YYYY-MM-DD/HH-MM-SS.mmmZ.mkv`. The index is an
//! SQLite file beside them with a row for each, made anew from the files where it is missing or damaged.
//!
//! In reading order: [`Segment`], [`Span`] and [`Pin`] are what there is; [`Recordings`] is the store, whose `worker` thread
//! alone touches the index, with `shared` between its parts; [`Writer`] takes a camera's frames through a `queue` and writes `segment` files on a thread of its own; a
//! [`Cursor`] reads frames back, also from the file that still grows, [`Contents`] are those of one file; `repair` makes complete files of those that break
//! off; `retention` decides what has to go.
//!
//! # Order and time
//!
//! Segments have rising numbers in the order in which they were recorded, whatever the wall clock did meanwhile. Within a
//! segment the wall clock is that of its start plus the monotonic time since, to a tenth of a millisecond. A step of the
//! wall clock begins a new **run**, as does everything else that leaves a gap: a run is what was recorded without a break.
//!
//! # Blocking
//!
//! Everything here blocks for the disk. Async code goes through [`Recordings::read`].
//!
//! What does not belong here: cameras and when to record them (`sinks::recorder`), HTTP, other formats than the stored one.

mod clock;
mod contents;
mod cursor;
mod error;
mod files;
mod index;
mod listing;
mod look;
mod model;
mod queue;
mod repair;
mod retention;
mod segment;
mod shared;
mod store;
mod table;
mod worker;
mod writer;

#[cfg(test)]
mod tests;

pub use contents::Contents;
pub use cursor::{At, Cursor, Recorded};
pub use error::Error;
pub use listing::Listing;
pub use look::{look, segments};
pub use model::{Picture, Pin, Segment, Span};
pub use queue::{Progress, State};
pub use repair::{Report, reindex};
pub use retention::Limits;
pub use store::{Health, Recordings, Settings};
pub use writer::Writer;
