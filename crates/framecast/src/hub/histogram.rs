//! How long something took, sorted into classes by single atomic additions.

use std::{
    iter::Sum,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Upper bounds of the classes, in microseconds. What took longer is in one more class.
const BOUNDS: [u64; 14] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000,
];

/// Counts times by class.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

/// What a histogram held when it was read.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    counts: [u64; BOUNDS.len() + 1],
    nanos: u64,
}

impl Histogram {
    pub(super) fn observe(&self, time: Duration) {
        let micros = time.as_nanos().div_ceil(1000);
        let class = BOUNDS.partition_point(|bound| u128::from(*bound) < micros);
        self.counts[class].fetch_add(1, Relaxed);
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Relaxed);
    }

    pub(super) fn read(&self) -> Observed {
        Observed {
            counts: std::array::from_fn(|class| self.counts[class].load(Relaxed)),
            nanos: self.nanos.load(Relaxed),
        }
    }
}

impl Observed {
    /// How many times were observed.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum, in seconds.
    pub fn sum(&self) -> f64 {
        self.nanos as f64 / 1e9
    }

    /// Each class's upper bound in seconds, infinite for the last, and how many times were in it.
    pub fn classes(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = BOUNDS.iter().map(|micros| *micros as f64 / 1e6);
        bounds.chain([f64::INFINITY]).zip(self.counts)
    }
}

impl Sum for Observed {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            for (total, count) in sum.counts.iter_mut().zip(one.counts) {
                *total += count;
            }
            sum.nanos = sum.nanos.wrapping_add(one.nanos);
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_class_that_holds_it() {
        let histogram = Histogram::default();
        for micros in [0, 100, 101, 2_500_000, 2_500_001, 60_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        // A bound belongs to its class to the nanosecond.
        histogram.observe(Duration::from_nanos(250_001));
        let counted: Vec<_> = histogram.read().classes().filter(|(_, n)| *n > 0).collect();
        let expected = [
            (0.0001, 2),
            (0.00025, 1),
            (0.0005, 1),
            (2.5, 1),
            (f64::INFINITY, 2),
        ];
        assert_eq!(counted, expected);
        assert_eq!(histogram.read().count(), 7);
    }
}
