#![allow(
    rustdoc::bare_urls,
    reason = "these comments are the text of the help, on a terminal"
)]

use std::{
    env,
    ffi::OsString,
    fmt,
    io::{self, Write},
    path::PathBuf,
    process::exit,
    time::Duration,
};

use clap::{
    Args as Group, CommandFactory, FromArgMatches, Parser, Subcommand, builder::FalseyValueParser,
    value_parser,
};
use clap_complete::Shell;
use framecast_camera::Size;

use crate::{
    access::{Action, Role},
    config::{self, Given},
    drivers::{Registry, redact},
    export::Rate,
    playback::Moment,
};

const EXAMPLES: &str = "\x1b[1;4mExamples:\x1b[0m
  framecast                                          a test picture, on http://127.0.0.1:5000
  framecast --camera door=http://192.168.1.20/video  a network camera
  framecast --camera 'desk=test#size=1280x720,fps=30' --camera 'film=file:/srv/film.mp4'
  framecast -c framecast.toml                        as the file says, and again whenever it changes
  framecast check framecast.toml                     find the mistakes in the file first

A flag wins over its environment variable, and both win over the file.";

/// Any camera on a web page, live, for everyone who wants to watch.
///
/// Every viewer gets the newest picture however slow the link is, and a camera runs only while somebody watches.
/// Without a command the cameras are served, as `framecast serve` does.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "framecast",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = EXAMPLES
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

impl Args {
    /// Reads the command line of this process, or ends it with help or what is wrong.
    pub fn read(registry: &Registry) -> Self {
        Self::try_read(env::args_os(), registry).unwrap_or_else(|error| {
            let said = error.to_string();
            let shown = redact(&said);
            if shown != said && error.use_stderr() {
                // It repeats what was typed, and there is a password in that. Under a supervisor it would be kept in a log.
                let _said = write!(io::stderr(), "{shown}");
                exit(error.exit_code());
            }
            error.exit()
        })
    }

    /// Reads a command line. The help lists the sources that the registry knows.
    ///
    /// # Errors
    /// What is wrong, or the help or version that was asked for, ready to be printed.
    pub fn try_read(
        line: impl IntoIterator<Item = impl Into<OsString> + Clone>,
        registry: &Registry,
    ) -> Result<Self, clap::Error> {
        let help = format!("{}{EXAMPLES}", sources(registry));
        let mut command = Self::command()
            .after_long_help(help.clone())
            .mut_subcommand("serve", |serve| serve.after_long_help(help));
        let matches = command.try_get_matches_from_mut(line)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// The command that was typed, or the one that is meant where there is none.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(Box::new(self.serve)))
    }
}

/// One of the things that the program can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Show cameras to everyone who opens the page; what happens without a command
    #[command(after_help = EXAMPLES)]
    Serve(Box<Serve>),
    /// Find the mistakes in a configuration file, without starting anything
    Check {
        /// The file to look at
        file: PathBuf,
    },
    /// Take one picture and store it as a JPEG file
    Snapshot(Snapshot),
    /// Measure a stream as a viewer gets it: frames, delays, bytes
    Probe(Probe),
    /// List the cameras that are plugged in: what to call them, and what they can do
    Cameras {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// List what was recorded, or make its index anew
    Recordings {
        /// What to do
        #[command(subcommand)]
        what: Recordings,
    },
    /// Let users in, each with a name and a password
    User {
        /// What to do
        #[command(subcommand)]
        command: UserCommand,
        /// Where
        #[command(flatten)]
        state: State,
    },
    /// Let programs in, each with a token in place of a password
    Token {
        /// What to do
        #[command(subcommand)]
        command: TokenCommand,
        /// Where
        #[command(flatten)]
        state: State,
    },
    /// Sign an address that lets whoever has it do one thing with one camera, for a while
    Sign(Sign),
    /// Print what to write as `password_hash` into the configuration file
    ///
    /// The password is asked for, or is the first line of standard input.
    HashPassword,
    /// Print what makes a shell complete framecast's flags
    Completions {
        /// The shell to print it for
        shell: Shell,
    },
    /// Print the description of the HTTP API, as OpenAPI in JSON
    Openapi,
}

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

