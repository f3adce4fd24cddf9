//! How long to wait before a lost camera is opened again.

use std::time::Duration;

use framecast_camera::Retry;

/// Pauses that double from a quarter of a second to two, so that a camera that is plugged in again is back soon.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(2);
    /// Where only a person can help.
    const SLOW: Duration = Duration::from_secs(15);

    /// The pause after one more failure; `None` if trying again is of no use.
    pub(super) fn pause(&mut self, retry: Retry) -> Option<Duration> {
        let pause = match retry {
            Retry::Soon => Self::LONGEST.min(Self::FIRST * 2u32.pow(self.failures.min(8))),
            Retry::Slowly => Self::SLOW,
            Retry::Never => return None,
        };
        self.failures += 1;
        Some(pause)
    }

    /// The camera has run well for a while.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_two_seconds_and_start_anew_after_success() {
        let mut backoff = Backoff::default();
        let mut pause = || backoff.pause(Retry::Soon).unwrap().as_millis();
        assert_eq!(
            [pause(), pause(), pause(), pause(), pause()],
            [250, 500, 1000, 2000, 2000]
        );
        backoff.reset();
        assert_eq!(backoff.pause(Retry::Soon), Some(Backoff::FIRST));
    }

    #[test]
    fn what_can_never_work_is_not_tried_again() {
        assert_eq!(Backoff::default().pause(Retry::Never), None);
    }
}
