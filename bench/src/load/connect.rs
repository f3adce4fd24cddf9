//! Connections of viewers.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream},
};

use anyhow::{Context, Result};
use rustix::{
    io::Errno,
    net::{
        AddressFamily, SendFlags, SocketType, bind, connect as connect_to, send, socket, sockopt,
    },
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

/// Connections from one address: an address has 28,000 ports unless the machine is told otherwise.
const PER_ADDRESS: usize = 20_000;

/// Connects the viewer with this number. Further ones come from further addresses of this machine. The kernel holds `holds`
/// bytes of what it did not read yet, or as much as it finds right.
pub(crate) fn connect(to: SocketAddr, number: usize, holds: Option<usize>) -> Result<TcpStream> {
    let connected = || -> Result<TcpStream, Errno> {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        if let Some(bytes) = holds {
            sockopt::set_socket_recv_buffer_size(&socket, bytes)?;
        }
        if to.ip().is_loopback() && number >= PER_ADDRESS {
            let host = u8::try_from(1 + number / PER_ADDRESS).unwrap_or(u8::MAX);
            bind(
                &socket,
                &SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, host), 0),
            )?;
        }
        connect_to(&socket, &to)?;
        Ok(TcpStream::from(socket))
    };
    let stream = connected().map_err(io::Error::from);
    stream.with_context(|| format!("viewer {number} can't connect to {to}"))
}

/// Asks for a stream. As HTTP/1.0, so that no server wraps it into chunks.
pub(crate) fn request(socket: &TcpStream, to: SocketAddr, path: &str) -> Result<()> {
    let text = format!("GET {path} HTTP/1.0\r\nHost: {to}\r\nAccept: */*\r\n\r\n");
    send(socket, text.as_bytes(), SendFlags::NOSIGNAL).map_err(io::Error::from)?;
    Ok(())
}

/// Raises the limit of open files of this process and those it starts to what is allowed.
pub(crate) fn raise_limit() -> Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(io::Error::from)?;
    Ok(raised.current.unwrap_or(u64::MAX))
}
