//! What the user wants, from one TOML file, the environment and flags, in rising precedence.
//!
//! What was typed ([`Given`], and the file's text) is resolved here, once, to a [`Config`]; nobody behind this module sees
//! a text that still has to be parsed, or asks which of two settings wins. A mistake is never fatal by itself: all of
//! them are collected as [`Mistakes`], each with its place and what to do about it.
//!
//! What does not belong here: acting on any of it (`server`), reading flags (`cli`) and knowing what a driver makes of its
//! source (`drivers`).

mod changes;
mod draft;
mod file;
mod inline;
mod keys;
mod listen;
mod locate;
mod mistakes;
mod name;
mod state;
mod tls;
mod users;
mod value;
mod watch;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    access::{IpNet, Role},
    drivers::{Registry, Request},
    hub::Policy,
    recordings::Settings,
    sinks::recorder,
};

pub use changes::{Changes, changes};
pub use draft::Given;
pub use listen::Listen;
pub use mistakes::{Mistake, Mistakes, Place};
pub use name::{BadName, check_name};
pub use state::{NoState, make_private, state_folder, state_folder_in};
pub use tls::{Identity, Tls};
pub use users::{Password, User, check_user_name};
pub use value::{parse_duration, parse_size};
pub use watch::{Watch, watch};

/// Everything that the server is told, resolved and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where to listen; at least one address.
    pub listen: Vec<Listen>,
    /// How connections by TCP are encrypted; `None` if they are not.
    pub tls: Option<Tls>,
    /// What all paths start with behind a proxy: empty, or `/cameras` without a slash at its end.
    pub base_path: String,
    /// The cameras in the file's order, followed by those of the environment and the command line.
    pub cameras: Vec<Camera>,
    /// Where recordings are kept, and how much of them.
    pub storage: Storage,
    /// How much the server takes on.
    pub limits: Limits,
    /// The names by which the server may be called besides addresses and names that only a local network knows; `*` for all.
    pub allow_hosts: Vec<String>,
    /// The other web sites that may show the cameras: origins such as `https://example.org`, or `*` for all.
    pub allow_origins: Vec<String>,
    /// Whether everyone may do everything without a password, on whatever address.
    pub no_auth: bool,
    /// The users of the file; there may be others in the state folder.
    pub users: Vec<User>,
    /// Where the proxies are that tell the address of a client in `X-Forwarded-For`.
    pub trusted_proxies: Vec<IpNet>,
    /// What programs of this machine may do without logging in.
    pub local_role: Option<Role>,
    /// What is logged and how.
    pub log: Log,
    /// The file that all this came from, if there is one.
    pub file: Option<PathBuf>,
}

/// One camera and the rules by which it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Camera {
    /// What the driver is asked for.
    pub request: Request,
    /// How the hub runs it.
    pub policy: Policy,
    /// How it is recorded.
    pub record: recorder::Plan,
    /// The networks from which alone it can be reached; empty for all.
    pub networks: Vec<IpNet>,
}

/// Where recordings are kept, and how much of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// The folder; `None` for `recordings` in the [state folder](state_folder).
    pub path: Option<PathBuf>,
    /// For how long cameras that say nothing themselves are kept; `None` is for ever.
    pub keep: Option<Duration>,
    /// Bytes of all cameras together; `None` is no limit.
    pub max_size: Option<u64>,
    /// Bytes that are kept free on the disk.
    pub min_free: u64,
    /// The time after which a file ends and the next begins.
    pub segment: Duration,
}

impl Storage {
    /// The same for the store, whose folder is `root`.
    pub fn settings(&self, root: PathBuf) -> Settings {
        Settings {
            root,
            segment: self.segment,
            keep: self.keep,
            max_size: self.max_size,
            min_free: self.min_free,
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            path: None,
            keep: None,
            max_size: None,
            min_free: 1 << 30,
            segment: Duration::from_secs(60),
        }
    }
}

/// How much the server takes on before it tells the next one to come back later.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Connections open at the same time.
    pub connections: usize,
    /// Requests that may wait at the same time for a camera to open.
    pub waiting: usize,
    /// Bytes of the largest frame that a sender may push.
    pub frame_bytes: usize,
    /// Frames a second that one sender may push.
    pub push_rate: f64,
}

/// What is logged and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A level, or a filter such as `info,framecast::hub=debug`.
    pub filter: String,
    /// One JSON object a line in place of text.
    pub json: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![Listen::default()],
            tls: None,
            base_path: String::new(),
            cameras: Vec::new(),
            storage: Storage::default(),
            limits: Limits::default(),
            allow_hosts: Vec::new(),
            allow_origins: Vec::new(),
            no_auth: false,
            users: Vec::new(),
            trusted_proxies: Vec::new(),
            local_role: None,
            log: Log::default(),
            file: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            waiting: 100,
            frame_bytes: 16 << 20,
            push_rate: 60.0,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            json: false,
        }
    }
}

impl Config {
    /// Resolves what was given on the command line and in the environment, and the file that is named there.
    ///
    /// Where no camera is configured at all there is one named `camera`: what [`Given::driver`] says, else the test picture.
    ///
    /// # Errors
    /// All mistakes of the file and of the command line together.
    pub fn load(given: &Given, registry: &Registry) -> Result<Self, Mistakes> {
        let (mut draft, mut mistakes) = match &given.file {
            Some(path) => match file::read(path) {
                Ok(text) => file::parse(&text, path, registry),
                Err(mistake) => return Err(Mistakes::new(vec![mistake])),
            },
            None => Default::default(),
        };
        draft.give(given, registry, &mut mistakes);
        draft.finish(registry, mistakes)
    }

    /// Resolves the text of a file alone; `path` is only what the mistakes and the result are told.
    ///
    /// # Errors
    /// All mistakes of the text.
    pub fn parse(text: &str, path: &Path, registry: &Registry) -> Result<Self, Mistakes> {
        let (mut draft, mistakes) = file::parse(text, path, registry);
        draft.config.file = Some(path.to_owned());
        draft.finish(registry, mistakes)
    }
}

impl Config {
    /// What the addresses start with by which TCP is reached.
    pub fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }
}

/// Finds fault with a configuration file: what `framecast check` and a reload do.
///
/// # Errors
/// All mistakes of the file.
pub fn check(path: &Path, registry: &Registry) -> Result<Config, Mistakes> {
    let given = Given {
        file: Some(path.to_owned()),
        ..Given::default()
    };
    Config::load(&given, registry)
}

/// The camera that is meant by `NAME=SOURCE` or `SOURCE`, with `#key=value,…` behind it or not.
///
/// Without a name it is called `camera`.
///
/// # Errors
/// All mistakes in it.
pub fn camera(text: &str, registry: &Registry) -> Result<Camera, Mistakes> {
    let given = Given {
        cameras: vec![text.to_owned()],
        ..Given::default()
    };
    let mut config = Config::load(&given, registry)?;
    Ok(config.cameras.swap_remove(0))
}
