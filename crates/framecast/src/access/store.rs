//! The files in the state folder: users, tokens, sessions, the key, and the access token that a server made up.
//!
//! Each is written whole, under another name first, and readable by nobody else. Who writes may be root, for a service whose
//! user is another: a file belongs to whom its folder belongs.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

use super::{
    decide::Grant,
    secret::{Key, Secret},
    session::Sessions,
    token::Token,
};

const USERS: &str = "users.json";
const TOKENS: &str = "tokens.json";
const SESSIONS: &str = "sessions.json";
const KEY: &str = "key";
const ACCESS_TOKEN: &str = "token";

/// The state folder's part about access. The folder is made when something is first kept in it.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// A user as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredUser {
    /// What they may do.
    pub grant: Grant,
    /// The hash of the password.
    pub password_hash: String,
}

/// What the files are like that others than the server write: when, how long, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreVersion([Option<(SystemTime, u64, u64)>; 2]);

/// A file can't be used.
#[derive(Debug, Error)]
#[error("{}: {why}", path.display())]
pub struct StoreError {
    path: PathBuf,
    why: String,
}

impl Store {
    /// What is kept in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where a file of this store is.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where the access token is kept.
    pub fn access_token_path(&self) -> PathBuf {
        self.path(ACCESS_TOKEN)
    }

    /// The users by name.
    ///
    /// # Errors
    /// If the file is there and can't be understood.
    pub fn users(&self) -> Result<BTreeMap<String, StoredUser>, StoreError> {
        self.read(USERS)
    }

    /// Keeps the users.
    ///
    /// # Errors
    /// If they can't be written.
    pub fn save_users(&self, users: &BTreeMap<String, StoredUser>) -> Result<(), StoreError> {
        self.write(USERS, users)
    }

    /// The tokens.
    ///
    /// # Errors
    /// If the file is there and can't be understood.
    pub fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.read(TOKENS)
    }

    /// Keeps the tokens.
    ///
    /// # Errors
    /// If they can't be written.
    pub fn save_tokens(&self, tokens: &[Token]) -> Result<(), StoreError> {
        self.write(TOKENS, &tokens)
    }

    pub(super) fn sessions(&self) -> Result<Sessions, StoreError> {
        self.read(SESSIONS)
    }

    pub(super) fn save_sessions(&self, sessions: &Sessions) -> Result<(), StoreError> {
        self.write(SESSIONS, sessions)
    }

    /// The key that addresses are signed with; made now, if there is none.
    ///
    /// # Errors
    /// If it can't be read or kept.
    pub fn key(&self) -> Result<Key, StoreError> {
        let path = self.path(KEY);
        match self.text(KEY)? {
            Some(text) => Key::decode(&text).ok_or_else(|| {
                let why = "this is no key of 32 bytes in base64url; remove the file to have a new one made";
                StoreError::new(&path, why)
            }),
            None => {
                let key = Key::random().map_err(|error| StoreError::new(&path, &error))?;
                self.put(KEY, key.encode().expose().as_bytes())?;
                Ok(key)
            }
        }
    }

    /// The access token that a server made up, and whether that was just now.
    ///
    /// # Errors
    /// If it can't be read or kept.
    pub fn access_token(&self) -> Result<(Secret, bool), StoreError> {
        if let Some(text) = self.text(ACCESS_TOKEN)? {
            let text = text.trim();
            if text.len() >= 16 {
                return Ok((Secret::new(text), false));
            }
            let why = "a token has 16 characters at least; remove the file to have a new one made";
            return Err(StoreError::new(&self.path(ACCESS_TOKEN), why));
        }
        let random = |error| StoreError::new(&self.path(ACCESS_TOKEN), &error);
        let (_, token) = Token::make(String::new(), Grant::default(), None).map_err(random)?;
        self.put(ACCESS_TOKEN, token.expose().as_bytes())?;
        Ok((token, true))
    }

    /// Changes when one of the files does that others than the server write.
    pub fn version(&self) -> StoreVersion {
        StoreVersion([USERS, TOKENS].map(|name| {
            let metadata = fs::metadata(self.path(name)).ok()?;
            let modified = metadata.modified().ok()?;
            Some((modified, metadata.len(), metadata.ino()))
        }))
    }

    fn read<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, StoreError> {
        match self.text(name)? {
            Some(text) => serde_json::from_str(&text)
                .map_err(|error| StoreError::new(&self.path(name), &error)),
            None => Ok(T::default()),
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>, StoreError> {
        match fs::read_to_string(self.path(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::new(&self.path(name), &error)),
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), StoreError> {
        let text = serde_json::to_vec_pretty(value)
            .map_err(|error| StoreError::new(&self.path(name), &error))?;
        self.put(name, &text)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path(name);
        replace(&self.folder, &path, bytes).map_err(|error| StoreError::new(&path, &error))
    }
}

/// Writes a file under another name and renames it, so that whoever reads finds the old one or the new one.
fn replace(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let owner = fs::metadata(folder)?;
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let written = (|| {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (owner.uid(), owner.gid()) {
            fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    })();
    if written.is_err() {
        let _gone = fs::remove_file(&draft);
    }
    written
}

impl StoreError {
    /// What is wrong with the file at `path`.
    pub fn new(path: &Path, why: &(impl ToString + ?Sized)) -> Self {
        Self {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_made_up_is_the_same_the_next_time_and_nobody_elses_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("state"));
        assert_eq!(store.users().unwrap(), BTreeMap::new());
        let key = store.key().unwrap();
        let (token, new) = store.access_token().unwrap();
        assert!(new && super::super::is_token(token.expose()));
        assert_eq!(store.key().unwrap().sign(&["x"]), key.sign(&["x"]));
        let (again, new) = store.access_token().unwrap();
        assert_eq!((again.expose(), new), (token.expose(), false));
        store.save_tokens(&[]).unwrap();
        for entry in fs::read_dir(folder.path().join("state")).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_change_is_seen_and_a_broken_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_owned());
        let before = store.version();
        store.save_tokens(&[]).unwrap();
        assert_ne!(store.version(), before);
        fs::write(folder.path().join(USERS), "{").unwrap();
        let error = store.users().unwrap_err().to_string();
        assert!(error.contains("users.json: "), "{error}");
    }
}
