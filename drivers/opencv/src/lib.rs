//! Whatever OpenCV opens as a camera of framecast: devices, video files, network addresses.
//!
//! In reading order:
//!
//! - [`Target`] is what to open, and what the file system says of it when OpenCV can't.
//! - [`Wish`] is what is asked of it, and [`OpenCv`] the camera.
//! - `capture` is an open one; `play` reads its pictures: as they come, or a film at its own speed.
//! - `pixels` makes a frame of OpenCV's matrix, without a copy.
//!
//! Source: <https://docs.opencv.org/4.6.0/d8/dfe/classcv_1_1VideoCapture.html>
//!
//! What does not belong here: work on the pictures, encoding them, and opening a camera again that failed.

mod camera;
mod capture;
mod pixels;
mod play;
mod target;

pub use camera::OpenCv;
pub use capture::{Backend, FourCc, Wish};
pub use target::Target;
