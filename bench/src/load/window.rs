//! What viewers got in a stretch of time, and what it cost.

use std::{collections::BTreeMap, time::Duration};

use super::{Reading, Sample};
use crate::{
    figures::{frames, part_size, percentile},
    process,
};

/// Above this share of a core a thread of viewers is too busy for its figures to be the server's.
const BUSY: f64 = 0.85;
/// A pass of the reading viewers that takes longer shows in the ages.
const LONG_PASS: Duration = Duration::from_millis(10);
/// Above this share the whole machine is full, and whoever wants to run waits.
const FULL: f64 = 0.97;
/// Above this share of the machine other programs are in the way.
const OTHERS: f64 = 0.1;

/// The load generator itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Own {
    /// Shares of a core that its two threads took.
    pub(crate) discarding: f64,
    pub(crate) reading: f64,
    /// The longest time in which the reading viewers took what had come.
    pub(crate) longest_pass: Duration,
    /// Share of the whole machine that was busy.
    pub(crate) machine: f64,
    /// Share of it that neither the server nor this program took.
    pub(crate) others: f64,
}

impl Own {
    /// What of the measuring itself was at its limit, so that the figures may say more about it than about the server.
    pub(crate) fn limit(&self) -> Option<&'static str> {
        if self.others > OTHERS {
            Some("other programs were in the way")
        } else if self.discarding > BUSY || self.reading > BUSY {
            Some("the load generator was at its limit")
        } else if self.longest_pass > LONG_PASS {
            Some("the load generator was late at times")
        } else if self.machine > FULL {
            Some("the machine was full")
        } else {
            None
        }
    }
}

/// What came in a stretch of time.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) seconds: f64,
    /// Viewers that were served at its end.
    pub(crate) served: usize,
    /// Frames that came to all viewers.
    pub(crate) frames: f64,
    /// Frames a second of the viewer that got the fewest, and of the one in the middle.
    pub(crate) slowest: f64,
    pub(crate) middle: f64,
    /// Ages of frames at the reading viewers, in their order.
    pub(crate) ages: Vec<Duration>,
    /// Frames that reading viewers did not get between two that they got.
    pub(crate) skipped: u64,
    /// The number of the newest frame that a reading viewer got.
    pub(crate) newest: u64,
    /// Processor time of the server.
    pub(crate) cpu: Duration,
    pub(crate) own: Own,
}

impl Window {
    pub(super) fn between(
        before: &Reading,
        after: &Reading,
        samples: &[Sample],
        sampled: &[usize],
    ) -> Self {
        let time = after.at - before.at;
        let seconds = time.as_secs_f64();
        let inside: Vec<&Sample> = samples
            .iter()
            .filter(|it| it.at >= before.at && it.at < after.at)
            .collect();
        let by_viewer = by_viewer(&inside, sampled);
        let sizes: Vec<f64> = by_viewer
            .values()
            .filter_map(|samples| part_size(&samples.iter().map(|it| it.end).collect::<Vec<_>>()))
            .collect();
        let part = sizes.iter().sum::<f64>() / sizes.len().max(1) as f64;
        let got: Vec<f64> = before
            .bytes
            .iter()
            .zip(&after.bytes)
            .map(|(before, after)| frames(after - before, part))
            .collect();
        let mut in_order = got.clone();
        in_order.sort_by(f64::total_cmp);
        let rate =
            |index: usize| in_order.get(index).copied().unwrap_or_default() / seconds.max(1e-9);
        let own = |thread: usize| {
            let nanoseconds = after.own[thread].0 - before.own[thread].0;
            nanoseconds as f64 / 1e9 / seconds.max(1e-9)
        };
        let machine = after.machine.busy_since(before.machine);
        let cpu = after.cpu.saturating_sub(before.cpu);
        let known = (cpu + after.this.saturating_sub(before.this)).as_secs_f64();
        let others = machine - known / (seconds.max(1e-9) * process::cores() as f64);
        let mut ages: Vec<Duration> = inside.iter().filter_map(|it| Some(it.frame?.1)).collect();
        ages.sort_unstable();
        Self {
            seconds,
            served: after.served,
            frames: got.iter().sum(),
            slowest: rate(0),
            middle: rate(in_order.len() / 2),
            ages,
            skipped: by_viewer.values().map(|samples| skipped(samples)).sum(),
            newest: inside
                .iter()
                .filter_map(|it| Some(it.frame?.0))
                .max()
                .unwrap_or_default(),
            cpu,
            own: Own {
                discarding: own(0),
                reading: own(1),
                longest_pass: Duration::from_nanos(after.own[1].1),
                machine,
                others,
            },
        }
    }

