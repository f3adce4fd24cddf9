//! From the configuration and the state folder to the rules of the door; again whenever one of them changes.

use std::{fs, path::Path};

use tracing::{error, info, warn};

use crate::{
    access::{
        Access, Grant, Key, PasswordHash, Role, Rules, Secret, Store, StoreError, StoreVersion,
        Token, User,
    },
    config::{self, Config, Listen, Password},
};

/// The door of a running server, and what it is made of.
#[derive(Debug)]
pub(super) struct Doorkeeper {
    pub(super) access: Access,
    store: Option<Store>,
    /// What the files that others write were like when they were read.
    version: Option<StoreVersion>,
    /// The token that was made up because others can reach the server and there is nobody to let in.
    made_up: Option<Token>,
    /// Whether nobody is asked, which counts from start to end.
    no_auth: bool,
}

impl Doorkeeper {
    /// Reads who there is. `show` is told the addresses that log in, the first time that there is such a thing.
    ///
    /// # Errors
    /// If users or tokens can't be read: a server that leaves them out might be open to all.
    pub(super) fn new(
        config: &Config,
        addresses: &[Listen],
        show: fn(&str),
    ) -> Result<Self, StoreError> {
        let store = config::state_folder().ok().map(Store::new);
        let version = store.as_ref().map(Store::version);
        let key = match store.as_ref().map(Store::key) {
            Some(Ok(key)) => key,
            other => {
                if let Some(Err(error)) = other {
                    warn!("logins and signed addresses end with this process: {error}");
                }
                Key::random().map_err(|error| StoreError::new(Path::new("key"), &error))?
            }
        };
        let mut rules = rules(config, store.as_ref(), config.no_auth)?;
        let exposed = addresses.iter().any(|address| !address.is_local());
        let mut made_up = None;
        if config.no_auth {
            if exposed {
                warn!(
                    "everyone who can reach this machine can watch, push and change the cameras (no-auth)"
                );
            }
        } else if exposed && !rules.required {
            let (secret, is_new) = access_token(store.as_ref())?;
            if is_new {
                show_addresses(&secret, config, addresses, show);
            } else if let Some(store) = &store {
                info!(
                    "the access token is in {}",
                    store.access_token_path().display()
                );
            }
            let grant = Grant::everywhere(Role::Admin);
            let token = Token::of("access token".to_owned(), &secret, grant, None);
            rules.add_tokens([token.clone()]);
            rules.required = true;
            made_up = Some(token);
        }
        Ok(Self {
            access: Access::new(rules, key, store.clone()),
            store,
            version,
            made_up,
            no_auth: config.no_auth,
        })
    }

    /// Reads again who there is, after the configuration has changed.
    pub(super) fn reload(&mut self, config: &Config) {
        self.version = self.store.as_ref().map(Store::version);
        let mut rules = match rules(config, self.store.as_ref(), self.no_auth) {
            Ok(rules) => rules,
            Err(error) => {
                error!("users and tokens are as they were: {error}");
                return;
            }
        };
        if !rules.required {
            rules.add_tokens(self.made_up.clone());
        }
        // A server that asked goes on asking: that the last user is gone is no reason to let everyone in.
        rules.required = !self.no_auth && (rules.required || self.access.rules().required);
        if *self.access.rules() != rules {
            self.access.replace(rules);
            info!("users and tokens were read again");
        }
    }

    /// The same if the files in the state folder have changed.
    pub(super) fn look(&mut self, config: &Config) {
        if self.store.as_ref().map(Store::version) != self.version {
            self.reload(config);
        }
    }
}

/// Who may do what, by the configuration and the state folder.
fn rules(config: &Config, store: Option<&Store>, no_auth: bool) -> Result<Rules, StoreError> {
    let cameras = config.cameras.iter();
    let networks = cameras
        .filter(|camera| !camera.networks.is_empty())
        .map(|camera| (camera.request.name.clone(), camera.networks.clone()));
    let mut rules = Rules {
        networks: networks.collect(),
        trusted_proxies: config.trusted_proxies.clone(),
        local: config.local_role,
        ..Rules::default()
    };
    if no_auth {
        return Ok(rules);
    }
    if let Some(store) = store {
        for (name, user) in store.users()? {
            match user.password_hash.parse() {
                Ok(password) => {
                    let grant = user.grant;
                    rules.users.insert(name, User { grant, password });
                }
                Err(bad) => error!("user {name} can't log in: {bad}"),
            }
        }
        rules.add_tokens(store.tokens()?);
    }
    let known = !rules.users.is_empty() || !rules.tokens.is_empty() || !config.users.is_empty();
    rules.required = known;
    for user in &config.users {
        match password(&user.password, config) {
            Ok(password) => {
                let grant = user.grant.clone();
                rules
                    .users
                    .insert(user.name.clone(), User { grant, password });
            }
            Err(why) => {
                // The one in the state folder was replaced by this one, and is not to come back.
                rules.users.remove(&user.name);
                error!("user {} can't log in: {why}", user.name);
            }
        }
    }
    Ok(rules)
}

/// The hash of a user's password.
fn password(password: &Password, config: &Config) -> Result<PasswordHash, String> {
    let path = match password {
        Password::Hash(hash) => return Ok(hash.clone()),
        Password::File(path) => path,
    };
    let found = config.locate(path);
    let text =
        fs::read_to_string(&found).map_err(|error| format!("{}: {error}", found.display()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("{} is empty", found.display()));
    }
    if text.starts_with("$argon2") {
        return text
            .parse()
            .map_err(|bad| format!("{}: {bad}", found.display()));
    }
    PasswordHash::of(&Secret::new(text)).map_err(|error| error.to_string())
}

/// The access token, and whether it is new.
fn access_token(store: Option<&Store>) -> Result<(Secret, bool), StoreError> {
    match store.map(Store::access_token) {
        Some(Ok(token)) => Ok(token),
        other => {
            let why = match other {
                Some(Err(error)) => error.to_string(),
                _ => config::NoState.to_string(),
            };
            warn!("the access token will be another after a restart: {why}");
            let random = |error| StoreError::new(Path::new("token"), &error);
            let (_, secret) = Token::make(String::new(), Grant::default(), None).map_err(random)?;
            Ok((secret, true))
        }
    }
}

/// Not into the log: whoever reads that need not be let in.
fn show_addresses(secret: &Secret, config: &Config, addresses: &[Listen], show: fn(&str)) {
    show("Log in once with each browser, by one of these addresses:");
    let scheme = config.scheme();
    for address in addresses {
        if let Listen::Tcp(address) = address {
            let mut address = *address;
            if address.ip().is_unspecified() {
                address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
            }
            let (base, token) = (&config.base_path, secret.expose());
            show(&format!("    {scheme}://{address}{base}/?token={token}"));
        }
    }
    show("From other machines, put this machine's name in the place of 127.0.0.1.");
}
