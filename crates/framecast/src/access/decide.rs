//! Yes or no.

use std::{collections::BTreeMap, fmt, net::IpAddr, str::FromStr, time::SystemTime};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::secret::Digest;

/// What somebody may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    View,
    /// Change settings, turn controls, push frames, sign addresses for others.
    Control,
    /// Add and remove cameras, and see what is plugged in.
    Admin,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Open the pages and lists of the server, which show the cameras that one may see.
    Browse,
    /// Read the figures of all cameras.
    Measure,
    /// Add and remove cameras, and see what is plugged in.
    Administer,
    /// Open a camera's page and read its state.
    See,
    /// Watch a camera.
    Stream,
    /// Take a picture of a camera.
    Snapshot,
    /// Change a camera's settings and turn its controls.
    Control,
    /// Send a camera's frames.
    Push,
    /// Sign an address for others.
    Share,
}

/// What an action is done to.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// The server as a whole.
    Server,
    /// One camera, whether it exists or not.
    Camera {
        /// Its name.
        name: &'a str,
        /// Where one must be to have anything to do with it; everywhere, if it is empty.
        networks: &'a [IpNet],
    },
}

/// The cameras somebody has to do with, and in which role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The role on every camera, and on the server.
    #[serde(default)]
    pub everywhere: Option<Role>,
    /// The role on single cameras, if it is a higher one.
    #[serde(default)]
    pub cameras: BTreeMap<String, Role>,
}

/// Somebody, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Whoever reaches a server that asks nobody.
    Everyone,
    /// A client that did not say who it is.
    Nobody,
    /// A user.
    User {
        /// The name.
        name: String,
        /// Of the password that was used: another password ends what was begun with it.
        stamp: Digest,
        /// The session, for a browser that logged in.
        session: Option<Digest>,
    },
    /// A program with a token.
    Token {
        /// What the token is called.
        name: String,
        /// Its hash.
        digest: Digest,
        /// The session, for a browser that came with it.
        session: Option<Digest>,
    },
    /// Whoever has a signed address.
    Link {
        /// The one camera.
        camera: String,
        /// The one thing that may be done.
        action: Action,
        /// Until when.
        until: SystemTime,
    },
}

/// Somebody with what they may do, and where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who it is.
    pub who: Who,
    /// What they may do; empty for a signed address, which says that itself.
    pub grant: Grant,
    /// The address they come from, as far as it is known.
    pub from: Option<IpAddr>,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// No.
    Deny(Why),
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is not known who asks: logging in may help.
    LogIn,
    /// This is more than they may do.
    Forbidden,
    /// They are not to know that the camera exists.
    Hidden,
}

/// Whether `identity` may do `action` to `target`. All there is to it: no clock, no memory, no exceptions elsewhere.
pub fn decide(identity: &Identity, action: Action, target: Target<'_>) -> Decision {
    let deny = |why| {
        Decision::Deny(match identity.who {
            Who::Nobody => Why::LogIn,
            _ => why,
        })
    };
    let camera = match target {
        Target::Server => None,
        Target::Camera { name, networks } => {
            if !is_within(identity.from, networks) {
                return deny(Why::Hidden);
            }
            Some(name)
        }
    };
    if action.is_of_camera() != camera.is_some() {
        return deny(Why::Forbidden);
    }
    if let Who::Link {
        camera: of,
        action: to,
        ..
    } = &identity.who
    {
        return if camera == Some(of) && action == *to {
            Decision::Allow
        } else {
            deny(Why::Forbidden)
        };
    }
    let role = match camera {
        Some(camera) => identity.grant.on(camera),
        // Whoever may see one camera may open the pages; they show that one.
        None if action == Action::Browse => identity.grant.highest(),
        None => identity.grant.everywhere,
    };
    match role {
        Some(role) if role >= action.needs() => Decision::Allow,
        None if camera.is_some() => deny(Why::Hidden),
        _ => deny(Why::Forbidden),
    }
}

/// Whether an address is in one of the networks. One that is not known is in none.
fn is_within(from: Option<IpAddr>, networks: &[IpNet]) -> bool {
    let from = from.map(|from| from.to_canonical());
    networks.is_empty() || from.is_some_and(|from| networks.iter().any(|net| net.contains(&from)))
}

impl Action {
    /// The least role for it.
    pub fn needs(self) -> Role {
        match self {
            Self::Browse | Self::Measure | Self::See | Self::Stream | Self::Snapshot => Role::View,
            Self::Control | Self::Push | Self::Share => Role::Control,
            Self::Administer => Role::Admin,
        }
    }

    /// Whether it is done to one camera; else it is done to the server.
    pub fn is_of_camera(self) -> bool {
        !matches!(self, Self::Browse | Self::Measure | Self::Administer)
    }

    /// Whether an address can be signed for it.
    pub fn is_for_links(self) -> bool {
        matches!(self, Self::Stream | Self::Snapshot | Self::Push)
    }
}

impl Grant {
    /// This role on everything.
    pub fn everywhere(role: Role) -> Self {
        Self {
            everywhere: Some(role),
            cameras: BTreeMap::new(),
        }
    }

    /// This role on these cameras, and nothing else.
    pub fn only(role: Role, cameras: impl IntoIterator<Item = String>) -> Self {
        Self {
            everywhere: None,
            cameras: cameras.into_iter().map(|name| (name, role)).collect(),
        }
    }

    /// The role on one camera.
    pub fn on(&self, camera: &str) -> Option<Role> {
        self.everywhere.max(self.cameras.get(camera).copied())
    }

    /// The highest role on anything.
    fn highest(&self) -> Option<Role> {
        self.everywhere.max(self.cameras.values().max().copied())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::View => "view",
            Self::Control => "control",
            Self::Admin => "admin",
        })
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "view" => Ok(Self::View),
            "control" => Ok(Self::Control),
            "admin" => Ok(Self::Admin),
            _ => Err(format!(
                "`{text}` is no role; there are view, control, admin"
            )),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Browse => "browse",
            Self::Measure => "measure",
            Self::Administer => "administer",
            Self::See => "see",
            Self::Stream => "stream",
            Self::Snapshot => "snapshot",
            Self::Control => "control",
            Self::Push => "push",
            Self::Share => "share",
        })
    }
}

/// One of those that an address can be signed for.
impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Stream, Self::Snapshot, Self::Push]
            .into_iter()
            .find(|action| action.to_string() == text)
            .ok_or_else(|| format!("`{text}` can't be signed; there are stream, snapshot, push"))
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::Nobody => f.write_str("nobody"),
            Self::User { name, .. } => write!(f, "user {name}"),
            Self::Token { name, .. } => write!(f, "token {name}"),
            Self::Link { .. } => f.write_str("signed address"),
        }
    }
}

#[cfg(test)]
mod tests;
