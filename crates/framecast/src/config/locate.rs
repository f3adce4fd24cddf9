use std::{
    env,
    path::{Path, PathBuf},
};

use super::Config;

impl Config {
    /// Where a file is that the configuration names and that may hold a secret: among systemd's credentials
    /// (`CREDENTIALS_DIRECTORY`), beside the configuration file, or as it is written.
    pub fn locate(&self, path: &Path) -> PathBuf {
        let credential =
            env::var_os("CREDENTIALS_DIRECTORY").map(|it| PathBuf::from(it).join(path));
        let beside = self
            .file
            .as_ref()
            .and_then(|file| Some(file.parent()?.join(path)));
        let found = credential.filter(|path| path.exists()).or(beside);
        found.unwrap_or_else(|| path.to_owned())
    }
}
