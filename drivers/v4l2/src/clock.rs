//! From the kernel's timestamps to the program's clock.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// A frame that claims to be older than this when it comes has a wrong timestamp.
const OLDEST: Duration = Duration::from_secs(10);

/// Sets `CLOCK_MONOTONIC`, which drivers stamp frames with, beside [`Instant`].
#[derive(Debug)]
pub(crate) struct Clock {
    instant: Instant,
    kernel: Duration,
    newest: Option<Instant>,
}

impl Clock {
    /// Both clocks, read now.
    pub(crate) fn new() -> Self {
        let time = clock_gettime(ClockId::Monotonic);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
        Self::beside(Instant::now(), Duration::new(seconds, nanoseconds))
    }

    fn beside(instant: Instant, kernel: Duration) -> Self {
        Self {
            instant,
            kernel,
            newest: None,
        }
    }

    /// When a frame stamped `stamp` was taken; `now` where the stamp can't be true. It never goes back.
    pub(crate) fn moment(&mut self, stamp: Option<Duration>, now: Instant) -> Instant {
        let moment = stamp
            .and_then(|stamp| match stamp.checked_sub(self.kernel) {
                Some(later) => self.instant.checked_add(later),
                None => self.instant.checked_sub(self.kernel - stamp),
            })
            .filter(|moment| *moment <= now && now.duration_since(*moment) < OLDEST)
            .filter(|moment| self.newest.is_none_or(|newest| *moment >= newest))
            .unwrap_or(now);
        self.newest = Some(moment);
        moment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Duration = Duration::from_secs(1000);

    #[test]
    fn a_kernel_timestamp_becomes_the_moment_it_means() {
        let start = Instant::now();
        let mut clock = Clock::beside(start, UP);
        let now = start + Duration::from_millis(500);
        let stamp = UP + Duration::from_millis(460);
        assert_eq!(
            clock.moment(Some(stamp), now),
            start + Duration::from_millis(460)
        );
    }

    #[test]
    fn a_frame_may_be_taken_before_the_clocks_were_read() {
        let start = Instant::now();
        let mut clock = Clock::beside(start, UP);
        let stamp = UP - Duration::from_millis(40);
        assert_eq!(
            clock.moment(Some(stamp), start),
            start - Duration::from_millis(40)
        );
    }

    #[test]
    fn a_stamp_that_can_not_be_true_gives_the_time_of_arrival() {
        let start = Instant::now();
        let mut clock = Clock::beside(start, UP);
        let mut now = start;
        for wrong in [
            None,
            Some(Duration::ZERO),
            Some(UP * 2),
            Some(Duration::MAX),
        ] {
            now += Duration::from_millis(1);
            assert_eq!(clock.moment(wrong, now), now);
        }
    }

    #[test]
    fn time_never_goes_back() {
        let start = Instant::now();
        let mut clock = Clock::beside(start, UP);
        let now = start + Duration::from_secs(1);
        clock.moment(Some(UP + Duration::from_millis(900)), now);
        assert_eq!(
            clock.moment(Some(UP + Duration::from_millis(800)), now),
            now
        );
    }

    #[test]
    fn the_clocks_agree_on_this_machine() {
        let mut clock = Clock::new();
        let time = clock_gettime(ClockId::Monotonic);
        let stamp = Duration::new(time.tv_sec as u64, time.tv_nsec as u32);
        let now = Instant::now();
        let age = now.duration_since(clock.moment(Some(stamp), now));
        assert!(age < Duration::from_millis(200), "{age:?}");
    }
}
