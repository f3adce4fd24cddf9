//! Where a session stands and how it moves: the rules, without clock, disk or frames.
//!
//! The time is an argument everywhere. Paces are kept on the monotonic time of the recording, which rises from picture to
//! picture whatever the wall clock did; the wall clock's time is carried along to be shown.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::ask::Speed;

/// A place on a recording, on both of its clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// By the wall clock.
    pub wall: SystemTime,
    /// By the machine's monotonic clock, which counts from the start of the machine.
    pub monotonic: Duration,
}

impl Position {
    /// So much later, or earlier.
    #[must_use]
    pub fn shifted(self, by: Duration, back: bool) -> Self {
        let (wall, monotonic) = if back {
            (self.wall.checked_sub(by), self.monotonic.saturating_sub(by))
        } else {
            (self.wall.checked_add(by), self.monotonic.saturating_add(by))
        };
        Self {
            wall: wall.unwrap_or(self.wall),
            monotonic,
        }
    }
}

/// More shown frames a second than this help nobody when a recording is played fast.
const MOST_FPS: f64 = 30.0;

/// The state of one session's playing.
#[derive(Clone, Debug, PartialEq)]
pub struct Transport {
    speed: Speed,
    paused: bool,
    /// `None`: live.
    mark: Option<Mark>,
    /// Whether somebody watches; time stands still while nobody does.
    watched: bool,
}

/// Where it stood at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mark {
    at: Instant,
    position: Position,
}

impl Transport {
    /// Live.
    pub fn live() -> Self {
        Self {
            speed: Speed::NORMAL,
            paused: false,
            mark: None,
            watched: false,
        }
    }

    /// On a recording.
    pub fn at(position: Position, speed: Speed, paused: bool, now: Instant) -> Self {
        let mut transport = Self::live();
        transport.speed = speed;
        transport.paused = paused;
        transport.go_to(position, now);
        transport
    }

    /// Whether it shows what the camera sees now.
    pub fn is_live(&self) -> bool {
        self.mark.is_none()
    }

    /// Whether the picture stays.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// How fast it plays, or would if it were not paused.
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// Where it stands; `None` when live.
    pub fn position(&self, now: Instant) -> Option<Position> {
        let mark = self.mark?;
        let went = if self.moves() {
            scaled(now.saturating_duration_since(mark.at), self.speed)
        } else {
            Duration::ZERO
        };
        Some(mark.position.shifted(went, self.speed.is_back()))
    }

    /// Goes elsewhere on the recording. What was playing plays on from there, what was paused stays so.
    pub fn go_to(&mut self, position: Position, now: Instant) {
        self.mark = Some(Mark { at: now, position });
    }

    /// Joins what the camera sees now, at normal speed.
    pub fn go_live(&mut self) {
        self.mark = None;
        self.paused = false;
        self.speed = Speed::NORMAL;
    }

    /// Stops at a picture. A session that is live is on the recording then.
    pub fn pause(&mut self, shown: Position, now: Instant) {
        self.paused = true;
        self.go_to(shown, now);
    }

    /// Plays on from where it stands.
    pub fn play(&mut self, now: Instant) {
        self.settle(now);
        self.paused = false;
    }

    /// Plays at another speed from where it stands.
    pub fn set_speed(&mut self, speed: Speed, now: Instant) {
        self.settle(now);
        self.speed = speed;
    }

    /// Somebody watches, or nobody does: then time stands still.
    pub fn set_watched(&mut self, watched: bool, now: Instant) {
        self.settle(now);
        self.watched = watched;
    }

    /// When a picture of the run that is being played is to be shown: at once for what is late. `None` while nothing moves.
    pub fn due(&self, picture: Duration) -> Option<Instant> {
        let mark = self.mark.filter(|_| self.moves())?;
        let from = mark.position.monotonic;
        let way = if self.speed.is_back() {
            from.saturating_sub(picture)
        } else {
            picture.saturating_sub(from)
        };
        let takes = way.div_f64(self.speed.times().abs());
        Some(mark.at.checked_add(takes).unwrap_or(mark.at))
    }

    /// How far apart two shown pictures are at least: none are left out up to normal speed.
    pub fn spacing(&self) -> Duration {
        if self.speed.times().abs() > 1.0 {
            scaled(Duration::from_secs_f64(1.0 / MOST_FPS), self.speed)
        } else {
            Duration::ZERO
        }
    }

    fn moves(&self) -> bool {
        self.watched && !self.paused
    }

    fn settle(&mut self, now: Instant) {
        if let Some(position) = self.position(now) {
            self.go_to(position, now);
        }
    }
}

