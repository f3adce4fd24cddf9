//! The sockets that the server listens on.

use std::{
    io, net::TcpListener as StdTcpListener, os::unix::net::UnixListener as StdUnixListener,
    path::Path,
};

use listenfd::ListenFd;
use socket2::SockRef;
use tokio::net::{TcpListener, UnixListener};

use super::Error;
use crate::config::{Config, Listen, Tls};

/// Connections that may wait to be accepted. With the library's own 128, some of a crowd that comes all at once would wait
/// for a second and more, until their systems try again.
const BACKLOG: i32 = 1024;

/// A socket of whatever kind.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The sockets that a supervisor handed over, or else those of the configuration, and where they are.
pub(super) fn sockets(config: &Config) -> Result<Vec<(Socket, Listen)>, Error> {
    let inherited = inherited().map_err(Error::Inherited)?;
    if !inherited.is_empty() {
        return Ok(inherited);
    }
    config.listen.iter().map(bound).collect()
}

/// Those that only send on to an encrypted address.
pub(super) fn redirecting(tls: &Tls) -> Result<Vec<(Socket, Listen)>, Error> {
    let addresses = tls.redirect.iter().copied().map(Listen::Tcp);
    addresses.map(|address| bound(&address)).collect()
}

fn bound(address: &Listen) -> Result<(Socket, Listen), Error> {
    bind(address).map_err(|source| Error::Listen {
        address: address.clone(),
        source,
    })
}

fn inherited() -> io::Result<Vec<(Socket, Listen)>> {
    let mut sockets = ListenFd::from_env();
    (0..sockets.len())
        .map(|index| {
            if let Ok(Some(socket)) = sockets.take_tcp_listener(index) {
                return tcp(socket);
            }
            match sockets.take_unix_listener(index)? {
                Some(socket) => unix(socket),
                None => Err(io::Error::other(format!(
                    "socket {index} is of no known kind"
                ))),
            }
        })
        .collect()
}

fn bind(address: &Listen) -> io::Result<(Socket, Listen)> {
    match address {
        Listen::Tcp(address) => {
            let socket = StdTcpListener::bind(address)?;
            SockRef::from(&socket).listen(BACKLOG)?;
            tcp(socket)
        }
        Listen::Unix(path) => {
            // A socket that nobody answers on is what an earlier run left behind.
            if std::os::unix::net::UnixStream::connect(path)
                .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
            {
                std::fs::remove_file(path)?;
            }
            unix(StdUnixListener::bind(path)?)
        }
    }
}

fn tcp(socket: StdTcpListener) -> io::Result<(Socket, Listen)> {
    socket.set_nonblocking(true)?;
    let address = Listen::Tcp(socket.local_addr()?);
    Ok((Socket::Tcp(TcpListener::from_std(socket)?), address))
}

fn unix(socket: StdUnixListener) -> io::Result<(Socket, Listen)> {
    socket.set_nonblocking(true)?;
    let path = socket.local_addr()?;
    let path = path.as_pathname().unwrap_or(Path::new("(unnamed)"));
    let address = Listen::Unix(path.to_owned());
    Ok((Socket::Unix(UnixListener::from_std(socket)?), address))
}
