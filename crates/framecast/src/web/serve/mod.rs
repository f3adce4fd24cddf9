//! The loop that accepts connections, and what is done with each.
//!
//! Our own, because what keeps a slow viewer's picture fresh is set here: hyper holds no more than one frame, and the kernel
//! takes little beyond what the link carries at the moment.
//!
//! This file accepts and counts connections. `https` encrypts them, `redirect` sends those on that are not encrypted and should
//! be, `h1` and `h2` speak the two versions of HTTP, and `paced` and `upload` are the bodies of the second.

mod h1;
mod h2;
mod https;
mod paced;
mod redirect;
mod upload;

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use axum::Router;
use socket2::SockRef;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

use super::{Peer, guard, lanes::Lanes, writer::DEAD_AFTER};

pub use https::Https;
pub use redirect::ToHttps;

/// How long a client may take for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// The largest head of a request, and what hyper holds of an answer before it stops asking for more.
const BUFFER: usize = 8 * 1024;
/// Unsent bytes that the kernel takes at most: beyond them a frame waits here, where a newer one can replace it.
const UNSENT: u32 = 16 * 1024;
/// How long requests that are under way may go on after the shutdown.
const GRACE: Duration = Duration::from_millis(1_500);

/// Where connections come from.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener, Speaks),
    /// A Unix domain socket, where HTTP is spoken as it is.
    Unix(UnixListener),
}

/// What is spoken on a connection.
#[derive(Clone, Debug)]
pub enum Speaks {
    /// HTTP as it is.
    Http,
    /// HTTP through TLS.
    Https(Https),
    /// HTTP as it is, whose every answer is where to go to instead.
    Elsewhere(ToHttps),
}

enum Accepted {
    Tcp(TcpStream, Speaks),
    Unix(UnixStream),
}

impl Listener {
    async fn accept(&self) -> io::Result<Accepted> {
        Ok(match self {
            Self::Tcp(listener, speaks) => {
                Accepted::Tcp(listener.accept().await?.0, speaks.clone())
            }
            Self::Unix(listener) => Accepted::Unix(listener.accept().await?.0),
        })
    }
}

/// Serves `router` on all `listeners` until `shutdown`, then waits a moment for what is under way.
///
/// At most `connections` are open at a time; one more gets a 503.
pub async fn serve(
    listeners: Vec<Listener>,
    router: Router,
    connections: usize,
    shutdown: CancellationToken,
) {
    let tasks = TaskTracker::new();
    let door = Arc::new(Door {
        router,
        places: Arc::new(Semaphore::new(connections)),
        shutdown: shutdown.clone(),
        lanes: Lanes::new(tasks.clone()),
        tasks: tasks.clone(),
    });
    for listener in listeners {
        let door = Arc::clone(&door);
        tasks.spawn(async move {
            door.accept(&listener).await;
        });
    }
    shutdown.cancelled().await;
    tasks.close();
    if timeout(GRACE, tasks.wait()).await.is_err() {
        warn!("{} connections were still busy and are cut", tasks.len());
    }
}

/// What all connections share.
struct Door {
    router: Router,
    places: Arc<Semaphore>,
    shutdown: CancellationToken,
    lanes: Lanes,
    tasks: TaskTracker,
}

/// One of the places for connections, which is free again when this is dropped.
type Place = OwnedSemaphorePermit;

impl Door {
    async fn accept(self: &Arc<Self>, listener: &Listener) {
        loop {
            let accepted = tokio::select! {
                () = self.shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok(Accepted::Tcp(stream, speaks)) => {
                    tune(&stream);
                    let address = stream.peer_addr().ok().map(|address| address.ip());
                    self.admit(stream, address, speaks);
                }
                Ok(Accepted::Unix(stream)) => match self.place() {
                    Some(place) => self.serve_plain(stream, None, place),
                    None => self.refuse(stream),
                },
                Err(error) if is_about_one(&error) => debug!("a connection failed: {error}"),
                Err(error) => {
                    // Out of descriptors, most likely: accepting again at once would only spin.
                    warn!("no connection can be accepted: {error}");
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: TcpStream, address: Option<IpAddr>, speaks: Speaks) {
        let Some(place) = self.place() else {
            // An encrypted client could read nothing without a handshake, which costs more than it is worth.
            if !matches!(speaks, Speaks::Https(_)) {
                self.refuse(stream);
            }
            return;
        };
        let door = Arc::clone(self);
        match speaks {
            Speaks::Http => self.serve_plain(stream, address, place),
            Speaks::Https(https) => {
                self.tasks.spawn(async move {
                    https.serve(&door, stream, address, place).await;
                });
            }
            Speaks::Elsewhere(elsewhere) => {
                self.tasks.spawn(async move {
                    elsewhere.serve(&door.shutdown, stream).await;
                    drop(place);
                });
            }
        }
    }

    /// A place for one more, if there is one.
    fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    fn serve_plain<S: h1::Carrier>(
        self: &Arc<Self>,
        stream: S,
        address: Option<IpAddr>,
        place: Place,
    ) {
        let door = Arc::clone(self);
        let peer = Peer {
            address,
            tls: false,
        };
        self.tasks.spawn(async move {
            h1::serve(&door, stream, peer, place).await;
        });
    }

    /// Says without waiting for the client that there is no place: a socket that can't take this line at once is not worth more.
    fn refuse<S: h1::Carrier>(&self, mut stream: S) {
        self.tasks.spawn(async move {
            let refusal = guard::too_many_connections();
            let _told = timeout(HEAD_TIME, stream.write_all(refusal.as_bytes())).await;
        });
    }
}

fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let tuned = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_notsent_lowat(UNSENT))
        .and_then(|()| socket.set_tcp_user_timeout(Some(DEAD_AFTER)))
        .and_then(|()| socket.set_keepalive(true));
    if let Err(error) = tuned {
        debug!("a connection can't be tuned: {error}");
    }
}

/// Whether an error of `accept` concerns only the connection that was to be accepted.
fn is_about_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
