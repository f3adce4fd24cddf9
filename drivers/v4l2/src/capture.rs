//! Pictures out of a device, as the kernel fills the buffers it shares.

use std::{
    collections::VecDeque,
    io,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use framecast_camera::{
    Captured, Error, ErrorKind, Format, Frame, Given, Range, Result, Size, Stop,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    clock::Clock,
    device::Device,
    format::{FourCc, Wish},
    kernel::{Mapping, Plain, abi, call},
    losses::Losses,
    trouble,
};

/// Buffers to share: one being filled, one being read, and two for a moment in which this process gets no processor.
const BUFFERS: u32 = 4;
/// How soon a stop is noticed while no picture comes.
const STOP_NOTICED: Duration = Duration::from_millis(100);

/// A device that is giving pictures. Dropping it stops and closes the device.
#[derive(Debug)]
pub(crate) struct Capture {
    // The buffers go before the device that they belong to.
    buffers: Vec<Mapping>,
    device: Device,
    format: Format,
    size: Size,
    pub(crate) given: Given,
    clock: Clock,
    losses: Losses,
    /// Another size or none at all comes in now: it has to be opened anew.
    pub(crate) outdated: bool,
    ready: VecDeque<Frame>,
}

impl Capture {
    /// Sets the device to what suits the wish best and starts it.
    pub(crate) fn start(device: Device, wish: &Wish) -> Result<Self> {
        let offers = device.offers(wish);
        let Some(best) = wish.choose(&offers) else {
            return Err(unusable(&device, wish));
        };
        let pixels = device.set_format(best.format, best.size)?;
        let format = FourCc(pixels.pixelformat);
        let size = Size::new(pixels.width, pixels.height);
        let Some(usable) = format.format(stride(format, &pixels), range(format, &pixels)) else {
            return Err(unusable(&device, wish));
        };
        let rate = wish.rate(&best.rates).or(wish.fps);
        let given = Given {
            format: format.to_string(),
            size,
            fps: rate.and_then(|fps| device.set_rate(fps)).or(rate),
        };
        let mut capture = Self {
            buffers: Vec::new(),
            clock: Clock::new(),
            losses: Losses::new(Instant::now()),
            device,
            outdated: false,
            format: usable,
            size,
            given,
            ready: VecDeque::new(),
        };
        capture.share()?;
        let mut kind = abi::VIDEO_CAPTURE as i32;
        let started = call::stream_on(capture.device.as_fd(), &mut kind);
        capture.device.told("start", started)?;
        Ok(capture)
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// Has the kernel make buffers, maps them and hands them over to be filled.
    fn share(&mut self) -> Result<()> {
        let device = &self.device;
        let mut request = abi::RequestBuffers::zero();
        (request.count, request.kind, request.memory) =
            (BUFFERS, abi::VIDEO_CAPTURE, abi::MEMORY_MMAP);
        device.told(
            "share its buffers",
            call::request_buffers(device.as_fd(), &mut request),
        )?;
        for index in 0..request.count {
            let mut buffer = blank(index);
            let mapped = call::query_buffer(device.as_fd(), &mut buffer)
                .and_then(|()| Mapping::new(device.as_fd(), buffer.place.offset, buffer.length))
                .and_then(|mapping| {
                    call::queue(device.as_fd(), &mut buffer)?;
                    Ok(mapping)
                });
            self.buffers.push(device.told("share its buffers", mapped)?);
        }
        if self.buffers.is_empty() {
            let message = format!("{} has no buffers to share", device.path().display());
            return Err(Error::new(ErrorKind::Broken, message));
        }
        Ok(())
    }

    /// The next picture; `None` if it should stop, or is outdated.
    pub(crate) fn next(&mut self, stop: &Stop) -> Option<Result<Frame>> {
        loop {
            if stop.is_requested() {
                return None;
            }
            let now = Instant::now();
            self.losses.report(stop, self.device.path(), now);
            if let Some(frame) = self.ready.pop_front() {
                return Some(Ok(frame));
            }
            if let Err(error) = self.wait() {
                return Some(Err(trouble::reading(self.device.path(), error)));
            }
            if self.outdated {
                return None;
            }
        }
    }

    /// Waits for a moment and takes what has been filled by then.
    fn wait(&mut self) -> io::Result<()> {
        let mut watched = [PollFd::new(&self.device, PollFlags::IN | PollFlags::PRI)];
        let limit = Timespec::try_from(STOP_NOTICED).map_err(io::Error::other)?;
        match poll(&mut watched, Some(&limit)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let seen = watched[0].revents();
        if seen.contains(PollFlags::PRI) && self.device.source_changed() {
            self.outdated = true;
            return Ok(());
        }
        let failed = seen.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL);
        let filled = self.dequeue()?;
        if filled.is_empty() && failed {
            // There is nothing to wait for any more, and the kernel doesn't say why.
            return Err(rustix::io::Errno::IO.into());
        }
        let now = Instant::now();
        // With every buffer full the device had to stop: what waited is old, and only the newest still worth showing.
        let late = filled.len() == self.buffers.len() && filled.len() > 1;
        let skipped = if late { filled.len() - 1 } else { 0 };
        self.losses.missed(skipped as u64);
        for (number, mut buffer) in filled.into_iter().enumerate() {
            if number >= skipped {
                self.take(&buffer, now);
            }
            call::queue(self.device.as_fd(), &mut buffer)?;
        }
        Ok(())
    }

    /// All buffers that are filled, the oldest first.
    fn dequeue(&self) -> io::Result<Vec<abi::Buffer>> {
        let mut filled = Vec::new();
        while filled.len() < self.buffers.len() {
            let mut buffer = blank(0);
            match call::dequeue(self.device.as_fd(), &mut buffer) {
                Ok(()) => filled.push(buffer),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Copies a picture out of its buffer, if it is sound.
    fn take(&mut self, buffer: &abi::Buffer, now: Instant) {
        self.losses.follow(buffer.sequence);
        if buffer.flags & abi::BUF_FLAG_ERROR != 0 || buffer.bytesused == 0 {
            self.losses.damaged();
            return;
        }
        let Some(mapping) = self.buffers.get(buffer.index as usize) else {
            return;
        };
        let data = mapping.copy(buffer.bytesused as usize);
        let frame = match self.format {
            Format::Raw {
                layout,
                stride,
                range,
            } => Frame::raw(layout, self.size, stride, data).of_range(range),
            _ => Frame::jpeg(data),
        };
        let moment = self.clock.moment(stamp(buffer), now);
        self.ready
            .push_back(frame.captured_at(Captured::at(moment)));
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let mut kind = abi::VIDEO_CAPTURE as i32;
        if let Err(error) = call::stream_off(self.device.as_fd(), &mut kind) {
            // So it is with one that was unplugged.
            tracing::debug!("{} can't be stopped: {error}", self.device.path().display());
        }
    }
}

fn blank(index: u32) -> abi::Buffer {
    abi::Buffer {
        index,
        kind: abi::VIDEO_CAPTURE,
        memory: abi::MEMORY_MMAP,
        ..abi::Buffer::zero()
    }
}

/// When the buffer was filled by `CLOCK_MONOTONIC`, if it is that clock's time.
fn stamp(buffer: &abi::Buffer) -> Option<Duration> {
    if buffer.flags & abi::BUF_FLAG_TIMESTAMP_MASK != abi::BUF_FLAG_TIMESTAMP_MONOTONIC {
        return None;
    }
    let seconds = u64::try_from(buffer.timestamp.seconds).ok()?;
    let microseconds = u64::try_from(buffer.timestamp.microseconds).ok()?;
    Duration::from_secs(seconds).checked_add(Duration::from_micros(microseconds))
}

/// Bytes from row to row: what the driver says, or no gap if it says nothing.
fn stride(format: FourCc, pixels: &abi::Pixels) -> u32 {
    match pixels.bytesperline {
        0 => format.row(pixels.width),
        stride => stride,
    }
}

/// Which values the samples take.
///
/// Source: <https://docs.kernel.org/userspace-api/media/v4l/colorspaces-defs.html>
fn range(format: FourCc, pixels: &abi::Pixels) -> Range {
    match pixels.quantization {
        abi::QUANTIZATION_FULL => Range::Full,
        abi::QUANTIZATION_LIMITED => Range::Limited,
        _ => format.usual_range(pixels.colorspace == abi::COLORSPACE_JPEG),
    }
}

fn unusable(device: &Device, wish: &Wish) -> Error {
    let formats: Vec<String> = device.formats().iter().map(|f| f.0.to_string()).collect();
    let has = if formats.is_empty() {
        "none".to_owned()
    } else {
        formats.join(", ")
    };
    let (kind, wanted) = match wish.format {
        Some(format) => (ErrorKind::Invalid, format!("doesn't give {format}")),
        None => (
            ErrorKind::Unsupported,
            "gives no pixel format that can be used".to_owned(),
        ),
    };
    let path = device.path().display();
    Error::new(kind, format!("{path} {wanted}; it has {has}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_what_the_driver_says_or_else_the_kernels_rule() {
        let range = |format: &str, quantization, colorspace| {
            let mut pixels = abi::Pixels::zero();
            (pixels.quantization, pixels.colorspace) = (quantization, colorspace);
            range(format.parse().unwrap(), &pixels)
        };
        let srgb = 8;
        for (quantization, expected) in [(1, Range::Full), (2, Range::Limited)] {
            for format in ["YUYV", "NV12", "GREY", "RGB3"] {
                assert_eq!(range(format, quantization, srgb), expected, "{format}");
                assert_eq!(range(format, quantization, abi::COLORSPACE_JPEG), expected);
            }
        }
        assert_eq!(range("YUYV", 0, srgb), Range::Limited);
        assert_eq!(range("YU12", 0, 0), Range::Limited);
        assert_eq!(range("YUYV", 0, abi::COLORSPACE_JPEG), Range::Full);
        assert_eq!(range("RGB3", 0, srgb), Range::Full);
        assert_eq!(range("GREY", 0, srgb), Range::Full);
    }

    #[test]
    fn only_monotonic_timestamps_are_believed() {
        let mut buffer = blank(0);
        buffer.timestamp = abi::Time {
            seconds: 7,
            microseconds: 250_000,
        };
        assert_eq!(stamp(&buffer), None);
        buffer.flags = abi::BUF_FLAG_TIMESTAMP_MONOTONIC;
        assert_eq!(stamp(&buffer), Some(Duration::from_millis(7250)));
        buffer.timestamp.seconds = -1;
        assert_eq!(stamp(&buffer), None);
    }
}
