//! `/api/v1/session`: who one is.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{access::Asker, error::Problem};
use crate::access::{Role, Who};

/// Who asks, as far as the server knows.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginView {
    /// The name of the user or token; null for everyone else.
    pub name: Option<String>,
    /// `everyone` on a server that asks nobody, `nobody` for programs of its machine that need not say who they are, `user`
    /// or `token`.
    pub kind: &'static str,
    /// The role on all cameras and the server: `view`, `control` or `admin`; null for those who may see single cameras only.
    pub role: Option<String>,
}

/// Who one is logged in as.
#[utoipa::path(get, path = "/api/v1/session", tag = "access",
    responses(
        (status = 200, description = "Who asks", body = LoginView),
        (status = 401, description = "Nobody is logged in", body = Problem)))]
pub(super) async fn show(asker: Asker) -> Json<LoginView> {
    let identity = asker.identity();
    let (kind, name) = match &identity.who {
        Who::Everyone => ("everyone", None),
        Who::Nobody => ("nobody", None),
        Who::User { name, .. } => ("user", Some(name.clone())),
        Who::Token { name, .. } => ("token", Some(name.clone())),
        Who::Link { .. } => ("link", None),
    };
    Json(LoginView {
        name,
        kind,
        role: identity.grant.everywhere.as_ref().map(Role::to_string),
    })
}
