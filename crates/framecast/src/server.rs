//! Assembly: what starts, in which order, and how it stops.
//!
//! Stopping goes the other way: no new connections, every body ends because the hub closes its feeds, open recordings are
//! completed, the cameras close, and the process leaves within two seconds whatever happens. A second signal exits at once.

mod access;
mod certificate;
mod files;
mod listen;

use std::{io, path::Path, time::Duration};

use sd_notify::NotifyState;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    access::{Room, StoreError},
    catalog::{Catalog, Entry},
    config::{self, Config, Given, Listen},
    drivers::{Registry, push},
    recordings::Recordings,
    sinks::recorder::Mode,
    telemetry::Telemetry,
    tls,
    web::{self, App},
};
use access::Doorkeeper;
use certificate::Certificate;

/// How long cameras may take to close when the server stops.
const CLOSE: Duration = Duration::from_millis(1_800);
/// How often the state folder is looked at for other users and tokens.
const LOOK: Duration = Duration::from_secs(2);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not known who may watch.
    #[error("users and tokens can't be read: {0}")]
    Access(#[from] StoreError),
    /// An address can't be listened on.
    #[error("can't listen on {address}: {source}{}", hint(source))]
    Listen {
        /// The address.
        address: Listen,
        /// Why not.
        source: io::Error,
    },
    /// The sockets handed over by the supervisor can't be used.
    #[error("the sockets that were handed over can't be used: {0}")]
    Inherited(io::Error),
    /// There is no certificate to show.
    #[error("TLS: {0}")]
    Tls(#[from] tls::Error),
    /// The system refuses to tell of signals.
    #[error("signals can't be received: {0}")]
    Signals(io::Error),
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            " (another program has it: stop that one, or choose another address)"
        }
        io::ErrorKind::PermissionDenied => " (ports below 1024 need the right to be used)",
        _ => "",
    }
}

/// Everything a server is started with.
#[derive(Debug)]
pub struct Start {
    /// What is to be served, and where.
    pub config: Config,
    /// What `config` was made from, to make it again on a reload.
    pub given: Given,
    /// The kinds of source.
    pub registry: Registry,
    /// The ports that the registry's `push` scheme was made with.
    pub ports: push::Ports,
    /// Shows a line to whoever started it, and to nobody else: the address with the access token.
    pub show: fn(&str),
}

/// Runs a server until it is told to stop by SIGTERM or SIGINT.
///
/// # Errors
/// If it can't start. Once it runs, nothing that happens to a camera or a viewer ends it.
pub async fn run(start: Start) -> Result<(), Error> {
    let Start {
        config,
        given,
        registry,
        ports,
        show,
    } = start;
    let certificate = Certificate::new(&config)?;
    let (listeners, addresses) = certificate::listeners(&config, certificate.as_ref())?;
    let doorkeeper = Doorkeeper::new(&config, &addresses, show)?;
    // From here on a signal means a graceful stop.
    let mut signals = Signals::new().map_err(Error::Signals)?;
    let shutdown = CancellationToken::new();
    let recordings = recordings(&config);
    let catalog = Catalog::with_recordings(registry, ports, recordings);
    for camera in &config.cameras {
        add(&catalog, camera);
    }
    let mut app = App::new(
        catalog.clone(),
        config.limits.clone(),
        config.allow_origins.clone(),
        shutdown.clone(),
    );
    app.access = doorkeeper.access.clone();
    let room = Room::new(
        files::make_room(config.limits.connections),
        config.limits.connections_per_address,
        app.access.clone(),
    );
    app.telemetry = Telemetry::new(catalog.clone(), app.sessions.clone(), Some(room.clone()));
    let mut router = web::router(app);
    if !config.base_path.is_empty() {
        // Not `nest`, which leaves out the path with a slash at its end.
        router = axum::Router::new().nest_service(&config.base_path, router);
    }
    if let Some(max_age) = config.tls.as_ref().and_then(|tls| tls.hsts) {
        router = web::insist(router, max_age);
    }
    let router = web::called_by(router, &config.allow_hosts);
    let serving = tokio::spawn(web::serve(listeners, router, room, shutdown.clone()));
    for address in &addresses {
        match address {
            Listen::Tcp(address) => {
                info!(
                    "watch at {}://{address}{}/",
                    config.scheme(),
                    config.base_path
                );
            }
            Listen::Unix(path) => info!("listening on {}", path.display()),
        }
    }
    notify(&[NotifyState::Ready]);

    let mut keeper = Keeper {
        catalog: catalog.clone(),
        doorkeeper,
        certificate,
        config,
        given,
    };
    keeper.keep(&mut signals).await;

    info!("stopping");
    notify(&[NotifyState::Stopping]);
    tokio::spawn(async move {
        signals.stop().await;
        std::process::exit(130);
    });
    shutdown.cancel();
    let closing = async {
        let (_served, ()) = tokio::join!(serving, catalog.close());
    };
    if timeout(CLOSE, closing).await.is_err() {
        warn!("not everything closed in time");
    }
    for address in &addresses {
        if let Listen::Unix(path) = address {
            let _gone = std::fs::remove_file(path);
        }
    }
    Ok(())
}

