//! What one camera's frames went through, counted.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::{
    histogram::{Histogram, Observed},
    sent::Sent,
};

/// Counters of a camera and all its variants. They only ever rise, except [`viewers`](Self::viewers).
#[derive(Default)]
pub struct Stats {
    /// Viewers watching now.
    pub viewers: AtomicUsize,
    /// Times the camera was opened.
    pub opened: AtomicU64,
    /// Frames the camera gave that were published.
    pub frames: AtomicU64,
    /// JPEG bytes of those frames.
    pub bytes: AtomicU64,
    to_hub: Histogram,
    sent: Sent,
    dropped: Mutex<BTreeMap<&'static str, u64>>,
    mended: Mutex<BTreeMap<&'static str, u64>>,
}

impl Stats {
    /// Counts frames of the camera that never reached the feed.
    pub fn drop_frames(&self, reason: &'static str, frames: u64) {
        add(&self.dropped, reason, frames);
    }

    /// Counts a frame that was repaired at the door.
    pub fn mend_frame(&self, repair: &'static str) {
        add(&self.mended, repair, 1);
    }

    /// Counts a frame that the camera gave.
    pub(super) fn take_frame(&self, frame: &super::Frame) {
        self.frames.fetch_add(1, Relaxed);
        self.bytes.fetch_add(frame.jpeg.len() as u64, Relaxed);
        let took = frame
            .published
            .saturating_duration_since(frame.captured.monotonic);
        self.to_hub.observe(took);
    }

    /// Counts a frame that a sink hands to its viewer's connection, and the frames that the viewer missed before it.
    pub fn send_frame(&self, frame: &super::Frame, skipped: u64) {
        let bytes = frame.jpeg.len() as u64;
        self.sent.add(bytes, skipped, frame.published.elapsed());
    }

    /// Frames handed to viewers' connections.
    pub fn sent_frames(&self) -> u64 {
        self.sent.latency().count()
    }

    /// JPEG bytes of those frames.
    pub fn sent_bytes(&self) -> u64 {
        self.sent.bytes()
    }

    /// Frames that viewers skipped because their link was too slow for them.
    pub fn skipped(&self) -> u64 {
        self.sent.skipped()
    }

    /// From capture to publication.
    pub fn to_hub(&self) -> Observed {
        self.to_hub.read()
    }

    /// From publication to a viewer's connection.
    pub fn to_socket(&self) -> Observed {
        self.sent.latency()
    }

    /// Frames that never reached the feed, by reason.
    pub fn dropped(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.dropped).clone()
    }

    /// Frames that were repaired at the door, by repair.
    pub fn mended(&self) -> BTreeMap<&'static str, u64> {
        locked(&self.mended).clone()
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stats").finish_non_exhaustive()
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn add(map: &Mutex<BTreeMap<&'static str, u64>>, key: &'static str, count: u64) {
    *locked(map).entry(key).or_default() += count;
}

/// Frames a second, measured over the last few seconds.
#[derive(Debug, Default)]
pub(super) struct Rate(VecDeque<Instant>);

impl Rate {
    /// How far back the measurement reaches, except that the last two frames always count.
    const WINDOW: Duration = Duration::from_secs(3);

    pub(super) fn tick(&mut self, now: Instant) {
        self.0.push_back(now);
        while self.0.len() > 2 && now.duration_since(self.0[0]) > Self::WINDOW {
            self.0.pop_front();
        }
    }

    /// Zero when frames have stopped for longer than they usually take.
    pub(super) fn per_second(&self, now: Instant) -> f64 {
        let (Some(first), Some(last)) = (self.0.front(), self.0.back()) else {
            return 0.0;
        };
        let span = last.duration_since(*first);
        if self.0.len() < 2 || span.is_zero() {
            return 0.0;
        }
        let interval = span / (self.0.len() - 1) as u32;
        if now.saturating_duration_since(*last) > (interval * 3).max(Self::WINDOW) {
            return 0.0;
        }
        1.0 / interval.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(rate: f64, frames: u32) -> (Rate, Instant) {
        let mut meter = Rate::default();
        let mut now = Instant::now();
        for _ in 0..frames {
            meter.tick(now);
            now += Duration::from_secs_f64(1.0 / rate);
        }
        (meter, now)
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let (meter, now) = after(25.0, 200);
        assert!((meter.per_second(now) - 25.0).abs() < 0.1);
    }

    #[test]
    fn a_frame_a_minute_is_a_rate_too() {
        let (meter, now) = after(1.0 / 60.0, 5);
        assert!((meter.per_second(now) - 1.0 / 60.0).abs() < 0.001);
    }

    #[test]
    fn a_camera_that_stopped_has_no_rate() {
        let (meter, now) = after(25.0, 200);
        assert_eq!(meter.per_second(now + Duration::from_secs(4)), 0.0);
    }
}
