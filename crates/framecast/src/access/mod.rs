//! Who may do what: users, roles, tokens, sessions, signed addresses, and the one place where it is decided.
//!
//! In reading order: [`decide`] says yes or no and has neither clock nor memory; [`Access`] knows who somebody is by what they
//! bring along; [`Store`] keeps users, tokens, sessions and the key in the state folder; [`Room`] says how many may connect.
//!
//! What does not belong here: HTTP (`web` reads credentials off a request and says no in its words), the configuration file,
//! and what the cameras are.

mod decide;
mod door;
mod link;
mod password;
mod room;
mod rules;
mod secret;
mod session;
mod slow;
mod store;
mod token;

pub use decide::{Action, Decision, Grant, Identity, Role, Target, Who, Why, decide};
pub use door::{Access, Asking, Offered, Refused};
pub use ipnet::IpNet;
pub use link::{Link, LinkError};
pub use password::{BadHash, PasswordHash};
pub use room::{NoRoom, Place, Room, RoomFigures};
pub use rules::{Rules, User};
pub use secret::{Digest, Key, Secret};
pub use session::LASTS as SESSION_LASTS;
pub use store::{Store, StoreError, StoreVersion, StoredUser};
pub use token::{Token, is_token};