/// The place to record to. One that can't be used comes back by itself; a server that has none shows its cameras all the
/// same.
fn recordings(config: &Config) -> Option<Recordings> {
    let root = match &config.storage.path {
        Some(path) => path.clone(),
        None => match config::state_folder() {
            Ok(state) => state.join("recordings"),
            Err(why) => {
                let wanted = |camera: &config::Camera| camera.record.mode != Mode::Off;
                if config.cameras.iter().any(wanted) {
                    error!("nothing is recorded: {why}, or `path` in [recordings]");
                }
                return None;
            }
        },
    };
    Some(Recordings::open(config.storage.settings(root)))
}

/// Adds a configured camera; a bad one is there too and shows what is wrong.
fn add(catalog: &Catalog, camera: &config::Camera) {
    let entry = Entry {
        request: camera.request.clone(),
        policy: camera.policy.clone(),
        record: camera.record,
    };
    if let Err(exists) = catalog.add_anyway(entry) {
        error!("{exists}");
    }
}

/// Looks after a running server: reloads, tells the supervisor that it is alive, waits for the end.
struct Keeper {
    catalog: Catalog,
    doorkeeper: Doorkeeper,
    certificate: Option<Certificate>,
    config: Config,
    given: Given,
}

impl Keeper {
    async fn keep(&mut self, signals: &mut Signals) {
        let mut file = self.config.file.as_deref().and_then(watch);
        // Twice as often as asked, as sd_watchdog_enabled(3) recommends.
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut alive = sd_notify::watchdog_enabled().map(|period| interval(period / 2));
        loop {
            tokio::select! {
                asked = signals.next() => match asked {
                    Asked::Stop => return,
                    Asked::Reload => {
                        notify_reloading();
                        self.reload();
                        if let Some(certificate) = &mut self.certificate {
                            certificate.read_again();
                        }
                        notify(&[NotifyState::Ready]);
                    }
                },
                () = changed(&mut file) => self.reload(),
                () = Certificate::wants_another(&mut self.certificate) => {
                    if let Some(certificate) = &mut self.certificate {
                        certificate.read_again();
                    }
                }
                _ = look.tick() => self.doorkeeper.look(&self.config),
                () = tick(&mut alive) => notify(&[NotifyState::Watchdog]),
            }
        }
    }

    /// Reads the configuration again. Cameras that did not change keep their viewers; a mistake changes nothing.
    fn reload(&mut self) {
        let new = match Config::load(&self.given, self.catalog.registry()) {
            Ok(new) => new,
            Err(mistakes) => {
                for mistake in mistakes.iter() {
                    error!("{mistake}");
                }
                error!("the configuration was not reloaded");
                return;
            }
        };
        let changes = config::changes(&self.config, &new);
        if let Some(recordings) = self.catalog.recordings() {
            // Another folder counts after a restart; the store stays in the one it has.
            let root = recordings.settings().root;
            recordings.change(&new.storage.settings(root));
        }
        for name in &changes.removed {
            if let Err(refused) = self.catalog.remove(name) {
                warn!("{refused}");
            }
        }
        for camera in &changes.added {
            add(&self.catalog, camera);
        }
        for camera in &changes.changed {
            let entry = Entry {
                request: camera.request.clone(),
                policy: camera.policy.clone(),
                record: camera.record,
            };
            if let Err(refused) = self.catalog.replace(entry) {
                warn!("{refused}");
            }
        }
        info!(
            "configuration reloaded: {} added, {} changed, {} removed",
            changes.added.len(),
            changes.changed.len(),
            changes.removed.len()
        );
        if !changes.needs_restart.is_empty() {
            warn!(
                "these changes count after a restart: {}",
                changes.needs_restart.join(", ")
            );
        }
        self.doorkeeper.reload(&new);
        self.config = new;
    }
}

fn watch(path: &Path) -> Option<config::Watch> {
    config::watch(path)
        .inspect_err(|error| {
            warn!(
                "changes of {} are not noticed by themselves (send SIGHUP to reload): {error}",
                path.display()
            );
        })
        .ok()
}

async fn changed(file: &mut Option<config::Watch>) {
    match file {
        Some(file) => file.changed().await,
        None => std::future::pending().await,
    }
}

async fn tick(alive: &mut Option<tokio::time::Interval>) {
    match alive {
        Some(alive) => {
            alive.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// Tells systemd, if it is there.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        warn!("the supervisor can't be told: {error}");
    }
}

/// systemd takes a reload for one only with the time at which it began.
fn notify_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(_) => notify(&[NotifyState::Reloading]),
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
enum Asked {
    Stop,
    Reload,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    async fn stop(&mut self) {
        while !matches!(self.next().await, Asked::Stop) {}
    }
}