    /// Microseconds of processor time of the server for each frame that came to a viewer.
    pub(crate) fn cost(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.frames.max(1e-9)
    }

    /// The age that so many percent of frames did not exceed.
    pub(crate) fn age(&self, percent: f64) -> Option<Duration> {
        percentile(&mut self.ages.clone(), percent)
    }
}

fn by_viewer<'a>(samples: &[&'a Sample], sampled: &[usize]) -> BTreeMap<usize, Vec<&'a Sample>> {
    sampled
        .iter()
        .map(|viewer| {
            let own = samples.iter().filter(|it| it.viewer == *viewer);
            (*viewer, own.copied().collect())
        })
        .collect()
}

/// Numbers that are missing between the first and the last of one viewer.
fn skipped(samples: &[&Sample]) -> u64 {
    let numbers: Vec<u64> = samples.iter().filter_map(|it| Some(it.frame?.0)).collect();
    numbers
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0] + 1))
        .sum()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::process::Machine;

    fn reading(at: Instant, cpu: u64, bytes: &[u64]) -> Reading {
        Reading {
            at,
            cpu: Duration::from_micros(cpu),
            this: Duration::ZERO,
            bytes: bytes.to_vec(),
            machine: Machine::now(),
            own: vec![(0, 0), (0, 0)],
            served: bytes.len(),
        }
    }

    #[test]
    fn bytes_of_those_who_discard_are_frames_by_the_parts_of_those_who_read() {
        let begin = Instant::now();
        let end = begin + Duration::from_secs(2);
        let sample = |number: u64, milliseconds: u64| Sample {
            viewer: 0,
            at: begin + Duration::from_millis(milliseconds),
            frame: Some((number, Duration::from_millis(number))),
            end: 500 + number * 1000,
        };
        // The first came before the window; number 3 never came.
        let mut samples: Vec<Sample> = [1, 2, 4, 5].map(|it| sample(it, it * 300)).to_vec();
        samples[0].at = begin;
        let early = Sample {
            at: begin - Duration::from_millis(1),
            ..sample(0, 0)
        };
        samples.insert(0, early);
        for sample in &mut samples[3..] {
            // What was skipped takes no bytes.
            sample.end -= 1000;
        }
        let before = reading(begin, 100, &[1000, 0]);
        let after = reading(end, 700, &[5000, 2000]);
        let window = Window::between(&before, &after, &samples, &[0]);
        assert!((window.frames - 6.0).abs() < 1e-9);
        assert!((window.slowest - 1.0).abs() < 1e-9);
        assert!((window.cost() - 100.0).abs() < 1e-9);
        assert_eq!(window.skipped, 1);
        assert_eq!(window.age(50.0), Some(Duration::from_millis(2)));
        assert_eq!(window.ages.len(), 4);
    }

    #[test]
    fn a_generator_at_its_limit_says_so() {
        let mut own = Own::default();
        assert_eq!(own.limit(), None);
        own.machine = 0.99;
        assert!(own.limit().unwrap().contains("machine"));
        own.longest_pass = Duration::from_millis(11);
        assert!(own.limit().unwrap().contains("late"));
        own.discarding = 0.9;
        assert!(own.limit().unwrap().contains("limit"));
        own.others = 0.2;
        assert!(own.limit().unwrap().contains("other programs"));
    }
}