/// What is typed to serve cameras. It is read as [`Given`] only, since the file has a say in it too.
#[derive(Clone, Group)]
pub struct Serve {
    /// Read the configuration from this file, and again whenever it changes
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "FRAMECAST_CONFIG",
        hide_env_values = true,
        help_heading = "Server"
    )]
    config: Option<OsString>,

    /// Listen on this address; may be given several times [default: 127.0.0.1:5000]
    ///
    /// An address and port such as 0.0.0.0:5000 or [::1]:5000, a port alone, or unix:PATH.
    #[arg(
        short,
        long,
        value_name = "ADDR",
        env = "FRAMECAST_LISTEN",
        hide_env_values = true,
        help_heading = "Server"
    )]
    listen: Vec<String>,

    /// Encrypt connections with the certificate in this file, in PEM form; it is read again when it changes
    #[arg(
        long,
        value_name = "FILE",
        env = "FRAMECAST_TLS_CERTIFICATE",
        hide_env_values = true,
        help_heading = "Server"
    )]
    tls_certificate: Option<String>,

    /// The certificate's private key, if it is not in the same file
    #[arg(
        long,
        value_name = "FILE",
        env = "FRAMECAST_TLS_KEY",
        hide_env_values = true,
        help_heading = "Server"
    )]
    tls_key: Option<String>,

    /// Encrypt connections with a certificate that framecast makes itself; browsers warn of it once
    ///
    /// It is kept in the state folder, and its fingerprint is printed, to be compared with what the browser shows.
    #[arg(
        long,
        env = "FRAMECAST_TLS_SELF_SIGNED", hide_env_values = true,
        value_parser = FalseyValueParser::new(),
        help_heading = "Server"
    )]
    tls_self_signed: bool,

    /// Listen here too, without encryption, and send whoever comes to the encrypted address; may be given several times
    #[arg(
        long,
        value_name = "ADDR",
        env = "FRAMECAST_TLS_REDIRECT",
        hide_env_values = true,
        help_heading = "Server"
    )]
    tls_redirect: Vec<String>,

    /// Let everyone who can reach the address do everything, without a password
    ///
    /// Without it, a server that others can reach asks for a user's name and password, a token, or the access token that it
    /// makes up and prints when it first starts.
    #[arg(
        long,
        env = "FRAMECAST_NO_AUTH", hide_env_values = true,
        value_parser = FalseyValueParser::new(),
        help_heading = "Server"
    )]
    no_auth: bool,

    /// Answer to this host name too, as in cams.example.org; `*` for all
    ///
    /// Addresses, localhost and names that only a local network knows (octopi, camera.local, camera.lan) need not be named.
    /// Others are refused, so that no web site can pass itself off as this server.
    #[arg(
        long,
        value_name = "NAME",
        env = "FRAMECAST_ALLOW_HOST",
        hide_env_values = true,
        help_heading = "Server"
    )]
    allow_host: Vec<String>,

    /// Let pages of this other web site show the cameras, as in https://example.org; `*` for all
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "FRAMECAST_ALLOW_ORIGIN",
        hide_env_values = true,
        help_heading = "Server"
    )]
    allow_origin: Vec<String>,

    /// Put this in front of every path, for a proxy that keeps it, as in /cameras
    #[arg(
        long,
        value_name = "PATH",
        env = "FRAMECAST_BASE_PATH",
        hide_env_values = true,
        help_heading = "Server"
    )]
    base_path: Option<String>,

    /// Show this camera; may be given several times [env: FRAMECAST_CAMERAS, CAMERA]
    ///
    /// The source says what it is: test, http://…, file:PATH and so on. Without a name the camera is called `camera`.
    /// Settings may follow behind a `#`: the keys of a camera in the configuration file, separated by commas. A camera
    /// replaces one of the same name in the file.
    ///
    /// FRAMECAST_CAMERAS holds several, one a line or separated by semicolons. CAMERA holds the source of the only one,
    /// if none is configured otherwise; with CAMERA=opencv, OPENCV_CAMERA_SOURCE says what OpenCV opens. Without any of
    /// these there is a test picture.
    #[arg(long, value_name = "[NAME=]SOURCE", help_heading = "Cameras")]
    camera: Vec<String>,

    /// Ask cameras for pictures of this size, as in 640x480
    #[arg(
        long,
        value_name = "SIZE",
        env = "FRAMECAST_SIZE",
        hide_env_values = true,
        help_heading = "Cameras"
    )]
    size: Option<String>,

    /// Ask cameras for this many pictures a second
    #[arg(
        long,
        value_name = "NUMBER",
        env = "FRAMECAST_FPS",
        hide_env_values = true,
        help_heading = "Cameras"
    )]
    fps: Option<String>,

    /// Make JPEGs of this quality, from 1 to 100
    #[arg(
        long,
        value_name = "NUMBER",
        env = "FRAMECAST_QUALITY",
        hide_env_values = true,
        help_heading = "Cameras"
    )]
    quality: Option<String>,

    /// Keep a camera open for so long after its last viewer, or for ever with `never` [default: 10s]
    #[arg(
        long,
        value_name = "TIME",
        env = "FRAMECAST_LINGER",
        hide_env_values = true,
        help_heading = "Cameras"
    )]
    linger: Option<String>,

    /// Record cameras: `always`, or `manual` for those that are started over the API [default: off]
    #[arg(
        long,
        value_name = "MODE",
        env = "FRAMECAST_RECORD",
        hide_env_values = true,
        help_heading = "Recordings"
    )]
    record: Option<String>,

    /// Keep recordings in this folder [default: `recordings` in the state folder]
    #[arg(
        long,
        value_name = "FOLDER",
        env = "FRAMECAST_RECORDINGS",
        hide_env_values = true,
        help_heading = "Recordings"
    )]
    recordings: Option<String>,

    /// Log what is at least this bad: error, warn, info, debug, trace, or a filter [default: info]
    ///
    /// A filter names parts of the program, as in info,framecast::hub=debug.
    #[arg(
        long,
        value_name = "LEVEL",
        env = "FRAMECAST_LOG",
        hide_env_values = true,
        help_heading = "Log"
    )]
    log: Option<String>,

    /// Log one JSON object a line in place of text
    #[arg(
        long,
        env = "FRAMECAST_LOG_JSON", hide_env_values = true,
        value_parser = FalseyValueParser::new(),
        help_heading = "Log"
    )]
    log_json: bool,
}

