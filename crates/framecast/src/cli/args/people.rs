//! What is typed to let users and programs in.

use std::{path::PathBuf, time::Duration};

use clap::{Args as Group, Subcommand};

use crate::{
    access::{Action, Role},
    config,
};

/// Where users, tokens and the key are kept.
#[derive(Clone, Debug, Group)]
pub struct State {
    /// The folder that the server keeps them in
    ///
    /// Without it: what systemd made for the service, or the state folder of the user. For the systemd service it is
    /// /var/lib/framecast.
    #[arg(
        long,
        value_name = "FOLDER",
        env = "FRAMECAST_STATE",
        hide_env_values = true,
        global = true
    )]
    pub state: Option<PathBuf>,
}

/// What somebody may do, as typed.
#[derive(Clone, Debug, Group)]
pub struct Granted {
    /// What they may do: view; control (settings, controls, push, sign addresses); admin (cameras come and go)
    #[arg(long, default_value = "view")]
    pub role: Role,
    /// On this camera only; may be given several times
    #[arg(long, value_name = "NAME")]
    pub camera: Vec<String>,
}

/// What can be done with users.
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user, or give one another password and role; the password is asked for, or is the first line of standard input
    Add {
        /// The name to log in with
        name: String,
        /// What they may do
        #[command(flatten)]
        granted: Granted,
    },
    /// Remove a user; what they are watching ends
    Remove {
        /// The name
        name: String,
    },
    /// List the users
    List,
}

/// What can be done with tokens.
#[derive(Clone, Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it; it is not to be seen again
    Add {
        /// What to call it
        name: String,
        /// What it is good for
        #[command(flatten)]
        granted: Granted,
        /// How long it counts, as in 90days; for ever without it
        #[arg(long, value_name = "TIME", value_parser = config::parse_duration)]
        lasts: Option<Duration>,
    },
    /// Revoke a token; what goes on with it ends
    Revoke {
        /// What it is called
        name: String,
    },
    /// List the tokens
    List,
}

/// What is typed to sign an address.
#[derive(Clone, Debug, Group)]
pub struct Sign {
    /// The camera
    pub camera: String,
    /// What the address is for: stream, snapshot or push
    #[arg(long, default_value = "stream")]
    pub action: Action,
    /// How long it counts, as in 10min
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = config::parse_duration)]
    pub lasts: Duration,
    /// What to put in front of it, as in https://cams.example.org
    #[arg(long)]
    pub url: Option<String>,
    /// Where the key is
    #[command(flatten)]
    pub state: State,
}
