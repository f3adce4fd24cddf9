//! The certificate of a running server: where it comes from, and when another takes its place.

use std::{
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::select_all;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

use super::{
    Error,
    listen::{self, Socket},
};
use crate::{
    config::{self, Config, Identity, Listen, Tls},
    tls::{self, Pair, SelfSigned, Shown},
    web::{Https, Listener, Speaks, ToHttps},
};

/// How often the end of the certificate's time is looked at.
const LOOK: Duration = Duration::from_secs(3600);

/// What is shown, and what it was made from.
#[derive(Debug)]
pub(super) struct Certificate {
    source: Source,
    shown: Shown,
    server: Arc<tls::ServerConfig>,
    watches: Vec<config::Watch>,
    next_look: Instant,
}

#[derive(Debug)]
enum Source {
    Files { certificate: PathBuf, key: PathBuf },
    SelfSigned(SelfSigned),
}

impl Source {
    fn of(tls: &Tls, config: &Config) -> Self {
        match &tls.identity {
            Identity::Files { certificate, key } => Self::Files {
                certificate: config.locate(certificate),
                key: config.locate(key),
            },
            Identity::SelfSigned => {
                Self::SelfSigned(SelfSigned::new(config::state_folder().ok(), &names(config)))
            }
        }
    }

    fn pair(&self) -> Result<Pair, tls::Error> {
        match self {
            Self::Files { certificate, key } => Pair::load(certificate, key),
            Self::SelfSigned(own) => own.pair(SystemTime::now()),
        }
    }

    /// Says what is to be known of a certificate that is shown from now on.
    fn tell(&self, pair: &Pair) {
        match self {
            Self::SelfSigned(_) => info!(
                "the certificate was made by this server; compare its SHA-256 fingerprint with what the browser shows: {}",
                pair.fingerprint()
            ),
            Self::Files { certificate, key } => {
                info!("the certificate is that of {}", certificate.display());
                let left = pair.until().duration_since(SystemTime::now());
                match left.map(|left| left.as_secs() / (24 * 3600)) {
                    Err(_) => warn!("the certificate's time is over: browsers refuse it"),
                    Ok(days) if days < 7 => {
                        warn!("the certificate's time is over in {days} days");
                    }
                    Ok(_) => {}
                }
                let mode = key.metadata().map(|key| key.permissions().mode());
                if mode.is_ok_and(|mode| mode & 0o004 != 0) {
                    warn!(
                        "everyone on this machine can read the key in {} (chmod o= keeps others out)",
                        key.display()
                    );
                }
            }
        }
    }
}

impl Certificate {
    /// The one that is configured, if one is.
    ///
    /// # Errors
    /// If it can't be used.
    pub(super) fn new(config: &Config) -> Result<Option<Self>, Error> {
        let Some(tls) = &config.tls else {
            return Ok(None);
        };
        let source = Source::of(tls, config);
        // Before they are read, so that no change falls in between.
        let watches = match &source {
            Source::Files { certificate, key } if certificate == key => watch(&[certificate]),
            Source::Files { certificate, key } => watch(&[certificate, key]),
            Source::SelfSigned(_) => Vec::new(),
        };
        let pair = source.pair()?;
        source.tell(&pair);
        let shown = Shown::new(pair);
        Ok(Some(Self {
            server: tls::server_config(&shown)?,
            source,
            shown,
            watches,
            next_look: Instant::now() + LOOK,
        }))
    }

    /// Returns when a file has changed, or when it is time to look whether the certificate still counts. Safe to cancel.
    pub(super) async fn wants_another(certificate: &mut Option<Self>) {
        let Some(certificate) = certificate else {
            return std::future::pending().await;
        };
        let time = sleep_until(certificate.next_look);
        let changes = certificate.watches.iter_mut();
        let changes: Vec<_> = changes.map(|watch| Box::pin(watch.changed())).collect();
        if changes.is_empty() {
            time.await;
        } else {
            tokio::select! {
                _ = select_all(changes) => {}
                () = time => {}
            }
        }
    }

    /// Shows what the files hold now; what can't be used changes nothing.
    pub(super) fn read_again(&mut self) {
        self.next_look = Instant::now() + LOOK;
        match self.source.pair() {
            Ok(pair) if pair == self.shown.now() => {}
            Ok(pair) => {
                info!("another certificate is shown from now on");
                self.source.tell(&pair);
                self.shown.replace(pair);
            }
            Err(error) => error!("the certificate is the one from before: {error}"),
        }
    }
}

fn watch(paths: &[&PathBuf]) -> Vec<config::Watch> {
    let paths = paths.iter().map(|path| path.as_path());
    paths.filter_map(super::watch).collect()
}

/// The names and addresses by which this machine may be called.
fn names(config: &Config) -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    let host = rustix::system::uname();
    if let Ok(host) = host.nodename().to_str() {
        names.push(host.to_owned());
        if !host.contains('.') {
            names.push(format!("{host}.local"));
        }
    }
    names.extend(["127.0.0.1", "::1"].map(str::to_owned));
    for address in &config.listen {
        if let Listen::Tcp(address) = address
            && !address.ip().is_unspecified()
        {
            names.push(address.ip().to_canonical().to_string());
        }
    }
    let hosts = config.allow_hosts.iter().filter(|host| *host != "*");
    names.extend(hosts.cloned());
    names
}

/// Where connections come from, what is spoken there, and by which addresses they can be watched.
///
/// # Errors
/// If an address can't be listened on.
pub(super) fn listeners(
    config: &Config,
    certificate: Option<&Certificate>,
) -> Result<(Vec<Listener>, Vec<Listen>), Error> {
    let hosts = &config.allow_hosts;
    let speaks = match certificate {
        None => Speaks::Http,
        Some(certificate) => Speaks::Https(Https::new(
            Arc::clone(&certificate.server),
            ToHttps::same_port(hosts),
        )),
    };
    let mut listeners = Vec::new();
    let mut addresses = Vec::new();
    let mut add = |socket, address, speaks| {
        listeners.push(match socket {
            Socket::Tcp(socket) => Listener::Tcp(socket, speaks),
            Socket::Unix(socket) => Listener::Unix(socket),
        });
        addresses.extend(address);
    };
    let mut encrypted = None;
    for (socket, address) in listen::sockets(config)? {
        if let Listen::Tcp(address) = &address {
            encrypted.get_or_insert(address.port());
        }
        add(socket, Some(address), speaks.clone());
    }
    if let (Some(tls), Some(port)) = (&config.tls, encrypted) {
        for (socket, address) in listen::redirecting(tls)? {
            info!("requests to http://{address} are sent on to https");
            let elsewhere = ToHttps::port(port, hosts);
            add(socket, None, Speaks::Elsewhere(elsewhere));
        }
    }
    Ok((listeners, addresses))
}
