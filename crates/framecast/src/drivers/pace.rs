//! Keeps the time of drivers that make their own frames: by absolute deadlines, so that nothing adds up.

use std::time::{Duration, Instant};

use framecast_camera::Stop;

/// The longest sleep between two looks at a [`Stop`].
const NAP: Duration = Duration::from_millis(100);

/// Deadlines at a steady rate. After a stall the missed ones are skipped; what comes next falls on the same grid.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    fps: f64,
    /// Number of the deadline that comes next.
    next: u64,
}

impl Pace {
    /// The first deadline is `start` itself.
    pub(super) fn new(fps: f64, start: Instant) -> Self {
        Self {
            start,
            fps,
            next: 0,
        }
    }

    /// The number and the time of the next deadline that isn't missed at `now`, which is then used up.
    pub(super) fn tick(&mut self, now: Instant) -> (u64, Instant) {
        let elapsed = now.saturating_duration_since(self.start).as_secs_f64();
        // Whole intervals that have gone by. The deadline that begins the current one still counts: it is only just late.
        let current = (elapsed * self.fps) as u64;
        let tick = self.next.max(current);
        self.next = tick + 1;
        (tick, self.at(tick))
    }

    /// Sleeps until the next deadline and returns its number; `None` once a stop is requested.
    pub(super) fn wait(&mut self, stop: &Stop) -> Option<u64> {
        let (tick, deadline) = self.tick(Instant::now());
        loop {
            if stop.is_requested() {
                return None;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Some(tick);
            }
            std::thread::sleep(left.min(NAP));
        }
    }

    fn at(&self, tick: u64) -> Instant {
        let after = Duration::try_from_secs_f64(tick as f64 / self.fps).unwrap_or(Duration::MAX);
        // A rate so slow that its next deadline can't be expressed has none for a day.
        self.start
            .checked_add(after)
            .unwrap_or_else(|| self.start + Duration::from_secs(24 * 60 * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_million_frames_later_the_rate_is_still_exact() {
        let start = Instant::now();
        let mut pace = Pace::new(30.0, start);
        let mut last = start;
        for _ in 0..=900_000 {
            last = pace.tick(last).1;
        }
        let off = last.duration_since(start).abs_diff(30_000 * SECOND);
        assert!(off < Duration::from_micros(100), "{off:?}");
    }

    #[test]
    fn frames_missed_in_a_stall_are_skipped_and_do_not_come_in_a_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0, start);
        assert_eq!(pace.tick(start).0, 0);
        let woken = start + 5 * SECOND + SECOND / 20;
        assert_eq!(pace.tick(woken).0, 50);
        let (tick, deadline) = pace.tick(woken);
        assert_eq!(tick, 51);
        assert!(deadline > woken);
    }

    #[test]
    fn a_frame_that_is_only_just_late_is_not_skipped() {
        let start = Instant::now();
        let mut pace = Pace::new(10.0, start);
        pace.tick(start);
        let (tick, deadline) = pace.tick(start + SECOND / 10 + SECOND / 1000);
        assert_eq!(tick, 1);
        assert!(deadline.duration_since(start).abs_diff(SECOND / 10) < Duration::from_micros(1));
    }

    #[test]
    fn the_slowest_rate_there_is_does_not_overflow() {
        let start = Instant::now();
        let mut pace = Pace::new(f64::MIN_POSITIVE, start);
        pace.tick(start);
        assert!(pace.tick(start).1 > start);
    }
}
