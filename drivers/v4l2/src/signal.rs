//! What comes into a grabber: its picture changes in size when the source does, and ends when the cable is pulled.
//!
//! Source: <https://docs.kernel.org/userspace-api/media/v4l/dv-timings.html>

use std::{io, os::fd::AsFd};

use framecast_camera::{Error, ErrorKind, Result, Size};
use rustix::io::Errno;

use crate::{
    device::Device,
    kernel::{Plain, abi, call},
};

impl Device {
    /// Takes over the timings of what comes in, and returns its size; `None` if the device is no such grabber.
    ///
    /// # Errors
    /// [`ErrorKind::NoSignal`] if nothing comes in that can be shown.
    pub(crate) fn follow_source(&self) -> Result<Option<Size>> {
        let mut timings = abi::Timings::zero();
        if let Err(error) = call::query_timings(self.as_fd(), &mut timings) {
            return match silence(&error) {
                Some(why) => {
                    let message = format!("{} ({}): {why}", self.path().display(), self.card);
                    Err(Error::new(ErrorKind::NoSignal, message))
                }
                None => Ok(None),
            };
        }
        let set = call::set_timings(self.as_fd(), &mut timings);
        self.told("follow its source", set)?;
        let mut wanted = abi::EventSubscription::zero();
        wanted.kind = abi::EVENT_SOURCE_CHANGE;
        if let Err(error) = call::subscribe(self.as_fd(), &mut wanted) {
            tracing::debug!("{} tells no changes: {error}", self.path().display());
        }
        Ok(Some(Size::new(timings.width, timings.height)))
    }

    /// Takes the news that wait, and says whether the source is another now.
    pub(crate) fn source_changed(&self) -> bool {
        let mut changed = false;
        let mut event = abi::Event::zero();
        while call::next_event(self.as_fd(), &mut event).is_ok() {
            changed |= event.kind == abi::EVENT_SOURCE_CHANGE;
        }
        changed
    }
}

/// Why there is nothing to show, if that is what the error says.
fn silence(error: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(error)? {
        Errno::NOLINK => Some("nothing is plugged into it, or it is off"),
        Errno::NOLCK => Some("what comes in is not stable"),
        Errno::RANGE => Some("what comes in has a size or rate that it can't take"),
        _ => None,
    }
}
