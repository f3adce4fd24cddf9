//! How many files the process may have open, which bounds how many connections there can be.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Files for everything but connections: cameras, recordings and their index, exports, pipes to programs.
const OTHERS: usize = 1024;
/// The least of them, where the system is mean.
const FEW_OTHERS: usize = 128;

/// Raises the limit of open files as far as so many connections need, and says how many can be let in.
///
/// Not as far as it goes: programs that cameras run inherit the limit, and some walk through all the files there could be.
pub(super) fn make_room(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let (Some(now), most) = (limit.current, limit.maximum) else {
        return connections;
    };
    let wanted = connections.saturating_add(OTHERS) as u64;
    let mut allowed = now;
    if now < wanted {
        let raised = most.map_or(wanted, |most| most.min(wanted));
        let limit = Rlimit {
            current: Some(raised),
            maximum: most,
        };
        match setrlimit(Resource::Nofile, limit) {
            Ok(()) => allowed = raised,
            Err(error) => warn!("the limit of open files can't be raised from {now}: {error}"),
        }
    }
    let fits = fitting(connections, usize::try_from(allowed).unwrap_or(usize::MAX));
    if fits < connections {
        warn!(
            "only {fits} of {connections} `connections` are let in, for this process may open {allowed} files: raise that \
             limit (LimitNOFILE= of a systemd service, or `ulimit -Hn`)"
        );
    }
    fits
}

/// How many connections leave enough of the files that may be open for everything else.
fn fitting(connections: usize, files: usize) -> usize {
    let others = OTHERS.min(files / 4).max(FEW_OTHERS);
    connections.min(files.saturating_sub(others).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_everything_else() {
        assert_eq!(fitting(1000, 2024), 1000);
        assert_eq!(fitting(1000, 1_048_576), 1000);
        assert_eq!(fitting(1000, 1024), 768);
        assert_eq!(fitting(5, 1024), 5);
        assert_eq!(fitting(1000, 256), 128);
        assert_eq!(fitting(1000, 10), 1);
    }
}
