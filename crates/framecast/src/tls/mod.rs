//! Certificates: the one that the server shows, where it comes from, and how another takes its place while connections go on.
//!
//! What does not belong here: sockets and handshakes (`web::serve`), and when files are looked at again (`server`).

mod error;
mod pair;
mod self_signed;

use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::rustls::{
    crypto::aws_lc_rs,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

pub use tokio_rustls::rustls::ServerConfig;

pub use error::Error;
pub use pair::Pair;
pub use self_signed::{RENEW_BEFORE, SelfSigned};

/// The certificate that is shown from now on. Cheap to clone; all clones show the same.
#[derive(Clone, Debug)]
pub struct Shown(Arc<RwLock<Pair>>);

impl Shown {
    /// Shows this one.
    pub fn new(pair: Pair) -> Self {
        Self(Arc::new(RwLock::new(pair)))
    }

    /// Shows another to who comes from now on; connections that are open keep theirs.
    pub fn replace(&self, pair: Pair) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
    }

    /// What is shown at the moment.
    pub fn now(&self) -> Pair {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.clone()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now().certified())
    }
}

/// How connections are encrypted: TLS 1.2 and 1.3, HTTP/2 for those who know it. Who comes again need not do all of the handshake
/// again: what the server would have to remember is sealed in the client's ticket.
///
/// # Errors
/// If the system has no random numbers.
pub fn server_config(shown: &Shown) -> Result<Arc<ServerConfig>, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(Error::Unusable)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown.clone()));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(Error::Unusable)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}
