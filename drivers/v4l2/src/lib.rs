//! Cameras of the Linux kernel: USB webcams, built-in cameras, grabbers, by Video4Linux2.
//!
//! In reading order:
//!
//! - [`V4l2`] is the camera; it is found anew by its name each time it is opened.
//! - `find` says which device node a name means; `device` is an open node, and what it can do.
//! - `format` chooses what suits a [`Wish`] best, without asking any device.
//! - `capture` reads the pictures; `clock` says when they were taken, `losses` which are missing.
//! - `control` lists and turns what can be turned on a device.
//! - `signal` follows what comes into a grabber.
//! - [`devices`] lists what is plugged in.
//! - `trouble` puts the kernel's errors in words.
//! - `kernel` has the calls and the shared memory: all that is unsafe.
//!
//! Source: <https://docs.kernel.org/userspace-api/media/v4l/v4l2.html>
//!
//! What does not belong here: decoding or encoding a picture, and retrying a camera that failed while it was open.

mod camera;
mod capture;
mod clock;
mod control;
mod device;
mod find;
mod format;
mod kernel;
mod list;
mod losses;
mod signal;
mod trouble;

pub use camera::{Memory, Setup, V4l2};
pub use device::Rates;
pub use find::Names;
pub use format::{FourCc, Wish};
pub use list::{Listed, ListedFormat, ListedSize, devices};
