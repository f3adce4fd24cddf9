//! The driver contract of framecast: the one crate that the author of a camera driver compiles against.
//!
//! In reading order:
//!
//! - [`Camera`] is what a driver implements: one method, [`Camera::frames`].
//! - [`Frames`] says how the frames are made: by a [blocking](Frames::blocking) iterator on a thread of its own, or by an
//!   asynchronous [stream](Frames::stream). [`Running`] is the same once it is open.
//! - [`Frame`] is one picture: its bytes, [`Format`], [`Size`] and the time it was [`Captured`].
//! - [`Given`] is what a device really gives, for a driver that knows it.
//! - [`Controls`] are brightness, focus and the like, for a camera that has such.
//! - [`Error`] says what went wrong, and its [`ErrorKind`] whether trying again may help.
//! - [`conformance`] checks a finished driver.
//!
//! A whole driver:
//!
//! ```
//! use framecast_camera::{Camera, Frame, Frames};
//!
//! struct Still(bytes::Bytes);
//!
//! impl Camera for Still {
//!     fn frames(&self) -> Frames {
//!         let jpeg = self.0.clone();
//!         Frames::blocking(move |_stop| {
//!             Ok(std::iter::repeat_with(move || {
//!                 std::thread::sleep(std::time::Duration::from_millis(100));
//!                 Ok(Frame::jpeg(jpeg.clone()))
//!             }))
//!         })
//!     }
//! }
//! ```
//!
//! What does not belong here: retrying, sharing, pacing, encoding, limits and metrics. A driver opens its device, yields
//! frames and reports errors; everything else is written once, in the server's hub.

mod controls;
mod error;
mod frame;
mod frames;
mod given;
mod stop;

pub mod conformance;

pub use controls::{Control, ControlKind, Controls, Setting};
pub use error::{Error, ErrorKind, Result, Retry};
pub use frame::{Captured, Format, Frame, Layout, Range, Size};
pub use frames::{Frames, Running};
pub use given::Given;
pub use stop::{Lost, Stop};

/// A source of frames that can be opened, closed and opened again.
///
/// A value describes the camera; it holds no open device. It may be asked for frames again after an earlier [`Frames`]
/// was dropped and its device closed, and is never asked for two at once.
pub trait Camera: Send + Sync + 'static {
    /// Opens the device and returns its frames. Dropping them closes it.
    ///
    /// Cheap and immediate: the opening itself happens inside the returned [`Frames`], so that a slow or hanging device
    /// holds up nobody else.
    fn frames(&self) -> Frames;

    /// What it gave when it was opened last; `None` before that, and for a driver that doesn't know.
    fn given(&self) -> Option<Given> {
        None
    }

    /// What can be turned on it while it runs; `None` for most.
    fn controls(&self) -> Option<&dyn Controls> {
        None
    }
}
