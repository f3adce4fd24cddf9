//! Which size of picture a viewer's link can carry, decided from how its pictures went out.
//!
//! Down at once, to where the link is seen to have room; up one rung at a time, and after a try that failed only when twice
//! as much time has gone by. No clock, no frames: the time is an argument, and the answer is the number of a rung.

use std::time::{Duration, Instant};

/// A size below the full one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rung {
    /// What part of the full width and height its pictures have.
    pub(super) scale: f64,
    /// Their JPEG quality; `None` is the full one's.
    pub(super) quality: Option<u8>,
    /// About what part of the bytes that makes, until its pictures have been seen.
    weight: f64,
}

/// How many sizes there are.
pub(super) const SIZES: usize = 5;

/// The full size, and the smaller ones. Few, because each is made by decoding and encoding every frame.
pub(super) const RUNGS: [Rung; SIZES] = [
    Rung::new(1.0, None, 1.0),
    Rung::new(0.75, Some(70), 0.45),
    Rung::new(0.5, Some(60), 0.2),
    Rung::new(0.375, Some(50), 0.1),
    Rung::new(0.25, Some(40), 0.045),
];

impl Rung {
    const fn new(scale: f64, quality: Option<u8>, weight: f64) -> Self {
        Self {
            scale,
            quality,
            weight,
        }
    }
}

/// Pictures a second below which movement suffers more than a smaller picture does.
const FLUENT: f64 = 12.0;
/// A picture that takes longer than this to go out comes too late.
const LATE: Duration = Duration::from_millis(200);
/// How long is looked on before a decision.
const WINDOW: Duration = Duration::from_millis(500);
/// How long what was sent before a change may still be in the way.
const SETTLE: Duration = Duration::from_millis(600);
/// How long all must be well before a larger size is tried.
const SHORTEST: Duration = Duration::from_secs(3);
/// The same after many tries that failed.
const LONGEST: Duration = Duration::from_secs(120);
/// How long a size that was tried must do well to count as one that the link can carry.
const PROOF: Duration = Duration::from_secs(60);
/// What part of the link's rate pictures may take.
const SHARE: f64 = 0.8;

/// How one picture went out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) bytes: usize,
    /// Until the connection had taken all of it.
    pub(super) took: Duration,
    /// Pictures before it that the link had no room for.
    pub(super) skipped: u64,
}

/// One viewer's place on the ladder.
#[derive(Debug)]
pub(super) struct Ladder {
    rung: usize,
    lowest: usize,
    /// Bytes of a picture on each rung, as far as they are known.
    bytes: [Option<f64>; SIZES],
    /// Since when all is well on this rung.
    since: Instant,
    /// Whether this rung is being tried.
    trying: bool,
    /// For each rung, how long all must be well before it is tried.
    hold: [Duration; SIZES],
    window: Window,
    /// Frames, skipped frames and seconds of the window before, if nothing has changed since.
    before: (f64, f64, f64),
}

/// What was seen since the last decision.
#[derive(Debug)]
struct Window {
    begun: Instant,
    frames: u32,
    skipped: u64,
    bytes: f64,
    writing: Duration,
    late: bool,
}

impl Window {
    fn new(begun: Instant) -> Self {
        Self {
            begun,
            frames: 0,
            skipped: 0,
            bytes: 0.0,
            writing: Duration::ZERO,
            late: false,
        }
    }
}

