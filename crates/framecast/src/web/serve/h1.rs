//! HTTP/1.1, and the streams that take their connections over.

use std::{convert::Infallible, io};

use axum::{Router, http::Request};
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    super::{
        Peer,
        backlog::{Backlog, Queue},
        lanes::{self, Lanes},
        takeover::{Lent, Offer, Stretch},
        writer,
    },
    BUFFER, Door, HEAD_TIME, Place,
};
use crate::sinks::mjpeg::Parts;

/// A connection that can carry a stream.
pub(super) trait Carrier: AsyncRead + AsyncWrite + Unpin + Send + 'static {
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

/// What is encrypted waits in the kernel as anything else does.
impl Queue for TlsStream<TcpStream> {
    fn backlog(&self) -> Option<Backlog> {
        let (socket, _) = self.get_ref();
        socket.backlog()
    }
}

impl Carrier for TlsStream<TcpStream> {
    async fn carry(self, parts: Parts, _: &Lanes, shutdown: &CancellationToken) -> io::Result<()> {
        writer::run(self, parts, shutdown).await
    }
}

/// Serves one connection to its end.
pub(super) async fn serve<S: Carrier>(door: &Door, stream: S, peer: Peer, place: Place) {
    let shutdown = door.shutdown.clone();
    let lent = Lent::new(stream);
    if let Err(error) = converse(lent.clone(), door.router.clone(), peer, &shutdown).await {
        debug!("a connection ended: {error}");
        return;
    }
    let Some((stream, Stretch { parts, ended })) = lent.reclaim() else {
        return;
    };
    let lanes = door.lanes.clone();
    // A task of its own, which is a tenth the size of this one.
    door.tasks.spawn(async move {
        let outcome = tokio::select! {
            biased;
            outcome = stream.carry(parts, &lanes, &shutdown) => outcome,
            () = ended => Ok(()),
        };
        if let Err(error) = outcome {
            debug!("a stream ended: {error}");
        }
        drop(place);
    });
}

/// Answers the requests of one connection, until it ends or a stream is to have it.
async fn converse<S>(
    lent: Lent<S>,
    router: Router,
    peer: Peer,
    shutdown: &CancellationToken,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let carrier = lent.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Offer);
        request.extensions_mut().insert(peer);
        let answer = router.call(request);
        let carrier = carrier.clone();
        async move {
            let mut answer = answer.await?;
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
