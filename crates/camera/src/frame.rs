use std::{
    fmt,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;

/// One picture of a camera, as the driver got it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Frame {
    /// The picture: a JPEG, or rows of pixels. Shared, not copied, by every clone.
    pub data: Bytes,
    /// What the bytes are.
    pub format: Format,
    /// Width and height; `None` for a JPEG whose header has not been read yet.
    pub size: Option<Size>,
    /// When the picture was taken.
    pub captured: Captured,
}

/// What the bytes of a [`Frame`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A JPEG picture, passed on as it came.
    Jpeg,
    /// Uncompressed pixels, which the hub encodes.
    Raw {
        /// The order of the samples.
        layout: Layout,
        /// Bytes from the start of one row to the start of the next, in the first plane.
        stride: u32,
        /// Which values the samples take.
        range: Range,
    },
}

/// How uncompressed pixels lie in memory. Planes follow each other as in V4L2's single-planar formats; chroma of the
/// planar 4:2:0 layouts has half the stride of luma, interleaved chroma the same.
///
/// Source: <https://docs.kernel.org/userspace-api/media/v4l/pixfmt.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// 4:2:2, packed Y U Y V.
    Yuyv,
    /// 4:2:2, packed U Y V Y.
    Uyvy,
    /// 4:2:0, Y plane, then U and V interleaved.
    Nv12,
    /// 4:2:0, Y plane, then V and U interleaved.
    Nv21,
    /// 4:2:0, planes Y, U, V (V4L2's YU12).
    I420,
    /// 4:2:0, planes Y, V, U.
    Yv12,
    /// 24 bit, R G B.
    Rgb24,
    /// 24 bit, B G R.
    Bgr24,
    /// 8 bit luma only.
    Grey,
}

/// Which values the samples of uncompressed pixels take.
///
/// Source: <https://docs.kernel.org/userspace-api/media/v4l/colorspaces-defs.html>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Range {
    /// 0 is black and 255 is white.
    #[default]
    Full,
    /// 16 is black and 235 is white, and colour differences go from 16 to 240: the range of video, which webcams use too.
    Limited,
}

/// Width and height of a picture in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// The moment a picture was taken, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured {
    /// On the monotonic clock: what ages and intervals are reckoned from.
    pub monotonic: Instant,
    /// On the wall clock: what a person is shown.
    pub wall: SystemTime,
}

impl Frame {
    /// A JPEG, taken now.
    pub fn jpeg(data: impl Into<Bytes>) -> Self {
        Self {
            data: data.into(),
            format: Format::Jpeg,
            size: None,
            captured: Captured::now(),
        }
    }

    /// Uncompressed pixels of full range, taken now. `stride` is in bytes; the hub refuses a frame whose data is too short
    /// for it.
    pub fn raw(layout: Layout, size: Size, stride: u32, data: impl Into<Bytes>) -> Self {
        Self {
            data: data.into(),
            format: Format::Raw {
                layout,
                stride,
                range: Range::Full,
            },
            size: Some(size),
            captured: Captured::now(),
        }
    }

    /// The same picture, whose samples take the values of `range`. A JPEG always has the full range.
    #[must_use]
    pub fn of_range(mut self, values: Range) -> Self {
        if let Format::Raw { range, .. } = &mut self.format {
            *range = values;
        }
        self
    }

    /// The same picture with the time that the device says it was taken.
    #[must_use]
    pub fn captured_at(mut self, captured: Captured) -> Self {
        self.captured = captured;
        self
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("format", &self.format)
            .field("size", &self.size)
            .field("bytes", &self.data.len())
            .field("captured", &self.captured)
            .finish()
    }
}

impl Size {
    /// `width` by `height` pixels.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }
}

/// As people write it: `640x480`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no size: write WIDTHxHEIGHT, as in 640x480");
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
        let side = |digits: &str| match digits.parse() {
            Ok(pixels @ 1..=65_535) => Ok(pixels),
            _ => Err(wrong()),
        };
        Ok(Self::new(side(width)?, side(height)?))
    }
}

impl Captured {
    /// This moment.
    pub fn now() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// A moment known on the monotonic clock only, such as a kernel timestamp.
    pub fn at(monotonic: Instant) -> Self {
        let now = Self::now();
        let wall = match now.monotonic.checked_duration_since(monotonic) {
            Some(age) => now.wall.checked_sub(age),
            None => now
                .wall
                .checked_add(monotonic.duration_since(now.monotonic)),
        };
        Self {
            monotonic,
            wall: wall.unwrap_or(now.wall),
        }
    }

    /// How long ago that was at `now`; zero if it lies ahead.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.monotonic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_as_it_is_written() {
        let size: Size = "640x480".parse().unwrap();
        assert_eq!(size, Size::new(640, 480));
        assert_eq!(size.to_string(), "640x480");
    }

    #[test]
    fn a_bad_size_says_how_to_write_one() {
        for text in ["", "640", "0x480", "640x", "x", "65536x1", "-1x3"] {
            let error = text.parse::<Size>().unwrap_err();
            assert!(error.contains("640x480"), "{error}");
        }
    }

    #[test]
    fn a_kernel_timestamp_gets_the_wall_clock_of_its_moment() {
        let now = Captured::now();
        let earlier = Captured::at(now.monotonic - Duration::from_secs(2));
        let between = now.wall.duration_since(earlier.wall).unwrap();
        assert!(between.abs_diff(Duration::from_secs(2)) < Duration::from_millis(100));
    }
}