impl Ladder {
    /// At the full size.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            rung: 0,
            lowest: SIZES - 1,
            bytes: [None; SIZES],
            since: now,
            trying: false,
            hold: [SHORTEST; SIZES],
            window: Window::new(now),
            before: (0.0, 0.0, 0.0),
        }
    }

    pub(super) fn rung(&self) -> usize {
        self.rung
    }

    /// Goes no further down than to this rung, from now on.
    pub(super) fn end_at(&mut self, lowest: usize) {
        self.lowest = lowest;
    }

    /// Notes how a picture went out. Returns the rung to change to.
    pub(super) fn sent(&mut self, now: Instant, sent: Sent) -> Option<usize> {
        let bytes = sent.bytes as f64;
        let known = self.bytes[self.rung].get_or_insert(bytes);
        *known += (bytes - *known) / 8.0;
        if now.saturating_duration_since(self.window.begun) < sent.took {
            // It began before the window did: before the change.
            return None;
        }
        let window = &mut self.window;
        window.frames += 1;
        window.skipped += sent.skipped;
        window.bytes += bytes;
        window.writing += sent.took;
        window.late |= sent.took > LATE;
        let elapsed = now.saturating_duration_since(window.begun);
        if elapsed < WINDOW && !window.late {
            return None;
        }
        let window = std::mem::replace(&mut self.window, Window::new(now));
        self.decide(now, &window, elapsed.as_secs_f64())
    }

    /// The rung that was asked for can't be had: stays where it was before, for longer.
    pub(super) fn refuse(&mut self, now: Instant, before: usize) {
        self.place(now, before);
        self.trying = false;
        self.hold = [LONGEST; SIZES];
    }

    fn decide(&mut self, now: Instant, window: &Window, elapsed: f64) -> Option<usize> {
        let writing = window.writing.as_secs_f64();
        // A link that is idle half of the time does not say how much more it could carry.
        let rate = (writing > elapsed / 2.0).then(|| window.bytes / writing);
        let seen = (f64::from(window.frames), window.skipped as f64, elapsed);
        let before = std::mem::replace(&mut self.before, seen);
        let (frames, skipped, elapsed) = (seen.0 + before.0, seen.1 + before.1, seen.2 + before.2);
        let wanted = ((frames + skipped) / elapsed).min(FLUENT);
        // One that is skipped now and then is no reason.
        let starved = skipped > 1.0 && frames / elapsed < wanted * 0.9;
        let fits = |ladder: &Self, rung: usize, rate: f64| {
            let most = (rate * SHARE / wanted).min(rate * LATE.as_secs_f64() * SHARE);
            ladder.expected(rung) <= most
        };
        let well = now.saturating_duration_since(self.since);
        match rate {
            // Too much for the link: down to what it has just been seen to carry.
            Some(rate) if window.late || starved => {
                let hold = &mut self.hold[self.rung];
                if self.trying && well < PROOF {
                    *hold = (*hold * 2).min(LONGEST);
                }
                self.trying = false;
                let below = (self.rung + 1)..=self.lowest;
                let lower = below.clone().find(|rung| fits(self, *rung, rate));
                let Some(lower) = lower.or(below.last()) else {
                    self.since = now;
                    return None;
                };
                self.place(now, lower);
                Some(lower)
            }
            // All is well: up, after a while, unless the link is known to be too narrow.
            _ => {
                let hold = &mut self.hold[self.rung];
                if self.trying && well >= PROOF {
                    self.trying = false;
                    *hold = (*hold / 2).max(SHORTEST);
                }
                let higher = self.rung.checked_sub(1)?;
                if well < self.hold[higher] {
                    return None;
                }
                if rate.is_some_and(|rate| !fits(self, higher, rate)) {
                    return None;
                }
                self.place(now, higher);
                self.trying = true;
                Some(higher)
            }
        }
    }

    fn place(&mut self, now: Instant, rung: usize) {
        self.rung = rung;
        self.since = now;
        self.window = Window::new(now + SETTLE);
        self.before = (0.0, 0.0, 0.0);
    }

    /// Bytes of a picture on another rung, reckoned from those of this one where none was seen.
    fn expected(&self, rung: usize) -> f64 {
        let here = self.bytes[self.rung].unwrap_or_default();
        let reckoned = here * RUNGS[rung].weight / RUNGS[self.rung].weight;
        self.bytes[rung].unwrap_or(reckoned)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A camera, a viewer on a link, and the ladder between them, in time of their own.
    struct World {
        start: Instant,
        now: f64,
        fps: f64,
        /// Bytes of a picture at the full size.
        full: f64,
        /// Bytes a second.
        link: f64,
        /// Bytes that are on their way, and how many can be without anybody waiting.
        queue: f64,
        room: f64,
        ladder: Ladder,
        shown: f64,
        changes: Vec<(f64, usize)>,
        frames: Vec<f64>,
    }

    impl World {
        fn new(fps: f64, full: f64, link: f64) -> Self {
            let start = Instant::now();
            Self {
                start,
                now: 0.0,
                fps,
                full,
                link,
                queue: 0.0,
                room: 30e3,
                ladder: Ladder::new(start),
                shown: 0.0,
                changes: Vec::new(),
                frames: Vec::new(),
            }
        }

        fn drain(&mut self, until: f64) {
            self.queue = (self.queue - (until - self.now) * self.link).max(0.0);
            self.now = until;
        }

        fn run(&mut self, seconds: f64) {
            let end = self.now + seconds;
            while self.now < end {
                // The newest picture, or the next where that was shown.
                let newest = (self.now * self.fps).floor();
                let next = newest.max(self.shown + 1.0);
                self.drain((next / self.fps).max(self.now));
                let rung = self.ladder.rung();
                let bytes = self.full * RUNGS[rung].weight;
                let took = ((self.queue + bytes - self.room) / self.link).max(0.0);
                self.queue += bytes;
                self.drain(self.now + took);
                let sent = Sent {
                    bytes: bytes as usize,
                    took: Duration::from_secs_f64(took),
                    skipped: (next - self.shown) as u64 - 1,
                };
                self.shown = next;
                self.frames.push(self.now);
                let now = self.start + Duration::from_secs_f64(self.now);
                if let Some(rung) = self.ladder.sent(now, sent) {
                    self.changes.push((self.now, rung));
                }
            }
        }

        fn rate_since(&self, time: f64) -> f64 {
            let frames = self.frames.iter().filter(|at| **at > time).count();
            frames as f64 / (self.now - time)
        }
    }

    #[test]
    fn a_phone_on_a_narrow_link_gets_small_pictures_within_two_seconds() {
        let mut world = World::new(30.0, 100e3, 125e3);
        world.run(2.0);
        let rung = world.ladder.rung();
        assert!(
            RUNGS[rung].weight * world.full * 10.0 <= world.link,
            "{rung}"
        );
        world.run(2.0);
        let from = world.now;
        world.run(30.0);
        assert!(world.rate_since(from) >= 10.0, "{}", world.rate_since(from));
    }

    #[test]
    fn a_link_that_becomes_narrow_is_followed_within_two_seconds_and_back() {
        let mut world = World::new(25.0, 60e3, 10e6);
        world.run(20.0);
        assert!(world.changes.is_empty(), "{:?}", world.changes);
        world.link = 100e3;
        world.run(2.0);
        let narrow = world.ladder.rung();
        assert!(RUNGS[narrow].weight * world.full * 10.0 <= world.link);
        world.run(20.0);
        world.link = 10e6;
        world.run(60.0);
        assert_eq!(world.ladder.rung(), 0, "{:?}", world.changes);
    }

    #[test]
    fn a_wide_link_is_never_left() {
        let mut world = World::new(60.0, 200e3, 100e6);
        world.run(300.0);
        assert!(world.changes.is_empty());
    }

    #[test]
    fn a_camera_of_one_picture_a_second_may_use_the_time_it_has() {
        // Two thirds of the link, but no picture is late by much.
        let mut world = World::new(1.0, 20e3, 110e3);
        world.run(60.0);
        assert_eq!(world.ladder.rung(), 0);
    }

    #[test]
    fn pictures_that_are_skipped_on_an_idle_link_are_not_the_links_fault() {
        let start = Instant::now();
        let mut ladder = Ladder::new(start);
        for n in 0..1000u32 {
            let sent = Sent {
                bytes: 50_000,
                took: Duration::from_micros(50),
                skipped: 10,
            };
            assert_eq!(
                ladder.sent(start + Duration::from_millis(300) * n, sent),
                None
            );
        }
    }

    #[test]
    fn a_size_that_cannot_be_had_is_not_asked_for_at_once_again() {
        let mut world = World::new(30.0, 100e3, 125e3);
        while world.changes.is_empty() {
            world.run(0.1);
        }
        let now = world.start + Duration::from_secs_f64(world.now);
        world.ladder.refuse(now, 0);
        assert_eq!(world.ladder.rung(), 0);
    }

    proptest! {
        #[test]
        fn it_does_not_flap(fps in 1.0f64..60.0, full in 5e3f64..500e3, link in 20e3f64..5e6) {
            let mut world = World::new(fps, full, link);
            world.run(600.0);
            let late = world.changes.iter().filter(|(at, _)| *at > 120.0).count();
            // A try that fails is a step up and one or two down, of which one may be taken back: about once in two minutes.
            prop_assert!(late <= 20, "{:?}", world.changes);
            prop_assert!(world.changes.len() <= 40, "{:?}", world.changes);
        }

        #[test]
        fn it_finds_a_size_that_the_link_can_carry(fps in 2.0f64..60.0, full in 5e3f64..500e3, link in 20e3f64..5e6) {
            let mut world = World::new(fps, full, link);
            world.run(30.0);
            let from = world.now;
            world.run(120.0);
            let lowest = full * RUNGS[SIZES - 1].weight;
            let possible = (link * 0.9 / lowest).min(fps).min(10.0);
            let rate = world.rate_since(from);
            prop_assert!(rate >= possible * 0.85, "{rate} of {possible}: {:?}", world.changes);
        }

        #[test]
        fn no_sequence_of_events_leads_off_the_ladder(
            events in prop::collection::vec((0u64..2_000, 0usize..2_000_000, 0u64..3_000, 0u64..100), 1..300),
            lowest in 0..SIZES,
        ) {
            let mut now = Instant::now();
            let mut ladder = Ladder::new(now);
            ladder.end_at(lowest);
            for (pause, bytes, took, skipped) in events {
                now += Duration::from_millis(pause + took);
                let before = ladder.rung();
                let sent = Sent { bytes, took: Duration::from_millis(took), skipped };
                match ladder.sent(now, sent) {
                    Some(rung) => prop_assert!(rung != before && rung == ladder.rung() && rung <= lowest),
                    None => prop_assert_eq!(ladder.rung(), before),
                }
            }
        }
    }
}
