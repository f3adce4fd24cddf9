//! What was handed to viewers' connections, counted without the counting being felt.
//!
//! A thousand viewers count a thousand times for each frame, from all processors at once. Each thread therefore counts on a
//! cache line of its own, and who reads adds them up.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use super::histogram::{Histogram, Observed};

/// More than the processors of most machines; threads beyond share.
const SHARDS: usize = 8;

thread_local! {
    static SHARD: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Relaxed) % SHARDS
    };
}

/// Counters of what viewers got.
#[derive(Debug, Default)]
pub(super) struct Sent([Shard; SHARDS]);

/// Aligned to what processors fetch at a time.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    bytes: AtomicU64,
    skipped: AtomicU64,
    latency: Histogram,
}

impl Sent {
    pub(super) fn add(&self, bytes: u64, skipped: u64, latency: Duration) {
        let shard = &self.0[SHARD.with(|shard| *shard)];
        shard.bytes.fetch_add(bytes, Relaxed);
        if skipped > 0 {
            shard.skipped.fetch_add(skipped, Relaxed);
        }
        shard.latency.observe(latency);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.iter().map(|shard| shard.bytes.load(Relaxed)).sum()
    }

    pub(super) fn skipped(&self) -> u64 {
        self.0.iter().map(|shard| shard.skipped.load(Relaxed)).sum()
    }

    pub(super) fn latency(&self) -> Observed {
        self.0.iter().map(|shard| shard.latency.read()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_count_adds_up() {
        let sent = Sent::default();
        std::thread::scope(|scope| {
            for thread in 0..20 {
                let sent = &sent;
                scope.spawn(move || {
                    for _ in 0..1000 {
                        sent.add(10, thread % 2, Duration::from_micros(300));
                    }
                });
            }
        });
        assert_eq!(sent.bytes(), 200_000);
        assert_eq!(sent.skipped(), 10_000);
        let latency = sent.latency();
        assert_eq!(latency.count(), 20_000);
        assert!((latency.sum() - 6.0).abs() < 1e-6);
    }
}
