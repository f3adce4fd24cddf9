//! Who there is, as it stands at the moment.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::{
    decide::{Grant, Role},
    password::PasswordHash,
    secret::Digest,
    token::Token,
};

/// Who may do what. A server has one of these at a time; a reload brings the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Whether one must say who one is. Where not, everyone may do everything.
    pub required: bool,
    /// The users by name.
    pub users: BTreeMap<String, User>,
    /// The tokens by hash.
    pub tokens: BTreeMap<Digest, Token>,
    /// Cameras that only some networks may have to do with, by name.
    pub networks: BTreeMap<String, Vec<IpNet>>,
    /// Where the proxies are that tell the address of a client in `X-Forwarded-For`.
    pub trusted_proxies: Vec<IpNet>,
    /// What the programs of this machine may do without saying who they are.
    pub local: Option<Role>,
}

/// A user.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// What they may do.
    pub grant: Grant,
    /// The hash of the password.
    pub password: PasswordHash,
}

impl Rules {
    /// The networks that one must be in to have to do with a camera; empty for all.
    pub fn networks(&self, camera: &str) -> &[IpNet] {
        self.networks.get(camera).map_or(&[], Vec::as_slice)
    }

    /// Adds tokens.
    pub fn add_tokens(&mut self, tokens: impl IntoIterator<Item = Token>) {
        let tokens = tokens.into_iter().map(|token| (token.digest, token));
        self.tokens.extend(tokens);
    }
}
