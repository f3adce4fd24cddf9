//! `test`: a drawn picture that moves and tells the time, for trying things out without a camera.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use framecast_camera::{Camera, Captured, Frame, Frames, Layout, Result, Size, Stop};
use framecast_media::picture::TestCard;
use tz::{DateTime, TimeZone};

use super::{Scheme, pace::Pace};

const DEFAULT_SIZE: Size = Size::new(640, 480);
const DEFAULT_FPS: f64 = 25.0;

/// Seconds that the moving part takes to come round again.
const ROUND: f64 = 4.0;

pub(super) fn scheme() -> Scheme {
    Scheme::new(
        "test",
        "a moving test picture with a clock and a frame number",
        |request| {
            Ok(Test {
                name: request.name.clone(),
                size: request.size.unwrap_or(DEFAULT_SIZE),
                fps: request.fps.unwrap_or(DEFAULT_FPS),
            })
        },
    )
    .remote()
}

struct Test {
    name: String,
    size: Size,
    fps: f64,
}

impl Camera for Test {
    fn frames(&self) -> Frames {
        let (name, size, fps) = (self.name.clone(), self.size, self.fps);
        Frames::blocking(move |stop| {
            Ok(Show {
                card: TestCard::new(size.width, size.height, &name),
                clock: Clock::local(),
                pace: Pace::new(fps, Instant::now()),
                fps,
                stop,
            })
        })
    }
}

/// One picture after the other.
struct Show {
    card: TestCard,
    clock: Clock,
    pace: Pace,
    fps: f64,
    stop: Stop,
}

impl Iterator for Show {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.pace.wait(&self.stop)?;
        let captured = Captured::now();
        let phase = (number as f64 / self.fps / ROUND).fract();
        let picture = self
            .card
            .draw(&self.clock.text(captured.wall), number, phase);
        let size = Size::new(picture.width, picture.height);
        let rgb = Bytes::copy_from_slice(&picture.rgb);
        let frame = Frame::raw(Layout::Rgb24, size, 3 * size.width, rgb);
        Some(Ok(frame.captured_at(captured)))
    }
}

/// Tells the time of day where this machine stands.
struct Clock(TimeZone);

impl Clock {
    /// Local time, or UTC where the machine doesn't know its time zone.
    fn local() -> Self {
        Self(TimeZone::local().unwrap_or_else(|_| TimeZone::utc()))
    }

    /// As in `09:30:00.250`.
    fn text(&self, time: SystemTime) -> String {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        DateTime::from_timespec(seconds, 0, self.0.as_ref()).map_or_else(
            |_| String::new(),
            |time| {
                let (hour, minute, second) = (time.hour(), time.minute(), time.second());
                let milliseconds = since.subsec_millis();
                format!("{hour:02}:{minute:02}:{second:02}.{milliseconds:03}")
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_clock_tells_local_time_to_the_millisecond() {
        let zone = TimeZone::from_posix_tz("<+0530>-5:30").unwrap();
        let time = UNIX_EPOCH + Duration::from_millis(1_784_001_000_250);
        assert_eq!(Clock(zone).text(time), "09:20:00.250");
        assert_eq!(Clock(TimeZone::utc()).text(time), "03:50:00.250");
    }
}
