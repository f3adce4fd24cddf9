//! The pictures of an open capture: those of a device or stream as they come, those of a film at its own speed.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use framecast_camera::{Captured, Error, ErrorKind, Frame, Result, Stop};

use crate::{camera::Plan, capture::Capture, pixels};

/// A film whose speed can't be known.
const FPS: f64 = 25.0;
/// Pictures in a row that can't be decoded before the camera counts as broken. One is lost to a bad cable or a lost packet.
const BROKEN: usize = 30;
/// The longest sleep between two looks at a [`Stop`].
const NAP: Duration = Duration::from_millis(100);

/// One picture after the other.
pub(crate) struct Pictures {
    plan: Arc<Plan>,
    capture: Capture,
    stop: Stop,
    pace: Option<Pace>,
    /// Pictures since it was opened.
    seen: u64,
    /// Pictures in a row that could not be decoded.
    broken: usize,
}

impl Pictures {
    pub(crate) fn new(plan: Arc<Plan>, capture: Capture, stop: Stop) -> Self {
        let pace = capture.is_film().then(|| Pace::new(Instant::now()));
        Self {
            plan,
            capture,
            stop,
            pace,
            seen: 0,
            broken: 0,
        }
    }

    /// The next picture; `None` once a stop is requested, and after a film that is played once.
    fn picture(&mut self) -> Result<Option<Frame>> {
        while !self.stop.is_requested() {
            let asked = Instant::now();
            if !self.capture.grab() {
                if !self.again(asked.elapsed())? {
                    return Ok(None);
                }
                continue;
            }
            // The moment that is nearest to the exposure; decoding comes after it.
            let mut captured = Captured::now();
            let Some(picture) = self.capture.retrieve() else {
                self.stumble()?;
                continue;
            };
            self.broken = 0;
            if let Some(pace) = &mut self.pace {
                let step = Duration::from_secs_f64(1.0 / self.capture.fps().unwrap_or(FPS));
                let due = pace.due(self.capture.position(), step, Instant::now());
                if !sleep_until(due, &self.stop) {
                    return Ok(None);
                }
                captured = Captured::now();
            }
            let frame = pixels::frame(picture, captured)?;
            if self.seen == 0 {
                self.plan.report(&self.capture, frame.size);
            }
            self.seen += 1;
            return Ok(Some(frame));
        }
        Ok(None)
    }

    /// No more pictures come: a film is begun anew, if it shall be; for all else that is an error.
    fn again(&mut self, waited: Duration) -> Result<bool> {
        let shown = &self.plan.shown;
        let Some(pace) = &mut self.pace else {
            let what = if self.seen == 0 {
                format!("OpenCV opened {shown}, but no picture comes from it")
            } else if waited >= self.plan.wish.silence {
                format!("{shown} sent nothing for {:?}", self.plan.wish.silence)
            } else {
                format!("no more pictures come from {shown}: it was unplugged, or the stream ended")
            };
            return Err(Error::new(ErrorKind::Lost, what));
        };
        if self.seen == 0 {
            let what = format!("OpenCV opened {shown}, but can read no picture of it");
            return Err(Error::new(ErrorKind::Invalid, what));
        }
        if self.plan.wish.once {
            return Ok(false);
        }
        pace.rewind();
        // Not by a seek: there are containers in which OpenCV can't, and streams that stay at their end.
        self.capture = self.plan.open()?;
        self.seen = 0;
        Ok(true)
    }

    fn stumble(&mut self) -> Result<()> {
        self.broken += 1;
        if self.broken < BROKEN {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Broken,
            format!("OpenCV can't decode the pictures of {}", self.plan.shown),
        ))
    }
}

impl Iterator for Pictures {
    type Item = Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        self.picture().transpose()
    }
}

/// When each picture of a film is to be shown.
#[derive(Debug)]
struct Pace {
    /// When the picture before was due, and where in the film it stands.
    last: Option<(Instant, Option<Duration>)>,
    start: Instant,
}

/// The longest that one picture stands. A film that says more has its times wrong.
const LONGEST: Duration = Duration::from_secs(60);
/// A film that is later than this goes on from where it is, in place of running to catch up.
const LATE: Duration = Duration::from_millis(500);

impl Pace {
    fn new(start: Instant) -> Self {
        Self { last: None, start }
    }

    /// The film begins again: the next picture comes one step after the last.
    fn rewind(&mut self) {
        if let Some((_, position)) = &mut self.last {
            *position = None;
        }
    }

    /// When the picture at `position` is due; `step` after the one before where positions don't say.
    fn due(&mut self, position: Option<Duration>, step: Duration, now: Instant) -> Instant {
        let due = match self.last {
            None => self.start,
            Some((before, then)) => {
                let told = position
                    .zip(then)
                    .and_then(|(now, then)| now.checked_sub(then));
                before
                    + told
                        .filter(|step| !step.is_zero())
                        .unwrap_or(step)
                        .min(LONGEST)
            }
        };
        let due = if now.saturating_duration_since(due) > LATE {
            now
        } else {
            due
        };
        // Position 0 is told like none; the second picture then comes one step after the first.
        self.last = Some((due, position));
        due
    }
}

/// Whether the time came before a stop was requested.
fn sleep_until(due: Instant, stop: &Stop) -> bool {
    loop {
        if stop.is_requested() {
            return false;
        }
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(NAP));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP: Duration = Duration::from_millis(40);

    fn at(milliseconds: u64) -> Option<Duration> {
        Some(Duration::from_millis(milliseconds))
    }

    #[test]
    fn pictures_come_as_far_apart_as_the_film_has_them() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let due = [None, at(40), at(140), at(150)].map(|it| pace.due(it, STEP, start));
        let after = due.map(|due| due.duration_since(start).as_millis());
        assert_eq!(after, [0, 40, 140, 150]);
    }

    #[test]
    fn a_film_without_times_has_a_steady_rate_and_goes_on_at_it_when_it_begins_again() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for number in 0..100 {
            assert_eq!(pace.due(None, STEP, start), start + STEP * number);
        }
        pace.rewind();
        assert_eq!(pace.due(at(20), STEP, start), start + STEP * 100);
    }

    #[test]
    fn a_film_that_was_held_up_does_not_run_to_catch_up() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.due(None, STEP, start);
        let woken = start + Duration::from_secs(5);
        assert_eq!(pace.due(at(40), STEP, woken), woken);
        assert_eq!(pace.due(at(80), STEP, woken), woken + STEP);
    }

    proptest! {
        #[test]
        fn no_picture_is_due_before_the_one_before_nor_much_later(
            positions in prop::collection::vec(any::<Option<u64>>(), 1..50), late in 0_u64..5000,
        ) {
            let start = Instant::now();
            let now = start + Duration::from_millis(late);
            let mut pace = Pace::new(start);
            let mut last: Option<Instant> = None;
            for position in positions {
                let due = pace.due(position.map(Duration::from_millis), STEP, now);
                if let Some(last) = last {
                    prop_assert!(due >= last);
                    prop_assert!(due <= now.max(last) + LONGEST);
                }
                last = Some(due);
            }
        }
    }
}
