//! Viewers: many of them, for little.
//!
//! Most viewers discard what comes in the kernel (`MSG_TRUNC`) and only count bytes. A few, spread evenly over the order in
//! which all connected, read every byte and take the parts apart: they tell how old frames are, which of them were skipped,
//! and how many bytes a part has, which makes frames of the others' bytes. Each kind has a thread of its own.
//!
//! What does not belong here: servers, and what is good enough.

mod connect;
mod engine;
mod single;
mod viewer;
mod window;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Result, ensure};

use crate::process;

pub(crate) use connect::{connect, raise_limit, request};
pub(crate) use single::Single;
pub(crate) use window::Window;

/// Viewers that read every byte.
const SAMPLED: usize = 12;
/// How long all viewers together may take to get the heads of their answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where viewers go.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// The addresses of the cameras; viewers take turns.
    pub(crate) paths: Vec<String>,
}

/// What a viewer is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// Waits for the head of the answer.
    Waiting,
    /// Gets the stream.
    Served,
    /// Got another answer than a stream.
    Refused,
    /// The stream ended.
    Ended,
}

/// What the threads of the viewers tell.
#[derive(Debug)]
struct Tally {
    /// Of each viewer: bytes of the stream that were received.
    bytes: Vec<AtomicU64>,
    /// Of each viewer: its [`State`].
    states: Vec<AtomicU8>,
    samples: Mutex<Vec<Sample>>,
    /// Of each thread: processor time in nanoseconds, and the longest time from waking up to having read all that was there.
    own: [(AtomicU64, AtomicU64); 2],
    stop: AtomicBool,
}

/// A whole part that a reading viewer received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) viewer: usize,
    pub(crate) at: Instant,
    /// Number and age of the frame; none if it was encoded anew, and lost its birth.
    pub(crate) frame: Option<(u64, Duration)>,
    /// The place in the stream where the part was complete.
    pub(crate) end: u64,
}

impl Tally {
    fn enter(&self, viewer: usize, state: State) {
        self.states[viewer].store(state as u8, Relaxed);
    }

    fn count(&self, state: State) -> usize {
        let at = |it: &&AtomicU8| it.load(Relaxed) == state as u8;
        self.states.iter().filter(at).count()
    }
}

/// Viewers that watch until this is dropped.
#[derive(Debug)]
pub(crate) struct Load {
    tally: Arc<Tally>,
    sampled: Vec<usize>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Connects `viewers` viewers, one after the other, and waits until all have the head of their answer.
    pub(crate) fn connect(target: &Target, viewers: usize) -> Result<Self> {
        ensure!(viewers > 0, "without viewers nothing can be measured");
        let tally = Arc::new(Tally {
            bytes: (0..viewers).map(|_| AtomicU64::new(0)).collect(),
            states: (0..viewers).map(|_| AtomicU8::new(0)).collect(),
            samples: Mutex::default(),
            own: Default::default(),
            stop: AtomicBool::new(false),
        });
        let sampled = spread(viewers, SAMPLED.min(viewers.div_ceil(2)));
        let (discarding, discarded) = engine::Engine::new(engine::Kind::Discarding)?;
        let (reading, read) = engine::Engine::new(engine::Kind::Reading)?;
        let threads = [discarding, reading].map(|engine| {
            let tally = Arc::clone(&tally);
            thread::spawn(move || engine.run(&tally))
        });
        let load = Self {
            tally,
            sampled,
            threads: threads.into(),
        };
        for index in 0..viewers {
            let path = &target.paths[index % target.paths.len()];
            let socket = connect(target.address, index, None)?;
            request(&socket, target.address, path)?;
            let door = if load.sampled.contains(&index) {
                &read
            } else {
                &discarded
            };
            door.add(index, socket)?;
        }
        let begun = Instant::now();
        while load.tally.count(State::Waiting) > 0 && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(load)
    }

    /// Viewers in a state now.
    pub(crate) fn count(&self, state: State) -> usize {
        self.tally.count(state)
    }

    /// Watches for `time` and tells what came, and what the processes of the server took for it.
    pub(crate) fn measure(&self, server: &[u32], time: Duration) -> Result<Window> {
        let before = self.reading(server)?;
        thread::sleep(time);
        let after = self.reading(server)?;
        let samples = self.tally.samples.lock().map_or_else(
            |poisoned| poisoned.into_inner().clone(),
            |samples| samples.clone(),
        );
        Ok(Window::between(&before, &after, &samples, &self.sampled))
    }

    fn reading(&self, server: &[u32]) -> Result<Reading> {
        Ok(Reading {
            at: Instant::now(),
            cpu: process::cpu(server)?,
            this: process::cpu(&[std::process::id()])?,
            bytes: self.tally.bytes.iter().map(|it| it.load(Relaxed)).collect(),
            machine: process::Machine::now(),
            own: self
                .tally
                .own
                .iter()
                // The longest pass is one of this window: it begins at 0.
                .map(|(cpu, pass)| (cpu.load(Relaxed), pass.swap(0, Relaxed)))
                .collect(),
            served: self.count(State::Served),
        })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.tally.stop.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so on standard error.
            let _ended = thread.join();
        }
    }
}

/// All that is read at the begin and the end of a window.
#[derive(Debug)]
struct Reading {
    at: Instant,
    cpu: Duration,
    /// Processor time of this program.
    this: Duration,
    bytes: Vec<u64>,
    machine: process::Machine,
    own: Vec<(u64, u64)>,
    served: usize,
}

/// `few` of the numbers below `many`, evenly spread.
fn spread(many: usize, few: usize) -> Vec<usize> {
    (0..few).map(|n| (2 * n + 1) * many / (2 * few)).collect()
}

/// How long ago a frame was born. One from the future, by a step of the clock, is new.
fn age(born: SystemTime) -> Duration {
    SystemTime::now().duration_since(born).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_read_are_spread_over_all() {
        assert_eq!(spread(100, 2), [25, 75]);
        assert_eq!(spread(1, 1), [0]);
        assert_eq!(spread(3, 2), [0, 2]);
        assert!(spread(5000, 12).windows(2).all(|it| it[1] - it[0] > 400));
    }
}
