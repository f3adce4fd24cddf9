//! The last pictures of a camera, in memory.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::recordings::Picture;

/// Pictures that go back so far, and no further than some bytes allow.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// Each with whether it does not go on where the one before ended.
    pictures: VecDeque<(Picture, bool)>,
    bytes: usize,
    gap: bool,
}

impl Ring {
    /// Takes one more and lets go of those that are too old or too many.
    pub(super) fn push(&mut self, picture: Picture, reach: Duration, most: usize) {
        let newest = picture.captured.monotonic;
        self.bytes += picture.jpeg.len();
        let after_gap = std::mem::take(&mut self.gap);
        self.pictures.push_back((picture, after_gap));
        while let Some((oldest, _)) = self.pictures.front() {
            let age = newest.saturating_duration_since(oldest.captured.monotonic);
            if age <= reach && self.bytes <= most {
                break;
            }
            self.bytes -= oldest.jpeg.len();
            self.pictures.pop_front();
        }
    }

    /// What comes next does not go on where the last one ended.
    pub(super) fn gap(&mut self) {
        self.gap = true;
    }

    /// All that were taken at `from` or later, each with whether there is a gap before it, and forgets the others too.
    pub(super) fn take(&mut self, from: Instant) -> impl Iterator<Item = (Picture, bool)> + use<> {
        let taken = std::mem::take(self);
        let pictures = taken.pictures.into_iter();
        pictures.filter(move |(picture, _)| picture.captured.monotonic >= from)
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// From the oldest picture to the newest.
    pub(super) fn length(&self) -> Duration {
        match (self.pictures.front(), self.pictures.back()) {
            (Some((oldest, _)), Some((newest, _))) => newest
                .captured
                .monotonic
                .saturating_duration_since(oldest.captured.monotonic),
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use framecast_camera::{Captured, Size};

    use super::*;

    fn picture(began: Instant, second: u64) -> Picture {
        Picture {
            jpeg: vec![0; 100].into(),
            size: Size::new(1, 1),
            captured: Captured::at(began + Duration::from_secs(second)),
        }
    }

    fn seconds(began: Instant, ring: &mut Ring, from: u64) -> Vec<u64> {
        let from = began + Duration::from_secs(from);
        ring.take(from)
            .map(|(it, _)| (it.captured.monotonic - began).as_secs())
            .collect()
    }

    #[test]
    fn what_is_older_than_asked_for_goes() {
        let (mut ring, began) = (Ring::default(), Instant::now());
        for second in 0..100 {
            ring.push(picture(began, second), Duration::from_secs(10), 1 << 20);
        }
        assert_eq!(ring.length(), Duration::from_secs(10));
        assert_eq!(seconds(began, &mut ring, 0), (89..100).collect::<Vec<_>>());
        assert_eq!(ring.length(), Duration::ZERO);
    }

    #[test]
    fn memory_is_bounded_however_far_back_it_should_reach() {
        let (mut ring, began) = (Ring::default(), Instant::now());
        for second in 0..100 {
            ring.push(picture(began, second), Duration::from_secs(1000), 1000);
        }
        assert_eq!(seconds(began, &mut ring, 0).len(), 10);
    }

    #[test]
    fn a_gap_is_kept_in_mind() {
        let (mut ring, began) = (Ring::default(), Instant::now());
        for second in 0..4 {
            ring.push(picture(began, second), Duration::from_secs(60), 1 << 20);
            if second == 1 {
                ring.gap();
            }
        }
        let gaps: Vec<bool> = ring.take(began).map(|(_, gap)| gap).collect();
        assert_eq!(gaps, [false, false, true, false]);
    }

    #[test]
    fn only_what_belongs_to_the_start_is_taken() {
        let (mut ring, began) = (Ring::default(), Instant::now());
        for second in 0..10 {
            ring.push(picture(began, second), Duration::from_secs(60), 1 << 20);
        }
        assert_eq!(seconds(began, &mut ring, 7), [7, 8, 9]);
        assert!(seconds(began, &mut ring, 0).is_empty());
    }
}
