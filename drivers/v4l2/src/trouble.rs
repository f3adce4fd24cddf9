//! What went wrong, in words: from the kernel's error numbers to a sentence that says what to do.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use framecast_camera::{Error, ErrorKind};
use rustix::io::Errno;

/// How long udev may take to give a new node its group.
const SETTLING: Duration = Duration::from_secs(2);

/// The device at `path` could not be opened.
pub(crate) fn opening(path: &Path, error: io::Error) -> Error {
    let shown = path.display();
    let (kind, message) = match Errno::from_io_error(&error) {
        Some(Errno::NOENT | Errno::NXIO | Errno::NODEV | Errno::NOTDIR) => (
            ErrorKind::Unavailable,
            format!("{shown} is not there: is the camera plugged in?"),
        ),
        Some(Errno::ACCESS | Errno::PERM) if is_new(path) => (
            ErrorKind::Unavailable,
            format!("{shown} is only just being set up"),
        ),
        Some(Errno::ACCESS | Errno::PERM) => (
            ErrorKind::Denied,
            format!(
                "{shown} may not be opened: add the user to the group `video` and log in again"
            ),
        ),
        Some(Errno::BUSY) => (ErrorKind::Busy, busy(path)),
        _ => (ErrorKind::Unavailable, format!("{shown} can't be opened")),
    };
    told(kind, message, error)
}

/// The device at `path` refused something while it was being set up. `what` completes "it refuses to".
pub(crate) fn starting(path: &Path, what: &str, error: io::Error) -> Error {
    let shown = path.display();
    let (kind, message) = match Errno::from_io_error(&error) {
        Some(Errno::BUSY) => (ErrorKind::Busy, busy(path)),
        Some(Errno::NODEV | Errno::NXIO | Errno::IO | Errno::PIPE | Errno::PROTO) => {
            (ErrorKind::Lost, lost(path))
        }
        Some(Errno::NOSPC) => (
            ErrorKind::Busy,
            format!(
                "the USB bus has no room left for {shown}: ask for a smaller size or rate, or use another port"
            ),
        ),
        _ => (ErrorKind::Broken, format!("{shown} refuses to {what}")),
    };
    told(kind, message, error)
}

/// The device at `path` failed while its frames were being read.
pub(crate) fn reading(path: &Path, error: io::Error) -> Error {
    match Errno::from_io_error(&error) {
        Some(Errno::NODEV | Errno::NXIO | Errno::IO | Errno::PIPE | Errno::PROTO) => {
            told(ErrorKind::Lost, lost(path), error)
        }
        _ => told(
            ErrorKind::Broken,
            format!("{} stopped giving pictures", path.display()),
            error,
        ),
    }
}

fn lost(path: &Path) -> String {
    format!("{} was unplugged or failed", path.display())
}

fn busy(path: &Path) -> String {
    let shown = path.display();
    match holder(path) {
        Some(holder) => format!("{shown} is being used by {holder}"),
        None => format!("{shown} is being used by another program"),
    }
}

fn told(kind: ErrorKind, message: String, error: io::Error) -> Error {
    Error::new(kind, message).with_source(error)
}

/// Whether the node was made a moment ago.
fn is_new(path: &Path) -> bool {
    let Ok(metadata) = fs::metadata(path) else {
        return false;
    };
    let changed = Duration::from_secs(u64::try_from(metadata.ctime()).unwrap_or_default());
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.is_ok_and(|now| now.saturating_sub(changed) < SETTLING)
}

/// Which process has the device open, by name and number; nothing if that can't be seen.
fn holder(path: &Path) -> Option<String> {
    let node = fs::canonicalize(path).ok()?;
    let own = std::process::id();
    let mut processes: Vec<u32> = fs::read_dir("/proc")
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&process| process != own && has_open(process, &node))
        .collect();
    processes.sort_unstable();
    let Some(process) = processes.first() else {
        // The caller itself has it open once. Twice is another camera of this program.
        return (count_open(own, &node) > 1).then(|| "another camera of this program".to_owned());
    };
    let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    Some(format!("{} (process {process})", name.trim()))
}

fn has_open(process: u32, node: &Path) -> bool {
    count_open(process, node) > 0
}

fn count_open(process: u32, node: &Path) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd"));
    let targets = descriptors
        .into_iter()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| target == node).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMERA: &str = "/dev/video-of-a-test";

    fn kind(error: fn(&Path, io::Error) -> Error, number: Errno) -> ErrorKind {
        error(Path::new(CAMERA), number.into()).kind()
    }

    #[test]
    fn each_error_of_opening_has_its_kind() {
        assert_eq!(kind(opening, Errno::NOENT), ErrorKind::Unavailable);
        assert_eq!(kind(opening, Errno::NODEV), ErrorKind::Unavailable);
        assert_eq!(kind(opening, Errno::BUSY), ErrorKind::Busy);
        let denied = opening(Path::new(CAMERA), Errno::ACCESS.into());
        assert_eq!(denied.kind(), ErrorKind::Denied);
        assert!(denied.to_string().contains("group `video`"), "{denied}");
    }

    #[test]
    fn each_error_of_starting_and_reading_has_its_kind() {
        let start = |path: &Path, error| starting(path, "start", error);
        assert_eq!(kind(start, Errno::INVAL), ErrorKind::Broken);
        assert_eq!(kind(start, Errno::BUSY), ErrorKind::Busy);
        assert_eq!(kind(start, Errno::NOSPC), ErrorKind::Busy);
        assert_eq!(kind(start, Errno::NODEV), ErrorKind::Lost);
        assert_eq!(kind(reading, Errno::NODEV), ErrorKind::Lost);
        assert_eq!(kind(reading, Errno::IO), ErrorKind::Lost);
        assert_eq!(kind(reading, Errno::INVAL), ErrorKind::Broken);
    }

    #[test]
    fn a_node_that_was_only_just_made_is_waited_for() {
        let node = tempfile::NamedTempFile::new().unwrap();
        let error = opening(node.path(), Errno::ACCESS.into());
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn who_has_the_camera_is_told_by_name_and_number() {
        let node = tempfile::NamedTempFile::new().unwrap();
        let reader = fs::File::open(node.path()).unwrap();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .stdin(reader)
            .spawn()
            .unwrap();
        let told = starting(node.path(), "start", Errno::BUSY.into()).to_string();
        child.kill().unwrap();
        child.wait().unwrap();
        let expected = format!("used by sleep (process {})", child.id());
        assert!(told.contains(&expected), "{told}");
    }
}
