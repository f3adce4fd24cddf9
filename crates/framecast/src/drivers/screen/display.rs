//! The connection to an X server, and what its failures mean.

use std::{env, io};

use framecast_camera::{Error, ErrorKind, Result};
use x11rb::{
    connection::{Connection as _, RequestConnection as _},
    errors::{ConnectError, ConnectionError, DisplayParsingError, ReplyError, ReplyOrIdError},
    protocol::xproto::Screen,
    rust_connection::RustConnection,
};

/// An X server and one of its screens.
pub(super) struct Display {
    pub(super) server: RustConnection,
    pub(super) screen: Screen,
    /// As in `:1`.
    pub(super) name: String,
    /// Whether the server is on this machine and so can share memory.
    pub(super) local: bool,
}

/// Connects to the server of that name, or to the one that `DISPLAY` names.
pub(super) fn connect(name: Option<&str>) -> Result<Display> {
    let wayland = env::var_os("WAYLAND_DISPLAY").is_some_and(|name| !name.is_empty());
    let from_environment = env::var("DISPLAY").ok().filter(|name| !name.is_empty());
    let name = match (name, from_environment) {
        (Some(name), _) => name.to_owned(),
        (None, _) if wayland => return Err(of_wayland()),
        (None, Some(name)) => name,
        (None, None) => {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "there is no desktop to show: DISPLAY is not set; name an X server, as in `screen::0`",
            ));
        }
    };
    let (server, screen) =
        RustConnection::connect(Some(&name)).map_err(|why| refused(&name, why))?;
    let xwayland = server.extension_information("XWAYLAND");
    if xwayland.map_err(|why| lost(&name, why))?.is_some() {
        return Err(of_wayland());
    }
    let screen = server.setup().roots[screen].clone();
    Ok(Display {
        local: name.starts_with([':', '/']) || name.starts_with("unix"),
        server,
        screen,
        name,
    })
}

impl Display {
    /// What a failed request means where the server should have carried it out.
    pub(super) fn failed(&self, why: impl Into<ReplyOrIdError>) -> Error {
        match why.into() {
            ReplyOrIdError::ConnectionError(why) => lost(&self.name, why),
            other => {
                let message = format!("the X server `{}` refused a request", self.name);
                Error::new(ErrorKind::Broken, message).with_source(other)
            }
        }
    }

    /// The answer to a request, or `None` if the server refused it: the window may be gone by now.
    pub(super) fn answer<T>(
        &self,
        answer: std::result::Result<T, ReplyError>,
    ) -> Result<Option<T>> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(ReplyError::X11Error(_)) => Ok(None),
            Err(ReplyError::ConnectionError(why)) => Err(lost(&self.name, why)),
        }
    }

    /// The server went away before it had the request.
    pub(super) fn lost(&self, why: ConnectionError) -> Error {
        lost(&self.name, why)
    }
}

fn lost(name: &str, why: ConnectionError) -> Error {
    Error::new(ErrorKind::Lost, format!("the X server `{name}` went away")).with_source(why)
}

fn of_wayland() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "this desktop is Wayland's, which shows its screen to no program: log in to an X11 session, or name another X server as in `screen::1`",
    )
}

/// Why there is no connection.
fn refused(name: &str, why: ConnectError) -> Error {
    let (kind, message) = match &why {
        ConnectError::DisplayParsingError(DisplayParsingError::MalformedValue(_)) => (
            ErrorKind::Invalid,
            format!("`{name}` is no X server: write `screen::1` or `screen:HOST:1`"),
        ),
        ConnectError::InvalidScreen => (
            ErrorKind::Invalid,
            format!("the X server of `{name}` has no screen of that number"),
        ),
        ConnectError::SetupFailed(_) | ConnectError::SetupAuthenticate(_) => (
            ErrorKind::Denied,
            format!("the X server `{name}` refuses this user: set XAUTHORITY to its owner's file"),
        ),
        ConnectError::IoError(error) if error.kind() == io::ErrorKind::PermissionDenied => (
            ErrorKind::Denied,
            format!("this user may not reach the X server `{name}`"),
        ),
        _ => (
            ErrorKind::Unavailable,
            format!("there is no X server `{name}`"),
        ),
    };
    match why {
        // It says no more than that.
        ConnectError::DisplayParsingError(_) | ConnectError::InvalidScreen => {
            Error::new(kind, message)
        }
        ConnectError::SetupFailed(why) => {
            let reason = String::from_utf8_lossy(&why.reason)
                .trim()
                .replace('\n', " ");
            Error::new(kind, message).with_source(reason)
        }
        why => Error::new(kind, message).with_source(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_have_no_display_says_what_to_do() {
        let malformed = DisplayParsingError::MalformedValue("x".into());
        for (why, kind, hint) in [
            (malformed.into(), ErrorKind::Invalid, "`screen::1`"),
            (ConnectError::InvalidScreen, ErrorKind::Invalid, "no screen"),
            (
                io::Error::from(io::ErrorKind::ConnectionRefused).into(),
                ErrorKind::Unavailable,
                "no X server",
            ),
            (
                io::Error::from(io::ErrorKind::PermissionDenied).into(),
                ErrorKind::Denied,
                "may not reach",
            ),
        ] {
            let error = refused("x", why);
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().contains(hint), "{error}");
        }
        assert!(of_wayland().to_string().contains("X11 session"));
    }
}
