//! What processes cost: processor time and memory, of a server with all the processes it started.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use nix::{sys::time::TimeSpec, time::ClockId, unistd::Pid};

/// A process and its descendants.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, parent(&stat)?))
        })
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        found.extend(parents.iter().filter(|it| it.1 == pid).map(|it| it.0));
        next += 1;
    }
    found
}

/// The fields of a `/proc/PID/stat` behind the name, which may have spaces and brackets in it.
fn fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    Some(stat.rsplit_once(") ")?.1.split(' '))
}

fn parent(stat: &str) -> Option<u32> {
    fields(stat)?.nth(1)?.parse().ok()
}

/// User and system time of a `/proc/PID/stat` in clock ticks.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = fields(stat)?.skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// Processor time that these processes took since they began, with that of threads that have ended, but without that of
/// their fake webcams: what they do a real one does itself.
///
/// The clock of a process is what `utime + stime` of its `/proc/PID/stat` is rounded from: to ticks of ten milliseconds,
/// which would be a lot beside the work of a few viewers.
pub(crate) fn cpu(pids: &[u32]) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for pid in pids {
        let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(*pid as i32))
            .with_context(|| format!("process {pid} is gone"))?;
        sum += duration(clock.now()?);
    }
    let fake = webcams(pids).filter_map(|thread| {
        let times = fs::read_to_string(thread.join("schedstat")).ok()?;
        Some(Duration::from_nanos(times.split(' ').next()?.parse().ok()?))
    });
    Ok(sum.saturating_sub(fake.sum()))
}

/// Clock ticks that these processes took.
pub(crate) fn cpu_ticks(pids: &[u32]) -> Result<u64> {
    let mut sum = 0;
    for pid in pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
            .with_context(|| format!("process {pid} is gone"))?;
        sum += ticks(&stat).context("/proc/PID/stat has no times")?;
    }
    Ok(sum)
}

/// Processor time of the calling thread.
pub(crate) fn own_thread_cpu() -> Duration {
    ClockId::CLOCK_THREAD_CPUTIME_ID
        .now()
        .map(duration)
        .unwrap_or_default()
}

fn duration(time: TimeSpec) -> Duration {
    Duration::from(time)
}

/// Whether one of these processes has an open webcam that gives frames.
pub(crate) fn has_open_webcam(pids: &[u32]) -> bool {
    webcams(pids).next().is_some()
}

/// The threads of these processes' fake webcams, which have that name, as folders under `/proc`.
fn webcams(pids: &[u32]) -> impl Iterator<Item = PathBuf> {
    pids.iter().flat_map(|pid| {
        let threads = fs::read_dir(format!("/proc/{pid}/task"));
        let threads = threads.into_iter().flatten().flatten();
        threads.map(|thread| thread.path()).filter(|thread| {
            let name = fs::read_to_string(thread.join("comm"));
            name.is_ok_and(|name| name.trim() == "webcam")
        })
    })
}

/// Resident memory of these processes in bytes.
pub(crate) fn resident(pids: &[u32]) -> Result<u64> {
    let mut sum = 0;
    for pid in pids {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))
            .with_context(|| format!("process {pid} is gone"))?;
        sum += resident_of(&status).context("/proc/PID/status has no VmRSS")?;
    }
    Ok(sum)
}

fn resident_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Processors of the machine.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Ticks that all processors together were busy and idle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    busy: u64,
    idle: u64,
}

impl Machine {
    pub(crate) fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        Self::read(&stat).unwrap_or(Self { busy: 0, idle: 0 })
    }

    fn read(stat: &str) -> Option<Self> {
        let times: Vec<u64> = stat
            .lines()
            .next()?
            .strip_prefix("cpu ")?
            .split_whitespace()
            .filter_map(|time| time.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal, and guest times that are in user already.
        let idle = times.get(3)? + times.get(4)?;
        let all: u64 = times.iter().take(8).sum();
        Some(Self {
            busy: all - idle,
            idle,
        })
    }

    /// Share of the machine that was busy since then, from 0 to 1.
    pub(crate) fn busy_since(self, before: Self) -> f64 {
        let busy = self.busy.saturating_sub(before.busy) as f64;
        let idle = self.idle.saturating_sub(before.idle) as f64;
        if busy + idle > 0.0 {
            busy / (busy + idle)
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (a (b) c) S 7 42 42 0 -1 4194560 1 0 0 0 150 25 0 0 20 0 5 0 1 2 3";

    #[test]
    fn a_name_with_brackets_does_not_confuse_the_reader() {
        assert_eq!(parent(STAT), Some(7));
        assert_eq!(ticks(STAT), Some(175));
        assert_eq!(parent("nonsense"), None);
    }

    #[test]
    fn resident_memory_is_in_bytes() {
        assert_eq!(
            resident_of("Name:\tx\nVmRSS:\t    2048 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(resident_of("Name:\tx\n"), None);
    }

    #[test]
    fn waiting_for_a_disk_is_idle() {
        let before = Machine::read("cpu  100 0 100 600 100 0 100 0 0 0\ncpu0 1").unwrap();
        let after = Machine::read("cpu  200 0 100 650 150 0 200 0 0 0\ncpu0 1").unwrap();
        assert!((after.busy_since(before) - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn the_clock_of_a_process_runs_with_its_work() {
        let own = std::process::id();
        assert_eq!(tree(own)[0], own);
        let before = cpu(&[own]).unwrap();
        while own_thread_cpu() < Duration::from_millis(5) {}
        assert!(cpu(&[own]).unwrap() > before);
    }
}
