//! A process group that was started here: whether it still runs, and its end.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{
        Pid, Signal, WaitOptions, WaitStatus, kill_process_group, test_kill_process_group, waitpgid,
    },
};

/// How long the group may take to end after SIGTERM: less than the server itself has when it stops.
const GRACE: Duration = Duration::from_secs(1);

/// How long after SIGKILL the group is still waited for.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// The group of a child that leads it.
pub(super) struct Group {
    leader: Pid,
    /// The leader's, once it was waited for.
    status: Option<WaitStatus>,
}

impl Group {
    /// The group of a child that was started as the leader of one, and that nobody else waits for.
    pub(super) fn led_by(leader: Pid) -> Self {
        Self {
            leader,
            status: None,
        }
    }

    /// How the leader exited, if it has.
    pub(super) fn status(&mut self) -> Option<WaitStatus> {
        // Waits for whatever of the group is our child and has ended: the leader, and orphans where this process is init.
        while let Ok(Some((pid, status))) = waitpgid(self.leader, WaitOptions::NOHANG) {
            if pid == self.leader {
                self.status = Some(status);
            }
        }
        self.status
    }

    /// Ends all of it, by force if need be, and returns when it is gone.
    pub(super) fn end(&mut self) {
        if self.is_gone() {
            return;
        }
        for (signal, grace) in [(Signal::TERM, GRACE), (Signal::KILL, LAST_GRACE)] {
            // It fails only if the group is gone, which is what it is for.
            let _gone = kill_process_group(self.leader, signal);
            if self.is_gone_within(grace) {
                return;
            }
        }
        let group = self.leader.as_raw_nonzero();
        tracing::warn!("process group {group} is still there after SIGKILL");
    }

    fn is_gone_within(&mut self, grace: Duration) -> bool {
        let deadline = Instant::now() + grace;
        let mut pause = Duration::from_millis(1);
        while !self.is_gone() {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
        true
    }

    fn is_gone(&mut self) -> bool {
        self.status();
        // The id isn't given to a new process as long as it is the group's, so up to this answer it can't be a stranger's.
        if test_kill_process_group(self.leader) == Err(Errno::SRCH) {
            return true;
        }
        let dead = self.is_dead();
        // Some of those may be ours, ended since they were last waited for.
        self.status();
        dead
    }

    /// Whether only zombies are left, which a lazy init has not waited for: the signal above still finds those.
    fn is_dead(&self) -> bool {
        let group = self.leader.as_raw_nonzero().to_string();
        let Ok(processes) = fs::read_dir("/proc") else {
            return false;
        };
        let mut members = processes.filter_map(|process| {
            let stat = fs::read_to_string(process.ok()?.path().join("stat")).ok()?;
            // `PID (NAME) STATE PARENT GROUP …`, and the name may hold anything.
            let mut fields = stat.rsplit(')').next()?.split_whitespace();
            let state = fields.next()?.to_owned();
            (fields.nth(1)? == group).then_some(state)
        });
        let first = members.next();
        first.is_some_and(|state| state == "Z") && members.all(|state| state == "Z")
    }
}
