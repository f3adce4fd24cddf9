//! The command line: what may be typed, and what each command does.
//!
//! What does not belong here: the server itself (`server`), and what settings mean (`config`).

mod access;
mod args;
mod cameras;
mod export;
mod log;
mod probe;
#[cfg(feature = "opencv")]
mod quiet;
mod recordings;
mod run;
mod snapshot;

pub use args::{Args, Command, Export, Folder, Probe, Recordings, Serve, Snapshot};
pub use run::run;
