//! Recordings played back, as cameras: whoever watches goes back in time on the connection they have.
//!
//! A [`Session`] has a feed of its own, whose camera reads the archive at the pace at which it was recorded, times a speed, or
//! passes on what the camera itself shows. Viewers, variants, limits and counters are the hub's, as for every other camera.
//!
//! In reading order: `ask` reads what may be asked for; [`Transport`] is where a session stands and how it moves, without
//! clock or disk; `shot` is a picture and `reel` finds them in the archive; `deck` is what a session shows now; `camera` plays it; [`Session`] is
//! what may be done to it; [`Sessions`] are all of them; [`still`](still()) is one picture without a session.
//!
//! # What holds
//!
//! - No live frame waits for a session: it subscribes to the camera as everybody does.
//! - A slow disk makes no slow motion: what comes too late is left out and counted.
//! - The disk is read on blocking threads, one read at a time for each session and one for what is asked of it.
//! - What counts is the order of recording. Gaps are leapt over, and what comes behind the end of the archive is live.
//! - While nobody watches, a session stands still.
//!
//! What does not belong here: HTTP, and what is in the files (`recordings`).

mod ask;
mod camera;
mod deck;
mod reel;
mod session;
mod sessions;
mod shot;
mod still;
mod transport;

#[cfg(test)]
mod tests;

pub use ask::{Id, Moment, Shift, Speed};
pub use session::{Change, Refused, Session, Status, To};
pub use sessions::{Figures, Name, Sessions};
pub use still::{Still, Unseen, still};
pub use transport::{Position, Transport};
