//! The folder in which a server keeps what it makes itself: keys, users, recordings.

use std::{
    env,
    ffi::OsString,
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// There is nowhere to keep anything.
#[derive(Debug, Error)]
#[error(
    "there is no folder to keep anything in: set FRAMECAST_STATE, STATE_DIRECTORY, XDG_STATE_HOME or HOME"
)]
pub struct NoState;

/// The folder in which this server keeps what it makes itself; it may not be there yet.
///
/// `FRAMECAST_STATE`, or what systemd made for the service (`STATE_DIRECTORY`), or the user's `XDG_STATE_HOME/framecast`,
/// or `~/.local/state/framecast`.
///
/// # Errors
/// [`NoState`] where the environment names none of these.
pub fn state_folder() -> Result<PathBuf, NoState> {
    state_folder_in(|variable| env::var_os(variable))
}

/// The same in an environment of your own.
///
/// # Errors
/// [`NoState`], as for [`state_folder`].
pub fn state_folder_in(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, NoState> {
    // By the XDG specification a path that is not absolute counts as none.
    let absolute = |name: &str| {
        let path = PathBuf::from(variable(name)?);
        path.is_absolute().then_some(path)
    };
    if let Some(folder) = variable("FRAMECAST_STATE").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    // systemd separates several folders by colons; ours is the first.
    if let Some(folders) = variable("STATE_DIRECTORY")
        && let Some(first) = env::split_paths(&folders).find(|folder| folder.is_absolute())
    {
        return Ok(first);
    }
    absolute("XDG_STATE_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/state")))
        .map(|folder| folder.join("framecast"))
        .ok_or(NoState)
}

/// Makes a folder with those above it, open to nobody else. One that is there stays as it is.
///
/// # Errors
/// If it can't be made.
pub fn make_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(variables: &[(&str, &str)]) -> Option<String> {
        let folder = state_folder_in(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.into())
        });
        folder.ok().map(|folder| folder.display().to_string())
    }

    #[test]
    fn what_is_said_wins_over_what_systemd_made_and_that_over_the_users() {
        let home = ("HOME", "/home/me");
        let xdg = ("XDG_STATE_HOME", "/state");
        let systemd = ("STATE_DIRECTORY", "/var/lib/framecast:/var/lib/other");
        let said = ("FRAMECAST_STATE", "here");
        for (variables, meant) in [
            (&[home][..], "/home/me/.local/state/framecast"),
            (&[home, xdg], "/state/framecast"),
            (&[home, xdg, systemd], "/var/lib/framecast"),
            (&[home, xdg, systemd, said], "here"),
        ] {
            assert_eq!(folder(variables).as_deref(), Some(meant));
        }
    }

    #[test]
    fn a_path_that_leads_from_wherever_one_is_counts_as_none() {
        assert_eq!(folder(&[("XDG_STATE_HOME", "state"), ("HOME", "")]), None);
        assert_eq!(folder(&[("STATE_DIRECTORY", "")]), None);
    }

    #[test]
    fn the_folder_is_private_where_it_is_made() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let made = folder.path().join("a/b");
        make_private(&made).unwrap();
        make_private(&made).unwrap();
        let mode = fs::metadata(&made).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
