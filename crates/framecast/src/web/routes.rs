//! The list of addresses, each with what one must be allowed to do to use it.
//!
//! All routers of this module are made here, so that there is no address without a rule; `tests/architecture.rs` sees to
//! that. What does not belong here: what the rules mean (`crate::access`).

use axum::{
    Router,
    extract::Request,
    handler::Handler,
    http::Method,
    middleware::{self, Next},
    routing::{MethodFilter, MethodRouter},
};
use utoipa_axum::router::{UtoipaMethodRouter, UtoipaMethodRouterExt};

use super::{App, access};
use crate::access::Action;

/// What one must be allowed to do to use an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it tells nothing and changes nothing.
    Nothing,
    /// Something with the server as a whole.
    Server(Action),
    /// Something with the camera whose name is in the path.
    Named(Action),
    /// Something with a camera that the handler finds out by itself, from a number or a parameter. It gets none but by
    /// asking for this.
    Found(Action),
}

/// An address and its rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The method; whoever may GET may HEAD.
    pub method: Method,
    /// The path as axum writes it, with `{name}` for what varies.
    pub path: String,
    /// What one must be allowed to do.
    pub needs: Needs,
}

/// Addresses in the making.
#[derive(Debug)]
pub(super) struct Routes {
    app: App,
    router: Router<App>,
    rules: Vec<Rule>,
}

impl Routes {
    pub(super) fn new(app: &App) -> Self {
        Self {
            app: app.clone(),
            router: Router::new(),
            rules: Vec::new(),
        }
    }

    pub(super) fn get<H, T>(self, path: &str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.on((Method::GET, MethodFilter::GET), path, needs, handler)
    }

    pub(super) fn post<H, T>(self, path: &str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.on((Method::POST, MethodFilter::POST), path, needs, handler)
    }

    pub(super) fn put<H, T>(self, path: &str, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.on((Method::PUT, MethodFilter::PUT), path, needs, handler)
    }

    fn on<H, T>(
        mut self,
        (method, filter): (Method, MethodFilter),
        path: &str,
        needs: Needs,
        handler: H,
    ) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let routes = self.guarded(MethodRouter::new().on(filter, handler), needs);
        self.router = self.router.route(path, routes);
        self.rules.push(Rule {
            method,
            path: path.to_owned(),
            needs,
        });
        self
    }

    /// Addresses that describe themselves, as `utoipa_axum::routes!` makes them.
    pub(super) fn described(mut self, needs: Needs, routes: UtoipaMethodRouter<App>) -> Self {
        for (path, item) in &routes.1.paths {
            for (method, operation) in [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ] {
                if operation.is_some() {
                    self.rules.push(Rule {
                        method,
                        path: path.clone(),
                        needs,
                    });
                }
            }
        }
        let routes = routes.map(|routes| self.guarded(routes, needs));
        for path in routes.1.paths.keys() {
            self.router = self.router.route(path, routes.2.clone());
        }
        self
    }

    /// What is answered where there is nothing.
    pub(super) fn otherwise<H, T>(mut self, needs: Needs, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let routes = self.guarded(MethodRouter::new().fallback(handler), needs);
        self.router = self
            .router
            .fallback_service(routes.with_state(self.app.clone()));
        self
    }

    pub(super) fn finish(self) -> (Router<App>, Vec<Rule>) {
        (self.router, self.rules)
    }

    fn guarded(&self, routes: MethodRouter<App>, needs: Needs) -> MethodRouter<App> {
        let app = self.app.clone();
        routes.layer(middleware::from_fn(move |request: Request, next: Next| {
            access::check(app.clone(), needs, request, next)
        }))
    }
}
