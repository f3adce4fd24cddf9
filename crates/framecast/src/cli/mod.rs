//! The command line: what may be typed, and how it is told.

mod args;

pub use args::{Args, Command, Probe, Serve, Snapshot};
