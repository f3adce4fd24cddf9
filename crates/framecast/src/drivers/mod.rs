//! The drivers that framecast brings along, and the registry where a third party adds more.
//!
//! A driver turns a [`Request`] into a [`Camera`]; what it may use is the contract crate and `media`. What does not belong
//! here: retrying, sharing, checking and encoding frames, which is the hub's.

mod source;

use std::{collections::BTreeMap, fmt, sync::Arc};

use framecast_camera::{Camera, Error, ErrorKind, Result, Size};

pub use source::Source;

/// What a camera is asked for: where it comes from and how its pictures should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The camera's name, as viewers see it.
    pub name: String,
    /// Where the frames come from.
    pub source: Source,
    /// The size wanted; the driver gives the nearest it can, the hub scales down what is larger.
    pub size: Option<Size>,
    /// Frames a second wanted; the hub drops what is more.
    pub fps: Option<f64>,
    /// JPEG quality wanted, 1 to 100.
    pub quality: Option<u8>,
    /// What else the scheme knows, by name: see [`Scheme::options`].
    pub options: BTreeMap<String, String>,
}

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
    /// Makes the camera. It must not open anything yet, only find fault with the request.
    pub make: Make,
}

/// How a [`Scheme`] makes its camera.
pub type Make = Arc<dyn Fn(&Request) -> Result<Arc<dyn Camera>> + Send + Sync>;

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
    /// All that framecast brings along.
    pub fn bundled() -> Self {
        Self::default()
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
        let scheme = self.scheme(request.source.scheme()).ok_or_else(|| {
            let known: Vec<&str> = self.0.keys().copied().collect();
            Error::new(
                ErrorKind::Invalid,
                format!(
                    "`{}` is no source: it must start with one of {}",
                    request.source,
                    known.join(", ")
                ),
            )
        })?;
        for option in request.options.keys() {
            if !scheme.options.iter().any(|(name, _)| name == option) {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("a `{}` camera has no option `{option}`", scheme.name),
                ));
            }
        }
        (scheme.make)(request)
    }
}
