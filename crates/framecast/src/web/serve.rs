//! The loop that accepts connections.
//!
//! Our own, because what keeps a slow viewer's picture fresh is set here: hyper holds no more than one frame, and the kernel
//! takes little beyond what the link carries at the moment.

use std::{convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderValue, Request, StatusCode, header},
};
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

use super::{
    Peer,
    lanes::{self, Lanes},
    pace::{PATIENCE, Paced},
    refusal::Refusals,
    takeover::{Lent, Offer, Stretch},
    writer,
};
use crate::{
    access::{Place, Room},
    sinks::mjpeg::Parts,
};

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
    Tcp(TcpListener),
    /// A Unix domain socket.
    Unix(UnixListener),
}

enum Accepted {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    async fn accept(&self) -> io::Result<Accepted> {
        Ok(match self {
            Self::Tcp(listener) => Accepted::Tcp(listener.accept().await?.0),
            Self::Unix(listener) => Accepted::Unix(listener.accept().await?.0),
        })
    }
}

/// Serves `router` on all `listeners` until `shutdown`, then waits a moment for what is under way.
///
/// A connection for which there is no `room` is told so and closed.
pub async fn serve(
    listeners: Vec<Listener>,
    router: Router,
    room: Room,
    shutdown: CancellationToken,
) {
    let tasks = TaskTracker::new();
    let door = Arc::new(Door {
        router,
        room,
        refusals: Refusals::new(),
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

struct Door {
    router: Router,
    room: Room,
    refusals: Refusals,
    shutdown: CancellationToken,
    lanes: Lanes,
    tasks: TaskTracker,
}

impl Door {
    async fn accept(&self, listener: &Listener) {
        loop {
            let accepted = tokio::select! {
                () = self.shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok(Accepted::Tcp(stream)) => {
                    tune(&stream);
                    let address = stream.peer_addr().ok().map(|address| address.ip());
                    self.admit(stream, address);
                }
                Ok(Accepted::Unix(stream)) => self.admit(stream, None),
                Err(error) if is_about_one(&error) => debug!("a connection failed: {error}"),
                Err(error) => {
                    // Out of descriptors, most likely: accepting again at once would only spin.
                    warn!("no connection can be accepted: {error}");
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn admit<S>(&self, stream: S, address: Option<IpAddr>)
    where
        S: Carrier,
    {
        let place = match self.room.enter(address) {
            Ok(place) => Arc::new(place),
            Err(why) => {
                self.tasks.spawn(self.refusals.clone().tell(stream, why));
                return;
            }
        };
        let (router, shutdown) = (self.router.clone(), self.shutdown.clone());
        let (lanes, tasks) = (self.lanes.clone(), self.tasks.clone());
        let peer = Peer {
            address,
            tls: false,
        };
        self.tasks.spawn(async move {
            let lent = Lent::new(Paced::new(stream));
            let talk = converse(lent.clone(), router, peer, &place, &shutdown);
            tokio::select! {
                outcome = talk => if let Err(error) = outcome {
                    debug!("a connection ended: {error}");
                    return;
                },
                () = place.gives_way() => {
                    debug!("a connection on which nothing was said made room for another");
                    return;
                }
            }
            let Some((stream, Stretch { parts, ended })) = lent.reclaim() else {
                return;
            };
            // A task of its own, which is a tenth the size of this one.
            tasks.spawn(async move {
                let outcome = tokio::select! {
                    biased;
                    outcome = stream.into_inner().carry(parts, &lanes, &shutdown) => outcome,
                    () = ended => Ok(()),
                };
                if let Err(error) = outcome {
                    debug!("a stream ended: {error}");
                }
                drop(place);
            });
        });
    }
}

/// A connection that can carry a stream.
trait Carrier: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Writes the parts until they end or the viewer leaves.
    fn carry(
        self,
        parts: Parts,
        lanes: &Lanes,
        shutdown: &CancellationToken,
    ) -> impl Future<Output = io::Result<()>> + Send;
}

impl Carrier for TcpStream {
    async fn carry(
        self,
        parts: Parts,
        lanes: &Lanes,
        shutdown: &CancellationToken,
    ) -> io::Result<()> {
        lanes::run(self, parts, lanes, shutdown).await
    }
}

impl Carrier for UnixStream {
    async fn carry(self, parts: Parts, _: &Lanes, shutdown: &CancellationToken) -> io::Result<()> {
        writer::run(self, parts, shutdown).await
    }
}

/// Answers the requests of one connection, until it ends or a stream is to have it.
async fn converse<S>(
    lent: Lent<S>,
    router: Router,
    peer: Peer,
    place: &Arc<Place>,
    shutdown: &CancellationToken,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let carrier = lent.clone();
    let place = Arc::clone(place);
    let service = service_fn(move |mut request: Request<Incoming>| {
        place.speaks();
        request.extensions_mut().insert(Offer);
        request.extensions_mut().insert(peer);
        let answer = router.call(request);
        let (carrier, room) = (carrier.clone(), place.room().clone());
        async move {
            let mut answer = answer.await?;
            if room.is_short() && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                // No place is kept for a request that may come.
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(header::CONNECTION, close);
            }
            carrier.accept(answer.extensions_mut());
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(lent), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    }
}

fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let tuned = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_notsent_lowat(UNSENT))
        .and_then(|()| socket.set_tcp_user_timeout(Some(PATIENCE)))
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
