//! The short way to put cameras into another application.

use framecast_camera::Camera;
use tokio_util::sync::CancellationToken;

use crate::{
    catalog::{Catalog, Entry, Refused},
    config::{Config, Mistakes},
    drivers::{Registry, Request, Scheme, Source, push},
    hub::{Feed, Policy},
    sinks::recorder,
    web::{self, App},
};

/// Cameras for an application of yours: add some, nest the [`router`](Self::router), and that is it.
///
/// Cheap to clone. Must be used inside a tokio runtime. The cameras close when [`close`](Self::close) is called, not when
/// the last clone is dropped, because the router keeps one.
#[derive(Clone, Debug)]
pub struct Cameras {
    app: App,
}

impl Default for Cameras {
    fn default() -> Self {
        Self::new()
    }
}

impl Cameras {
    /// No cameras yet, with the drivers that framecast brings along.
    pub fn new() -> Self {
        Self::with_schemes([])
    }

    /// No cameras yet, with drivers of your own besides those that framecast brings along.
    pub fn with_schemes(schemes: impl IntoIterator<Item = Scheme>) -> Self {
        let ports = push::Ports::default();
        let mut registry = Registry::bundled(&ports);
        for scheme in schemes {
            registry.register(scheme);
        }
        let defaults = Config::default();
        Self {
            app: App::new(
                Catalog::new(registry, ports),
                defaults.limits,
                defaults.allow_origins,
                CancellationToken::new(),
            ),
        }
    }

    /// Adds a camera by its source, as on the command line: `test`, `file:clip.mp4`, `http://…`.
    ///
    /// # Errors
    /// If the name is taken or no camera can be made of the source.
    pub fn add(&self, name: &str, source: &str) -> std::result::Result<Feed, AddError> {
        let camera =
            crate::config::camera(&format!("{name}={source}"), self.app.catalog.registry())?;
        Ok(self.app.catalog.add(Entry {
            request: camera.request,
            policy: camera.policy,
            record: camera.record,
        })?)
    }

    /// Adds a camera of your own making.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn add_camera(
        &self,
        name: &str,
        camera: impl Camera,
    ) -> std::result::Result<Feed, AddError> {
        let Ok(source) = "code".parse::<Source>();
        let entry = Entry {
            request: Request::new(name, source),
            policy: Policy::default(),
            record: recorder::Plan::default(),
        };
        Ok(self
            .app
            .catalog
            .add_made(entry, std::sync::Arc::new(camera))
            .map_err(Refused::from)?)
    }

    /// All cameras, to subscribe to their frames or change them.
    pub fn catalog(&self) -> &Catalog {
        &self.app.catalog
    }

    /// Pages, streams and API, for a path of your application.
    ///
    /// Use [`nest_service`](axum::Router::nest_service) as in `app.nest_service("/video", cameras.router())`. With `nest` the
    /// page with all cameras is missing: axum then leaves out the path with a slash at its end.
    pub fn router(&self) -> axum::Router {
        web::router(self.app.clone())
    }

    /// Ends all streams and closes all cameras.
    pub async fn close(&self) {
        self.app.shutdown.cancel();
        self.app.catalog.close().await;
    }
}

/// Why a camera could not be added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The name or the source is wrong.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// The name is taken, or the driver refused.
    #[error(transparent)]
    Refused(#[from] Refused),
}
