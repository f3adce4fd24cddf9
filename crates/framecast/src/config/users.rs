use std::{collections::BTreeMap, path::PathBuf};

use toml::de::DeValue;

use super::{
    keys::Key,
    value::{Parsed, Value},
};
use crate::access::{Grant, PasswordHash, Role};

/// The longest name that a user may have.
const LONGEST: usize = 64;

/// A user of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name to log in with.
    pub name: String,
    /// What they may do.
    pub grant: Grant,
    /// Where the password is.
    pub password: Password,
}

/// Where a user's password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// In the file, as a hash.
    Hash(PasswordHash),
    /// In another file, as a hash or as it is: an absolute path, or one below systemd's `CREDENTIALS_DIRECTORY` or beside the
    /// configuration file.
    File(PathBuf),
}

/// A user in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    role: Option<Role>,
    /// Each camera, with a role where it has one of its own.
    cameras: Option<BTreeMap<String, Option<Role>>>,
    password_hash: Option<PasswordHash>,
    password_file: Option<PathBuf>,
}

/// `[users.NAME]`.
pub(super) const USER: &[Key<Draft>] = &[
    Key {
        name: "role",
        set: |draft, value| {
            draft.role = Some(role(value)?);
            Ok(())
        },
    },
    Key {
        name: "cameras",
        set: |draft, value| {
            draft.cameras = Some(cameras(value)?);
            Ok(())
        },
    },
    Key {
        name: "password_hash",
        set: |draft, value| {
            // What it is instead is not told: it may be a password.
            let text = value.text("$argon2id$…")?;
            draft.password_hash = Some(text.parse().map_err(|bad| format!("{bad}"))?);
            Ok(())
        },
    },
    Key {
        name: "password_file",
        set: |draft, value| {
            draft.password_file = Some(value.text("anna.password")?.into());
            Ok(())
        },
    },
];

impl Draft {
    /// The user, or what is missing.
    pub(super) fn finish(self, name: &str) -> Parsed<User> {
        let missing = "`role` is missing: view, control or admin";
        let grant = match self.cameras {
            None => Grant::everywhere(self.role.ok_or(missing)?),
            Some(cameras) => {
                let role = |own: Option<Role>| own.or(self.role).ok_or(missing);
                let cameras = cameras.into_iter();
                let cameras = cameras.map(|(name, own)| Ok((name, role(own)?)));
                Grant {
                    everywhere: None,
                    cameras: cameras.collect::<Result<_, &str>>()?,
                }
            }
        };
        if grant.cameras.values().any(|role| *role == Role::Admin) {
            return Err("an admin is one of all cameras: leave `cameras` out".to_owned());
        }
        let password = match (self.password_hash, self.password_file) {
            (Some(hash), None) => Password::Hash(hash),
            (None, Some(file)) => Password::File(file),
            (Some(_), Some(_)) => {
                return Err("`password_hash` and `password_file` are both there".to_owned());
            }
            (None, None) => {
                return Err(
                    "there is no `password_hash` (`framecast hash-password` makes one) and no `password_file`"
                        .to_owned(),
                );
            }
        };
        Ok(User {
            name: name.to_owned(),
            grant,
            password,
        })
    }
}

/// Checks a user's name: a colon would end it in a header, and it stands in the log.
///
/// # Errors
/// What a name is made of.
pub fn check_user_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-@+".contains(c);
    if (1..=LONGEST).contains(&name.len()) && name.chars().all(plain) {
        return Ok(());
    }
    let name: String = name.chars().take(LONGEST).collect();
    Err(format!(
        "`{}` can't be a user's name: it has up to 64 letters from a to z, digits, `.`, `_`, `-`, `@` and `+`",
        name.escape_debug()
    ))
}

pub(super) fn role(value: Value<'_>) -> Parsed<Role> {
    value.text("view")?.parse()
}

/// A list of names, or a table of names with a role each.
fn cameras(value: Value<'_>) -> Parsed<BTreeMap<String, Option<Role>>> {
    if let Value::Toml(DeValue::Table(table)) = value {
        return table
            .iter()
            .map(|(name, own)| {
                let own = role(Value::Toml(own.get_ref()))?;
                Ok((name.get_ref().to_string(), Some(own)))
            })
            .collect();
    }
    let names = value.texts("door")?.into_iter();
    Ok(names.map(|name| (name.to_owned(), None)).collect())
}
