use std::{io, path::PathBuf};

use tokio_rustls::rustls;

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file holds no certificate.
    #[error("{}: there is no certificate in it; it must hold `-----BEGIN CERTIFICATE-----`", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A file holds no key that can be read.
    #[error("{}: there is no private key in it; it must hold `-----BEGIN PRIVATE KEY-----`, without a passphrase", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// A certificate can't be understood.
    #[error("{}: the certificate can't be understood: {why}", path.display())]
    BadCertificate {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A key can't be used.
    #[error("{}: the key can't be used: {source}", path.display())]
    BadKey {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// Key and certificate are not of one pair.
    #[error("{}: the key does not belong to the certificate in {}, whose own certificate must be the first in the file", key.display(), certificate.display())]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// No certificate could be made.
    #[error("no certificate can be made: {0}")]
    Make(#[from] rcgen::Error),
    /// The library refuses to work.
    #[error("connections can't be encrypted: {0}")]
    Unusable(rustls::Error),
}
