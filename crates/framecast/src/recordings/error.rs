//! What can go wrong with a store.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error as ThisError;

use super::index;

/// Why something can't be recorded or read back.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The store can't be used at present. It comes back by itself.
    #[error("{0}")]
    Unavailable(String),
    /// A file can't be written or read.
    #[error("{}: {}", path.display(), plain(source))]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no room for what the index should be told.
    #[error("the disk is full")]
    Full,
    /// The index can't be used.
    #[error("the index of the recordings: {0}")]
    Index(String),
    /// There is nothing of that number.
    #[error("there is no {what} {id}")]
    Unknown {
        /// What was asked for.
        what: &'static str,
        /// Its number.
        id: u64,
    },
}

/// What the system says, with what to do about the usual troubles of disks.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the quota is used up".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk can only be read".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "no right to write here; choose another folder with `path` in [recordings]".to_owned()
        }
        _ => error.to_string(),
    }
}

impl Error {
    /// Says which file an error is about.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// Where the store was is something else.
    pub(super) fn gone(root: &Path) -> Self {
        Self::Unavailable(format!(
            "{}: the disk with the recordings is gone; is it mounted?",
            root.display()
        ))
    }

    /// Whether there is no room on the disk.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Full => true,
            Self::File { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            ),
            _ => false,
        }
    }

    /// Whether a file is simply not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if index::is_full(&error) {
            return Self::Full;
        }
        Self::Index(error.to_string())
    }
}
