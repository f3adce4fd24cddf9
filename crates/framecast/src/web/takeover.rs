//! How a stream gets a connection to itself.
//!
//! hyper reads the request and writes the head of the answer, so that everything around the router counts for streams as
//! for all else. Then the connection is taken out of its hands and [`writer`](super::writer) goes on with it: a part costs
//! little more than the one system call that sends it, and hyper's buffers are freed.
//!
//! The accept loop offers that to each request ([`Offer`]). Where the router is served by another loop, there is no offer
//! and the stream is an ordinary body. The parts travel in the response, not beside it: a layer that replaces the response
//! ends the stream as well.

use std::{
    convert::Infallible,
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    http::Extensions,
    response::Response,
};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::sinks::mjpeg::{Part, Parts};

/// Says in a request that its answer may take the connection over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer;

/// Carries a stream in a response, to be taken out once.
#[derive(Clone, Debug)]
struct Carried(Arc<Mutex<Option<Stretch>>>);

/// The parts of a stream, and until when it may go on.
pub(super) struct Stretch {
    pub(super) parts: Parts,
    /// Done when the viewer may no longer watch.
    pub(super) ended: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Sends `parts` as the body of `response`: on the connection itself if that was offered.
pub(super) fn carry(parts: Parts, offer: Option<Offer>, response: &mut Response) {
    *response.body_mut() = match offer {
        Some(Offer) => {
            let ended = Box::pin(std::future::pending());
            let stretch = Stretch { parts, ended };
            let carried = Carried(Arc::new(Mutex::new(Some(stretch))));
            response.extensions_mut().insert(carried);
            // Ends at once but has no length: what follows the head is not hyper's business.
            Body::from_stream(stream::empty::<Result<Bytes, Infallible>>())
        }
        None => Body::from_stream(body(parts)),
    };
}

/// Ends the stream that `response` carries when `ended` is done: the future is given back if it carries none.
pub(super) fn limit<F>(response: &Response, ended: F) -> Result<(), F>
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(Carried(carried)) = response.extensions().get() else {
        return Err(ended);
    };
    if let Some(stretch) = &mut *locked(carried) {
        stretch.ended = Box::pin(ended);
    }
    Ok(())
}

/// The stream as the body of an answer. The next part is taken only when asked for, so a connection that asks when there is
/// room holds one frame at most. Each part is in one piece, so that it is known when all of it is out.
fn body(parts: Parts) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let opening = Bytes::from_static(parts.opening());
    let rest = stream::unfold(parts, async |mut parts| {
        let part = match parts.next().await? {
            Part::Whole(bytes) => bytes,
            Part::Pieces(pieces) => pieces.concat().into(),
        };
        Some((part, parts))
    });
    stream::iter([opening]).chain(rest).map(Ok)
}

/// A connection that is lent to hyper and can be had back.
#[derive(Debug)]
pub(super) struct Lent<S>(Arc<Mutex<Connection<S>>>);

#[derive(Debug)]
struct Connection<S> {
    io: S,
    /// What is to be sent once hyper is done.
    stretch: Option<Stretch>,
}

impl fmt::Debug for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)
    }
}

impl<S> Clone for Lent<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Lent<S> {
    pub(super) fn new(io: S) -> Self {
        Self(Arc::new(Mutex::new(Connection { io, stretch: None })))
    }

    /// Takes the parts out of a response that is about to be written.
    pub(super) fn accept(&self, extensions: &mut Extensions) {
        let carried = extensions.remove::<Carried>();
        let stretch = carried.and_then(|Carried(stretch)| locked(&stretch).take());
        if stretch.is_some() {
            self.connection().stretch = stretch;
        }
    }

    /// The connection and what it is to carry. `None` if it was to carry nothing, or is still in use: hyper must have been
    /// dropped before.
    pub(super) fn reclaim(self) -> Option<(S, Stretch)> {
        let connection = Arc::into_inner(self.0)?;
        let connection = connection
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Some((connection.io, connection.stretch?))
    }

    fn connection(&self) -> MutexGuard<'_, Connection<S>> {
        locked(&self.0)
    }
}

/// Held for one system call, never across an await.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection().io).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection().io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection().io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection().io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection().io).poll_flush(cx)
    }

    /// Leaves a connection open that a stream is waiting for.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut connection = self.connection();
        match connection.stretch {
            Some(_) => Pin::new(&mut connection.io).poll_flush(cx),
            None => Pin::new(&mut connection.io).poll_shutdown(cx),
        }
    }
}
