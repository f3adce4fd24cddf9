//! TLS on a connection: the handshake, and what to speak behind it.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig, server::TlsStream};
use tracing::debug;

use super::{super::Peer, Door, Place, ToHttps, h1, h2};

/// How long a client may take for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The first byte of every TLS connection, with which no request of HTTP begins: the record of a handshake.
const HELLO: u8 = 0x16;

/// How connections are encrypted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Https {
    config: Arc<ServerConfig>,
    /// For those who did not know that they are to encrypt.
    elsewhere: ToHttps,
}

enum Opened {
    Encrypted(Box<TlsStream<TcpStream>>),
    Plain(TcpStream),
}

impl Https {
    /// By this configuration; whoever speaks plain HTTP is sent where `elsewhere` says.
    pub fn new(config: Arc<ServerConfig>, elsewhere: ToHttps) -> Self {
        Self { config, elsewhere }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(
        &self,
        door: &Door,
        stream: TcpStream,
        address: Option<IpAddr>,
        place: Place,
    ) {
        let opened = tokio::select! {
            opened = timeout(HANDSHAKE, self.open(stream)) => opened,
            () = door.shutdown.cancelled() => return,
        };
        let stream = match opened {
            Ok(Ok(Opened::Encrypted(stream))) => stream,
            Ok(Ok(Opened::Plain(stream))) => {
                self.elsewhere.serve(&door.shutdown, stream).await;
                return;
            }
            Ok(Err(error)) => return debug!("a handshake failed: {error}"),
            Err(_) => return debug!("a handshake took too long"),
        };
        let peer = Peer { address, tls: true };
        let (_, session) = stream.get_ref();
        if session.alpn_protocol() == Some(b"h2") {
            h2::serve(door, *stream, peer, place).await;
        } else {
            h1::serve(door, *stream, peer, place).await;
        }
    }

    async fn open(&self, stream: TcpStream) -> io::Result<Opened> {
        let mut first = [0];
        // The byte stays where it is, for whoever reads it then.
        if stream.peek(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if first != [HELLO] {
            return Ok(Opened::Plain(stream));
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        Ok(Opened::Encrypted(Box::new(acceptor.accept(stream).await?)))
    }
}
