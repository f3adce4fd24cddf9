//! What takes frames: each sink subscribes to feeds and yields the bytes that its viewers understand.
//!
//! What does not belong here: HTTP. A sink knows neither requests nor sockets, so that each can be tested, and reused, as a
//! plain stream of bytes.

mod adaptive;
mod ladder;
pub mod mjpeg;
pub mod multiplex;
pub mod recorder;
pub mod snapshot;
