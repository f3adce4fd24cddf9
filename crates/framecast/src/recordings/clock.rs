//! Times as the files and the index hold them: nanoseconds since 1970, and since the machine's start.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use tz::UtcDateTime;

/// Nanoseconds since 1970; what 64 bits can't say becomes the nearest that they can.
pub(super) fn nanos(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
    }
}

/// The time that is so many nanoseconds after 1970.
pub(super) fn time(nanos: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    let time = if nanos < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    time.unwrap_or(UNIX_EPOCH)
}

/// A time so much later.
pub(super) fn after(time: SystemTime, duration: Duration) -> SystemTime {
    time.checked_add(duration).unwrap_or(time)
}

/// Translates the process's monotonic times to those of the machine, which another process of the same boot shares.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    instant: Instant,
    since_boot: Duration,
    /// The kernel's name for this start of the machine.
    pub(super) boot: String,
}

impl Machine {
    pub(super) fn now() -> Self {
        let clock = clock_gettime(ClockId::Monotonic);
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self {
            instant: Instant::now(),
            since_boot: Duration::new(
                u64::try_from(clock.tv_sec).unwrap_or_default(),
                u32::try_from(clock.tv_nsec).unwrap_or_default(),
            ),
            boot: boot.trim().to_owned(),
        }
    }

    pub(super) fn since_boot(&self, instant: Instant) -> Duration {
        match instant.checked_duration_since(self.instant) {
            Some(later) => self.since_boot + later,
            None => self
                .since_boot
                .saturating_sub(self.instant.duration_since(instant)),
        }
    }
}

/// The day and the name of the file that begins at a time: `2026-11-20` and `19-23-42.123Z`.
pub(super) fn names(start: SystemTime) -> (String, String) {
    let nanos = nanos(start);
    let seconds = nanos.div_euclid(1_000_000_000);
    let millis = nanos.rem_euclid(1_000_000_000) / 1_000_000;
    match UtcDateTime::from_timespec(seconds, 0) {
        Ok(date) => (
            format!(
                "{:04}-{:02}-{:02}",
                date.year(),
                date.month(),
                date.month_day()
            ),
            format!(
                "{:02}-{:02}-{:02}.{millis:03}Z",
                date.hour(),
                date.minute(),
                date.second()
            ),
        ),
        // Beyond what 64 bits of nanoseconds can be, so it never comes to this.
        Err(_) => ("undated".to_owned(), format!("{nanos}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_the_moment_it_begins() {
        let start = UNIX_EPOCH + Duration::from_millis(1_700_000_000_007);
        let (day, name) = names(start);
        assert_eq!((&*day, &*name), ("2023-11-14", "22-13-20.007Z"));
        let (day, name) = names(UNIX_EPOCH - Duration::from_millis(1));
        assert_eq!((&*day, &*name), ("1969-12-31", "23-59-59.999Z"));
    }

    #[test]
    fn nanoseconds_and_times_are_the_same() {
        for nanos_since in [0, 1, -1, 1_700_000_000_123_456_789, i64::MAX] {
            assert_eq!(nanos(time(nanos_since)), nanos_since);
        }
    }
}
