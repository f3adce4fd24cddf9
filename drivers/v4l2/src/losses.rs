//! Pictures that never arrive: told to the reader at once, and to the log now and then.

use std::{
    mem,
    path::Path,
    time::{Duration, Instant},
};

/// How often the log tells of losses.
const TOLD: Duration = Duration::from_secs(10);
/// A larger gap is no gap but a counter that started anew.
const LARGEST_GAP: u32 = 1000;

use framecast_camera::Stop;

/// What was lost since the log told of it.
#[derive(Debug)]
pub(crate) struct Losses {
    last: Option<u32>,
    missed: u64,
    damaged: u64,
    /// What of it the reader was told.
    told: (u64, u64),
    since: Instant,
}

impl Losses {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            last: None,
            missed: 0,
            damaged: 0,
            told: (0, 0),
            since: now,
        }
    }

    /// Sees a picture's number: what lies between it and the last was lost. A counter that wraps or starts anew is harmless.
    pub(crate) fn follow(&mut self, sequence: u32) {
        if let Some(last) = self.last.replace(sequence) {
            let gap = sequence.wrapping_sub(last).wrapping_sub(1);
            if gap < LARGEST_GAP {
                self.missed += u64::from(gap);
            }
        }
    }

    /// Pictures came too late to be read; the next number will not show it.
    pub(crate) fn missed(&mut self, pictures: u64) {
        if pictures > 0 {
            self.missed += pictures;
            self.last = None;
        }
    }

    /// A picture came that the device itself says is wrong.
    pub(crate) fn damaged(&mut self) {
        self.damaged += 1;
    }

    /// Tells the reader what is new, and the log, if there is anything to tell and it is time.
    pub(crate) fn report(&mut self, stop: &Stop, device: &Path, now: Instant) {
        let (missed, damaged) = mem::replace(&mut self.told, (self.missed, self.damaged));
        stop.missed(self.missed - missed);
        stop.damaged(self.damaged - damaged);
        if self.missed + self.damaged > 0 && now.duration_since(self.since) >= TOLD {
            tracing::warn!(
                "{}: {} pictures missing and {} damaged in {:.0?}",
                device.display(),
                self.missed,
                self.damaged,
                now.duration_since(self.since),
            );
            (self.missed, self.damaged, self.told, self.since) = (0, 0, (0, 0), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missed(sequence: &[u32]) -> u64 {
        let mut losses = Losses::new(Instant::now());
        for &number in sequence {
            losses.follow(number);
        }
        losses.missed
    }

    #[test]
    fn a_gap_in_the_numbers_is_noticed() {
        assert_eq!(missed(&[7, 8, 11, 12]), 2);
    }

    #[test]
    fn a_counter_that_wraps_or_starts_anew_is_harmless() {
        assert_eq!(missed(&[u32::MAX - 1, u32::MAX, 0, 1]), 0);
        assert_eq!(missed(&[5000, 0, 1, 2]), 0);
    }
}