impl Serve {
    /// What was typed, together with the variables that are no flag's.
    pub fn given(self) -> Given {
        self.given_in(|variable| env::var(variable).unwrap_or_default())
    }

    /// The same in an environment of your own.
    pub fn given_in(self, variable: impl Fn(&str) -> String) -> Given {
        Given {
            file: self
                .config
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            listen: self.listen,
            tls_certificate: self.tls_certificate.unwrap_or_default(),
            tls_key: self.tls_key.unwrap_or_default(),
            tls_self_signed: self.tls_self_signed,
            tls_redirect: self.tls_redirect,
            base_path: self.base_path.unwrap_or_default(),
            cameras: self.camera,
            camera_list: variable("FRAMECAST_CAMERAS"),
            driver: variable("CAMERA"),
            opencv_source: variable("OPENCV_CAMERA_SOURCE"),
            size: self.size.unwrap_or_default(),
            fps: self.fps.unwrap_or_default(),
            quality: self.quality.unwrap_or_default(),
            linger: self.linger.unwrap_or_default(),
            record: self.record.unwrap_or_default(),
            recordings: self.recordings.unwrap_or_default(),
            no_auth: self.no_auth,
            allow_origins: self.allow_origin,
            allow_hosts: self.allow_host,
            log: self.log.unwrap_or_default(),
            log_json: self.log_json,
        }
    }
}

