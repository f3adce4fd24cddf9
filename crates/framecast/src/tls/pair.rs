//! A certificate and its key, read from files.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};
use tokio_rustls::rustls::{
    self,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use x509_parser::{
    certificate::X509Certificate,
    extensions::GeneralName,
    prelude::{FromDer, X509Error},
};

use super::Error;

/// The largest file: chains have a few kilobytes.
const MOST: u64 = 1 << 20;

/// A certificate with those that vouch for it, and its key. Cheap to clone.
#[derive(Clone)]
pub struct Pair {
    certified: Arc<CertifiedKey>,
    until: SystemTime,
    names: Arc<[String]>,
}

impl Pair {
    /// Reads a pair in PEM form; both may be in one file.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let chain = read(certificate)?;
        let secret = if key == certificate {
            chain.clone()
        } else {
            read(key)?
        };
        Self::of(&chain, certificate, &secret, key)
    }

    /// Takes a pair out of the text of files; `certificate` and `key` are what the errors call them.
    pub(super) fn of(
        chain: &[u8],
        certificate: &Path,
        secret: &[u8],
        key: &Path,
    ) -> Result<Self, Error> {
        let bad = |why: &dyn fmt::Display| Error::BadCertificate {
            path: certificate.to_owned(),
            why: why.to_string(),
        };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|error| bad(&error))?;
        let first = chain.first().ok_or_else(|| Error::NoCertificate {
            path: certificate.to_owned(),
        })?;
        let (until, names) = about(first).map_err(|error| bad(&error))?;
        let secret = PrivateKeyDer::from_pem_slice(secret).map_err(|_| Error::NoKey {
            path: key.to_owned(),
        })?;
        let provider = aws_lc_rs::default_provider();
        let certified = CertifiedKey::from_der(chain, secret, &provider).map_err(|error| {
            let (certificate, key) = (certificate.to_owned(), key.to_owned());
            match error {
                rustls::Error::InconsistentKeys(_) => Error::Mismatch { certificate, key },
                rustls::Error::InvalidCertificate(why) => Error::BadCertificate {
                    path: certificate,
                    why: why.to_string(),
                },
                source => Error::BadKey { path: key, source },
            }
        })?;
        Ok(Self {
            certified: Arc::new(certified),
            until,
            names: names.into(),
        })
    }

    /// Until when the certificate counts.
    pub fn until(&self) -> SystemTime {
        self.until
    }

    /// The names and addresses that the certificate is for, in small letters.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The SHA-256 of the certificate as browsers show it: `AB:CD:…`.
    pub fn fingerprint(&self) -> String {
        let certificate = self.certified.end_entity_cert();
        let hash = Sha256::digest(certificate.map(AsRef::as_ref).unwrap_or_default());
        let pairs = hash.iter().map(|byte| format!("{byte:02X}"));
        pairs.collect::<Vec<_>>().join(":")
    }

    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }
}

/// Without the key.
impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

/// Whether they show the same certificate.
impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let read = || {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("this is no file"));
        }
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}

/// Until when a certificate counts, and for which names.
fn about(certificate: &[u8]) -> Result<(SystemTime, Vec<String>), X509Error> {
    let (_, certificate) = X509Certificate::from_der(certificate)?;
    let seconds = certificate.validity().not_after.timestamp();
    let until = SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
        .unwrap_or(SystemTime::UNIX_EPOCH);
    let names = certificate.subject_alternative_name()?;
    let names = names.iter().flat_map(|names| &names.value.general_names);
    Ok((until, names.filter_map(name).collect()))
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from);
            let address = v4.or_else(|_| v6()).ok()?;
            Some(address.to_string())
        }
        _ => None,
    }
}