/// Real time as time of the recording.
fn scaled(time: Duration, speed: Speed) -> Duration {
    // Not `mul_f64`, which panics where a session is as old as time can tell.
    Duration::try_from_secs_f64(time.as_secs_f64() * speed.times().abs()).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn position(millis: u64) -> Position {
        Position {
            wall: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + millis),
            monotonic: Duration::from_millis(500_000_000 + millis),
        }
    }

    fn speed(times: f64) -> Speed {
        Speed::new(times).unwrap()
    }

    fn playing(times: f64, now: Instant) -> Transport {
        let mut transport = Transport::at(position(0), speed(times), false, now);
        transport.set_watched(true, now);
        transport
    }

    #[test]
    fn it_moves_as_fast_as_it_is_told() {
        let now = Instant::now();
        assert_eq!(
            playing(4.0, now).position(now + SECOND),
            Some(position(4_000))
        );
        let back = playing(-2.0, now).position(now + SECOND).unwrap();
        assert_eq!(back.monotonic, position(0).monotonic - 2 * SECOND);
        assert_eq!(back.wall, position(0).wall - 2 * SECOND);
    }

    #[test]
    fn a_paused_picture_stays() {
        let now = Instant::now();
        let mut transport = playing(1.0, now);
        transport.pause(position(40), now + SECOND);
        assert_eq!(transport.position(now + 100 * SECOND), Some(position(40)));
        assert_eq!(transport.due(position(80).monotonic), None);
        transport.play(now + 100 * SECOND);
        assert_eq!(
            transport.position(now + 101 * SECOND),
            Some(position(1_040))
        );
    }

    #[test]
    fn time_stands_still_while_nobody_watches() {
        let now = Instant::now();
        let mut transport = Transport::at(position(0), Speed::NORMAL, false, now);
        assert_eq!(transport.position(now + SECOND), Some(position(0)));
        transport.set_watched(true, now + SECOND);
        transport.set_watched(false, now + 2 * SECOND);
        assert_eq!(transport.position(now + 9 * SECOND), Some(position(1_000)));
    }

    #[test]
    fn live_has_no_place_and_pausing_it_gives_it_one() {
        let now = Instant::now();
        let mut transport = playing(0.5, now);
        transport.go_live();
        assert_eq!(transport.position(now), None);
        assert_eq!(transport.speed(), Speed::NORMAL);
        transport.pause(position(7), now);
        assert!(!transport.is_live() && transport.is_paused());
        assert_eq!(transport.position(now + SECOND), Some(position(7)));
    }

    #[test]
    fn up_to_normal_speed_no_picture_is_left_out() {
        let now = Instant::now();
        for times in [1.0, 0.25, -1.0] {
            assert_eq!(playing(times, now).spacing(), Duration::ZERO);
        }
        let apart = playing(-16.0, now).spacing();
        assert!(apart.abs_diff(Duration::from_millis(533)) < Duration::from_millis(1));
    }

    /// What may be done to a session.
    #[derive(Clone, Debug)]
    enum Act {
        Wait(u64),
        GoTo(u64),
        Live,
        Pause(u64),
        Play,
        Speed(f64),
        Watched(bool),
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            (0u64..100_000).prop_map(Act::Wait),
            (0u64..100_000).prop_map(Act::GoTo),
            Just(Act::Live),
            (0u64..100_000).prop_map(Act::Pause),
            Just(Act::Play),
            prop_oneof![-16.0..-0.25, 0.25..16.0f64].prop_map(Act::Speed),
            any::<bool>().prop_map(Act::Watched),
        ];
        prop::collection::vec(act, 0..30)
    }

    fn do_all(acts: &[Act]) -> (Transport, Instant) {
        let mut now = Instant::now();
        let mut transport = Transport::live();
        for act in acts {
            match act {
                Act::Wait(millis) => now += Duration::from_millis(*millis),
                Act::GoTo(millis) => transport.go_to(position(*millis), now),
                Act::Live => transport.go_live(),
                Act::Pause(millis) => transport.pause(position(*millis), now),
                Act::Play => transport.play(now),
                Act::Speed(times) => transport.set_speed(speed(*times), now),
                Act::Watched(watched) => transport.set_watched(*watched, now),
            }
        }
        (transport, now)
    }

    proptest! {
        #[test]
        fn nothing_but_going_elsewhere_moves_it_at_once(
            acts in acts(), times in prop_oneof![-16.0..-0.25, 0.25..16.0f64], watched: bool,
        ) {
            let (mut transport, now) = do_all(&acts);
            let before = transport.position(now);
            transport.set_speed(speed(times), now);
            prop_assert_eq!(transport.position(now), before);
            transport.play(now);
            prop_assert_eq!(transport.position(now), before);
            transport.set_watched(watched, now);
            prop_assert_eq!(transport.position(now), before);
            prop_assert_eq!(transport.is_live(), before.is_none());
        }

        #[test]
        fn a_picture_is_due_when_the_position_comes_to_it(acts in acts(), ahead in 1u64..60_000) {
            let (transport, now) = do_all(&acts);
            if let Some(position) = transport.position(now) {
                let back = transport.speed().is_back();
                let picture = position.shifted(Duration::from_millis(ahead), back).monotonic;
                match transport.due(picture) {
                    Some(due) => {
                        prop_assert!(due >= now);
                        let then = transport.position(due).unwrap().monotonic;
                        prop_assert!(then.abs_diff(picture) < Duration::from_micros(10), "{then:?} {picture:?}");
                    }
                    None => prop_assert_eq!(transport.position(now + SECOND), Some(position)),
                }
            } else {
                prop_assert_eq!(transport.due(Duration::ZERO), None);
            }
        }

        #[test]
        fn what_lies_behind_is_due_at_once(acts in acts(), behind in 0u64..60_000) {
            let (transport, now) = do_all(&acts);
            if let Some(position) = transport.position(now) {
                let back = transport.speed().is_back();
                let picture = position.shifted(Duration::from_millis(behind), !back).monotonic;
                prop_assert!(transport.due(picture).is_none_or(|due| due <= now + Duration::from_micros(10)));
            }
        }
    }
}