/// What can be done with recordings.
#[derive(Clone, Debug, Subcommand)]
pub enum Recordings {
    /// List what was recorded: times without a gap
    List {
        /// Where they are
        #[command(flatten)]
        folder: Folder,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy a time of a camera to a file; a server may be recording there
    Export(Export),
    /// Make the index anew from the files, and complete files that break off; no server may be recording there
    Reindex {
        /// Where they are
        #[command(flatten)]
        folder: Folder,
    },
}

/// What is typed to copy a time of a camera to a file.
#[derive(Clone, Debug, Group)]
pub struct Export {
    /// The camera
    pub camera: String,
    /// From when: -5m before now, 2026-11-20T12:00:00Z, or seconds since 1970
    #[arg(
        long,
        value_name = "TIME",
        default_value = "-60s",
        allow_hyphen_values = true
    )]
    pub from: Moment,
    /// Until when [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<Moment>,
    /// Take one picture of each such time only: a time-lapse
    #[arg(long, value_name = "TIME", value_parser = config::parse_duration)]
    pub every: Option<Duration>,
    /// Show so many pictures a second in a time-lapse [default: 30]
    #[arg(long, value_name = "NUMBER", requires = "every")]
    pub fps: Option<Rate>,
    /// Where to store it: a name that ends in .mp4 or .zip
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Where the recordings are
    #[command(flatten)]
    pub folder: Folder,
}

/// Which folder of recordings is meant.
#[derive(Clone, Debug, Group)]
pub struct Folder {
    /// The folder [default: that of the configuration]
    #[arg(
        long,
        value_name = "FOLDER",
        env = "FRAMECAST_RECORDINGS",
        hide_env_values = true
    )]
    pub recordings: Option<String>,
    /// The configuration that names it
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "FRAMECAST_CONFIG",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
}

/// What is typed to take one picture.
#[derive(Clone, Group)]
pub struct Snapshot {
    /// The camera, written like `framecast serve --camera` wants it, as in http://192.168.1.20/video
    pub source: String,
    /// Where to store the picture; `-` is the standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Give up after so long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = config::parse_duration)]
    pub timeout: Duration,
    /// Ask for a picture of this size, as in 640x480
    #[arg(long, value_parser = config::parse_size)]
    pub size: Option<Size>,
    /// Make a JPEG of this quality, from 1 to 100
    #[arg(long, value_name = "NUMBER", value_parser = value_parser!(u8).range(1..=100))]
    pub quality: Option<u8>,
}

/// What is typed to measure a stream.
#[derive(Clone, Group)]
pub struct Probe {
    /// The address of the stream, as in http://127.0.0.1:5000/video_feed
    pub url: String,
    /// Stop after this many seconds
    #[arg(long, value_name = "NUMBER", default_value = "10", value_parser = seconds)]
    pub seconds: Duration,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Implements `Debug` without the fields: there may be a password in a source or an address.
macro_rules! hide_fields {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
hide_fields!(Serve Snapshot Probe);

/// The part of the help that lists what a source may be.
fn sources(registry: &Registry) -> String {
    let mut text = String::from("\x1b[1;4mSources:\x1b[0m\n");
    for scheme in registry.schemes() {
        text += &format!("  {:<10}  {}\n", scheme.name, scheme.about);
        for (option, about) in scheme.options {
            text += &format!("  {:<10}    {option}=…: {about}\n", "");
        }
    }
    text + "\n"
}

/// A number of seconds above zero; a day at most.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86400.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("must be a number above zero, and a day at most".to_owned()),
    }
}
