//! Thins frames out to a rate.

use std::time::{Duration, Instant};

/// Says which frames to take so that at most so many a second come through, evenly spread.
///
/// Due times follow each other at the exact interval, so that 30 a second thinned to 15 is every second frame even though
/// frames jitter; after a gap the schedule starts anew.
#[derive(Clone, Debug)]
pub struct Pacer {
    interval: Duration,
    due: Option<Instant>,
}

impl Pacer {
    /// At most `fps` frames a second; `fps` is finite and above zero.
    pub fn new(fps: f64) -> Self {
        Self {
            interval: Duration::try_from_secs_f64(1.0 / fps).unwrap_or(Duration::MAX),
            due: None,
        }
    }

    /// Whether the frame that came at `now` is to be taken.
    pub fn take(&mut self, now: Instant) -> bool {
        // A frame that comes a little early is the one that was meant.
        let slack = self.interval / 4;
        match self.due {
            Some(due) if now.checked_add(slack).is_some_and(|now| now < due) => false,
            Some(due) if now.saturating_duration_since(due) < self.interval => {
                self.due = due.checked_add(self.interval);
                true
            }
            _ => {
                self.due = now.checked_add(self.interval);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(fps: f64, times: impl Iterator<Item = Duration>) -> Vec<Duration> {
        let start = Instant::now();
        let mut pacer = Pacer::new(fps);
        times.filter(|time| pacer.take(start + *time)).collect()
    }

    #[test]
    fn half_the_rate_is_every_second_frame_in_spite_of_jitter() {
        let times = (0..300u64)
            .map(|n| Duration::from_micros(n * 33_333 + if n % 3 == 0 { 5_000 } else { 0 }));
        assert_eq!(taken(15.0, times).len(), 150);
    }

    #[test]
    fn a_slow_camera_is_not_thinned() {
        let times = (0..20u64).map(Duration::from_secs);
        assert_eq!(taken(5.0, times).len(), 20);
    }

    #[test]
    fn a_gap_is_not_made_up_for() {
        let burst = |from: u64| (0..100u64).map(move |n| Duration::from_millis(from + n * 10));
        let all = taken(10.0, burst(0).chain(burst(60_000)));
        assert!(all.len() <= 22, "{}", all.len());
    }

    proptest! {
        #[test]
        fn never_more_than_the_rate(fps in 0.1f64..100.0, gaps in prop::collection::vec(0u64..50_000, 1..400)) {
            let mut at = Duration::ZERO;
            let times: Vec<_> = gaps.iter().map(|gap| { at += Duration::from_micros(*gap); at }).collect();
            let end = at.as_secs_f64();
            let count = taken(fps, times.into_iter()).len() as f64;
            prop_assert!(count <= end * fps + 2.0, "{count} in {end} s at {fps}");
        }
    }
}
