//! The drivers that framecast brings along, and the registry where a third party adds more.
//!
//! In reading order: [`Source`] is what the user types and [`Request`] what is made of it; [`Scheme`] turns a request into
//! a [`Camera`]; [`Registry`] holds the schemes. Each driver is a module named after its scheme; `pace` keeps the time of
//! those that make their own frames, `process` runs the programs of those that start one.
//!
//! A driver may use the contract crate and `media`. What does not belong here: retrying, sharing, checking and encoding
//! frames, which is the hub's.

mod exec;
mod file;
mod http;
mod images;
mod opencv;
mod pace;
mod process;
mod redact;
mod request;
mod screen;
mod source;
mod test;

pub mod pi;
pub mod push;
pub(crate) mod v4l2;

use std::{collections::BTreeMap, fmt, sync::Arc};

use framecast_camera::{Camera, Error, ErrorKind, Result};

pub(crate) use redact::redact;
pub use request::Request;
pub use source::Source;

/// The most bytes that one picture may have.
const MAX_FRAME: usize = 32 * 1024 * 1024;

/// One kind of source: `test`, `file`, `http` …
#[derive(Clone)]
pub struct Scheme {
    /// What a source of this kind starts with.
    pub name: &'static str,
    /// One line for `--help` and the API.
    pub about: &'static str,
    /// The options that only this scheme has, each with one line about it.
    pub options: &'static [(&'static str, &'static str)],
    /// Whether a camera of this kind may be added over HTTP: never where the source is a command or a path on this machine.
    pub remote: bool,
    /// Whether its cameras see to the JPEG quality themselves, so that the hub need not encode again.
    pub encodes: bool,
    /// Makes the camera. It must not open anything yet, only find fault with the request.
    pub make: Make,
}

/// How a [`Scheme`] makes its camera.
pub type Make = Arc<dyn Fn(&Request) -> Result<Arc<dyn Camera>> + Send + Sync>;

impl Scheme {
    /// A scheme without options of its own, which can't be added over HTTP.
    pub fn new<C: Camera>(
        name: &'static str,
        about: &'static str,
        make: impl Fn(&Request) -> Result<C> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            about,
            options: &[],
            remote: false,
            encodes: false,
            make: Arc::new(move |request| Ok(Arc::new(make(request)?))),
        }
    }

    /// With the options that only this scheme has, each with one line about it.
    #[must_use]
    pub fn options(self, options: &'static [(&'static str, &'static str)]) -> Self {
        Self { options, ..self }
    }

    /// Its cameras see to the JPEG quality themselves.
    #[must_use]
    pub fn encodes(self) -> Self {
        Self {
            encodes: true,
            ..self
        }
    }

    /// May be added over HTTP: its source is neither a command nor a path on this machine.
    #[must_use]
    pub fn remote(self) -> Self {
        Self {
            remote: true,
            ..self
        }
    }
}

impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheme")
            .field("name", &self.name)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

/// The schemes that this server knows.
#[derive(Clone, Debug, Default)]
pub struct Registry(BTreeMap<&'static str, Scheme>);

impl Registry {
    /// All that framecast brings along. `push` cameras take their frames from `ports`.
    pub fn bundled(ports: &push::Ports) -> Self {
        let mut registry = Self::default();
        let schemes = [
            test::scheme(),
            images::scheme(),
            file::scheme(),
            http::scheme("http"),
            http::scheme("https"),
            exec::scheme(),
            v4l2::scheme(),
            push::scheme(ports.clone()),
            pi::scheme(pi::System::this()),
            screen::scheme(),
            opencv::scheme(),
        ];
        for scheme in schemes {
            registry.register(scheme);
        }
        registry
    }

    /// Adds a scheme, or replaces the one of that name.
    pub fn register(&mut self, scheme: Scheme) {
        self.0.insert(scheme.name, scheme);
    }

    /// The scheme of that name.
    pub fn scheme(&self, name: &str) -> Option<&Scheme> {
        self.0.get(name)
    }

    /// All schemes, by name.
    pub fn schemes(&self) -> impl Iterator<Item = &Scheme> {
        self.0.values()
    }

    /// Makes the camera that is asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a scheme, option or value that is wrong; [`ErrorKind::Unsupported`] for one that this
    /// build lacks.
    pub fn make(&self, request: &Request) -> Result<Arc<dyn Camera>> {
        let fault = |message| Err(Error::new(ErrorKind::Invalid, message));
        let name = request.source.scheme();
        let Some(scheme) = self.scheme(name) else {
            let known: Vec<&str> = self.0.keys().copied().collect();
            let known = known.join(", ");
            // Only its beginning is shown: of what is no source, nobody knows where it has a password.
            return fault(format!(
                "`{name}` is no kind of source: it must start with one of {known}"
            ));
        };
        for option in request.options.keys() {
            if !scheme.options.iter().any(|(name, _)| name == option) {
                return fault(format!(
                    "a `{}` camera has no option `{option}`",
                    scheme.name
                ));
            }
        }
        request.check()?;
        (scheme.make)(request)
    }
}
