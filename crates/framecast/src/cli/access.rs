//! `framecast user`, `token`, `sign` and `hash-password`: who may do what, kept in the state folder.

use std::{
    io::{self, BufRead, IsTerminal},
    path::PathBuf,
    time::SystemTime,
};

use anyhow::{Context, bail, ensure};

use super::args::{Granted, Sign, TokenCommand, UserCommand};
use crate::{
    access::{Grant, Link, PasswordHash, Role, Secret, Store, StoredUser, Token},
    config::{self, check_name, check_user_name},
};

/// The shortest password that is taken.
const SHORTEST: usize = 8;

/// What a command has to tell, line by line.
type Told = anyhow::Result<Vec<String>>;

fn store(folder: Option<PathBuf>) -> anyhow::Result<Store> {
    Ok(Store::new(match folder {
        Some(folder) => folder,
        None => config::state_folder()?,
    }))
}

pub(super) fn user(command: UserCommand, state: Option<PathBuf>) -> Told {
    let store = store(state)?;
    let mut users = store.users()?;
    match command {
        UserCommand::Add { name, granted } => {
            check_user_name(&name).map_err(anyhow::Error::msg)?;
            let grant = grant(granted)?;
            let password_hash = PasswordHash::of(&ask_for_password()?)
                .map_err(|error| anyhow::anyhow!("the password can't be hashed: {error}"))?;
            let user = StoredUser {
                grant,
                password_hash: password_hash.expose().to_owned(),
            };
            let known = users.insert(name.clone(), user).is_some();
            store.save_users(&users)?;
            let did = if known { "changed" } else { "added" };
            Ok(vec![format!("user {name} {did}")])
        }
        UserCommand::Remove { name } => {
            ensure!(
                users.remove(&name).is_some(),
                "no user is called `{name}`, or they are in the configuration file"
            );
            store.save_users(&users)?;
            Ok(vec![format!("user {name} removed")])
        }
        UserCommand::List => {
            let line =
                |(name, user): (&String, &StoredUser)| format!("{name}  {}", shown(&user.grant));
            Ok(users.iter().map(line).collect())
        }
    }
}

pub(super) fn token(command: TokenCommand, state: Option<PathBuf>) -> Told {
    let store = store(state)?;
    let mut tokens = store.tokens()?;
    match command {
        TokenCommand::Add {
            name,
            granted,
            lasts,
        } => {
            check_user_name(&name).map_err(anyhow::Error::msg)?;
            ensure!(
                tokens.iter().all(|token| token.name != name),
                "there is a token called `{name}`: revoke it, or choose another name"
            );
            let until = lasts.map(|lasts| SystemTime::now() + lasts);
            let (token, secret) = Token::make(name, grant(granted)?, until)?;
            tokens.push(token);
            store.save_tokens(&tokens)?;
            // The only time that it is to be seen.
            Ok(vec![secret.expose().to_owned()])
        }
        TokenCommand::Revoke { name } => {
            let before = tokens.len();
            tokens.retain(|token| token.name != name);
            ensure!(tokens.len() < before, "no token is called `{name}`");
            store.save_tokens(&tokens)?;
            Ok(vec![format!("token {name} revoked")])
        }
        TokenCommand::List => Ok(tokens.iter().map(line).collect()),
    }
}

/// As in `ha  view on door  until 2027-01-01T00:00:00Z`.
fn line(token: &Token) -> String {
    let mut line = format!("{}  {}", token.name, shown(&token.grant));
    if let Some(until) = token.until {
        let time = humantime::format_rfc3339_seconds(until);
        let good = token.is_good(SystemTime::now());
        line += &format!("  {} {time}", if good { "until" } else { "expired" });
    }
    line
}

/// As in `view`, or `control on door, view on yard`.
fn shown(grant: &Grant) -> String {
    match grant.everywhere {
        Some(role) => role.to_string(),
        None => {
            let cameras = grant.cameras.iter();
            let each: Vec<String> = cameras
                .map(|(name, role)| format!("{role} on {name}"))
                .collect();
            each.join(", ")
        }
    }
}

fn grant(granted: Granted) -> anyhow::Result<Grant> {
    if granted.camera.is_empty() {
        return Ok(Grant::everywhere(granted.role));
    }
    ensure!(
        granted.role != Role::Admin,
        "an admin is one of all cameras: leave --camera out"
    );
    for name in &granted.camera {
        check_name(name)?;
    }
    Ok(Grant::only(granted.role, granted.camera))
}

pub(super) fn sign(wish: Sign, state: Option<PathBuf>) -> Told {
    check_name(&wish.camera)?;
    let key = store(state)?.key()?;
    let link = Link::lasting(wish.camera, wish.action, wish.lasts, SystemTime::now());
    let path = link.sign(&key);
    Ok(vec![match wish.url {
        Some(url) => format!("{}/{path}", url.trim_end_matches('/')),
        None => path,
    }])
}

pub(super) fn hash_password() -> Told {
    let hash = PasswordHash::of(&ask_for_password()?)
        .map_err(|error| anyhow::anyhow!("the password can't be hashed: {error}"))?;
    Ok(vec![hash.expose().to_owned()])
}

/// From the terminal, twice and without showing it, or the first line of standard input.
fn ask_for_password() -> anyhow::Result<Secret> {
    let password = if io::stdin().is_terminal() {
        let password = rpassword::prompt_password("Password: ")
            .context("the password can't be read from the terminal")?;
        let again = rpassword::prompt_password("The same again: ")
            .context("the password can't be read from the terminal")?;
        ensure!(password == again, "these were two different passwords");
        password
    } else {
        let mut line = String::new();
        io::stdin()
            .lock()
            .read_line(&mut line)
            .context("the password can't be read from standard input")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if password.chars().count() < SHORTEST {
        bail!("a password has {SHORTEST} characters at least");
    }
    Ok(Secret::new(password))
}
