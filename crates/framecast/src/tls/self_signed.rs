//! A certificate that the server makes itself and that nobody vouches for, kept in the state folder.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use tempfile::NamedTempFile;
use tracing::warn;

use super::{Error, Pair};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// For how long one counts. Some systems refuse those that count for much more than a year.
const LASTS: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long before the end of its time a certificate wants another in its place.
pub const RENEW_BEFORE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Clocks of clients may be behind.
const CLOCKS_DIFFER: Duration = DAY;
/// Certificate and key, in one file so that they are always of one pair.
const FILE: &str = "self-signed.pem";

/// Where the certificate is kept, and which names it is for.
#[derive(Clone, Debug)]
pub struct SelfSigned {
    /// The state folder; without one, the certificate is another after each start.
    folder: Option<PathBuf>,
    names: Vec<String>,
}

impl SelfSigned {
    /// A certificate for these names and addresses, kept in `folder`.
    pub fn new(folder: Option<PathBuf>, names: &[String]) -> Self {
        let mut own = Vec::new();
        for name in names.iter().map(|name| name.to_ascii_lowercase()) {
            // What can't be in a certificate is no reason to have none.
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
            if !name.is_empty() && name.chars().all(is_plain) && !own.contains(&name) {
                own.push(name);
            }
        }
        Self { folder, names: own }
    }

    /// The file that holds it, if it is kept.
    pub fn path(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(FILE))
    }

    /// The certificate that is kept, or a new one where there is none, where it soon ends, or where a name is missing in it.
    ///
    /// # Errors
    /// If none can be made. One that can't be kept is used all the same.
    pub fn pair(&self, now: SystemTime) -> Result<Pair, Error> {
        let path = self.path();
        if let Some(path) = &path
            && let Some(pair) = kept(path)
            && self.will_do(&pair, now)
        {
            return Ok(pair);
        }
        let text = self.make(now)?;
        match path.as_deref().map(|path| keep(path, &text)) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                warn!("the certificate will be another after a restart: {error}");
            }
            None => {
                warn!("the certificate will be another after a restart: there is no state folder")
            }
        }
        let place = path.unwrap_or_else(|| FILE.into());
        Pair::of(text.as_bytes(), &place, text.as_bytes(), &place)
    }

    fn will_do(&self, pair: &Pair, now: SystemTime) -> bool {
        now + RENEW_BEFORE < pair.until() && self.names.iter().all(|it| pair.names().contains(it))
    }

    /// Certificate and key in PEM form.
    fn make(&self, now: SystemTime) -> Result<String, Error> {
        let mut params = CertificateParams::new(self.names.clone())?;
        params.not_before = (now - CLOCKS_DIFFER).into();
        params.not_after = (now + LASTS).into();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "framecast");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(certificate.pem() + &key.serialize_pem())
    }
}

/// What was kept before, if it can be used.
fn kept(path: &Path) -> Option<Pair> {
    if !path.exists() {
        return None;
    }
    Pair::load(path, path)
        .inspect_err(|error| warn!("another certificate is made: {error}"))
        .ok()
}

/// Writes the file under another name first, and readable by its owner only.
fn keep(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.exists() {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn made(folder: &Path, names: &[&str]) -> SelfSigned {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        SelfSigned::new(Some(folder.join("state")), &names)
    }

    #[test]
    fn it_is_kept_and_nobody_elses_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let own = made(
            folder.path(),
            &["Octopi", "127.0.0.1", "::1", "not a name", ""],
        );
        let now = SystemTime::now();
        let first = own.pair(now).unwrap();
        assert_eq!(first.names(), ["octopi", "127.0.0.1", "::1"]);
        assert_eq!(own.pair(now).unwrap(), first);
        let mode = fs::metadata(own.path().unwrap())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        // 32 bytes, and colons between them.
        assert_eq!(first.fingerprint().len(), 32 * 3 - 1);
    }

    #[test]
    fn another_is_made_before_it_ends_and_for_names_that_are_missing() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let first = made(folder.path(), &["octopi"]).pair(now).unwrap();
        let later = now + LASTS - RENEW_BEFORE - DAY;
        assert_eq!(made(folder.path(), &["octopi"]).pair(later).unwrap(), first);
        let second = made(folder.path(), &["octopi"])
            .pair(later + 2 * DAY)
            .unwrap();
        assert_ne!(second, first);
        assert!(second.until() > first.until());
        let third = made(folder.path(), &["octopi", "pi.lan"])
            .pair(later + 2 * DAY)
            .unwrap();
        assert_eq!(third.names(), ["octopi", "pi.lan"]);
        // One name less is no reason.
        let fourth = made(folder.path(), &["octopi"]).pair(later + 2 * DAY);
        assert_eq!(fourth.unwrap(), third);
    }

    #[test]
    fn what_is_broken_is_replaced_and_what_cannot_be_kept_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let own = made(folder.path(), &["localhost"]);
        let now = SystemTime::now();
        let first = own.pair(now).unwrap();
        fs::write(own.path().unwrap(), "-----BEGIN").unwrap();
        assert_ne!(own.pair(now).unwrap(), first);
        let nowhere = SelfSigned::new(None, &["localhost".to_owned()]);
        assert_eq!(nowhere.pair(now).unwrap().names(), ["localhost"]);
        let below_a_file = own.path().unwrap().join("state");
        let below_a_file = SelfSigned::new(Some(below_a_file), &["localhost".to_owned()]);
        assert_eq!(below_a_file.pair(now).unwrap().names(), ["localhost"]);
    }
}
