//! HTTP/2: many requests on one connection, each of which counts as one would on its own.
//!
//! What a client can make the server hold is bounded by what stands below: requests at a time, bytes of heads and bodies, answers
//! to what is cancelled at once. A stream is an ordinary body here, of which `paced` tells when it is out.

use std::{convert::Infallible, pin::pin, time::Duration};

use axum::{
    Router,
    http::{HeaderValue, Request, Response, StatusCode, Uri, header},
    response::IntoResponse,
};
use hyper::{
    body::Incoming,
    rt::Executor,
    server::conn::http2::Builder,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    task_local,
    time::timeout,
};
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::{
    super::{Peer, error::Failure, writer::DEAD_AFTER},
    BUFFER, Door, HEAD_TIME, Place,
    paced::{Loans, Paced},
    upload::Upload,
};

/// Requests of one connection at a time.
const STREAMS: u32 = 100;
/// Bytes of requests' bodies that a client may send ahead of who reads them, on one connection.
const WINDOW: u32 = 256 * 1024;
/// Bytes that a stream hands over before they can be sent.
const HANDED_OVER: usize = 64 * 1024;
/// Requests that a client may cancel before the server has come to them.
const CANCELLED: usize = 20;
/// Streams that the server may have to cancel for a client's mistakes before it has enough of that.
const MISTAKES: usize = 100;
/// How long a connection may have no request.
const IDLE: Duration = Duration::from_secs(60);

task_local! {
    /// What is lent for the answer whose task this is.
    static LOANS: Loans;
}

/// Serves one connection to its end.
pub(super) async fn serve<S>(door: &Door, stream: S, peer: Peer, place: Place)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (open, _) = watch::channel(Open::default());
    let service = service_fn({
        let (router, open, places) = (door.router.clone(), open.clone(), door.places.clone());
        move |request: Request<Incoming>| {
            let one = One::new(&open);
            let place = if one.is_first {
                Ok(None)
            } else {
                places.clone().try_acquire_owned().map(Some)
            };
            let router = router.clone();
            async move {
                let request = request.map(Upload::new);
                let upload = request.body().clone();
                let answer = match place {
                    Ok(place) => answer(router, request, peer, (one, place)).await,
                    Err(_) => full((one, None)),
                };
                let status = answer.status();
                if status.is_client_error() || status.is_server_error() {
                    upload.read_out().await;
                }
                Ok::<_, Infallible>(answer)
            }
        }
    });
    let tasks = Tasks(door.tasks.clone());
    let connection = Builder::new(tasks)
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(BUFFER as u32)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_send_buf_size(HANDED_OVER)
        .max_pending_accept_reset_streams(CANCELLED)
        .max_local_error_reset_streams(MISTAKES)
        .keep_alive_interval(DEAD_AFTER)
        .keep_alive_timeout(DEAD_AFTER)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = silence(open.subscribe(), HEAD_TIME, IDLE) => {
            if !open.borrow().ever {
                // There is nobody whom a good-bye would help.
                return;
            }
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                outcome = connection => outcome,
                // A client that reads nothing does not get as far as the good-bye.
                () = silence(open.subscribe(), DEAD_AFTER, DEAD_AFTER) => return,
            }
        }
        () = door.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        debug!("a connection of HTTP/2 ended: {error}");
    }
    drop(place);
}

/// The requests of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    now: usize,
    /// Whether there was one before.
    ever: bool,
}

/// One of them, until its answer is out.
#[derive(Debug)]
struct One {
    open: watch::Sender<Open>,
    /// Whether it was the only one when it came: the connection's place is its own.
    is_first: bool,
}

impl One {
    fn new(open: &watch::Sender<Open>) -> Self {
        let mut is_first = false;
        open.send_modify(|open| {
            is_first = open.now == 0;
            *open = Open {
                now: open.now + 1,
                ever: true,
            };
        });
        Self {
            open: open.clone(),
            is_first,
        }
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.open.send_modify(|open| open.now -= 1);
    }
}

/// Returns when there was no request for long enough: `at_first`, or `later`, when there was one before.
async fn silence(mut open: watch::Receiver<Open>, at_first: Duration, later: Duration) {
    loop {
        let patience = match *open.borrow_and_update() {
            Open {
                now: 0,
                ever: false,
            } => at_first,
            Open { now: 0, ever: true } => later,
            // It ends by itself.
            Open { .. } => Duration::MAX,
        };
        match timeout(patience, open.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// What an answer holds on to until it is out: that it is there, and its place.
type Kept = (One, Option<Place>);

async fn answer(
    router: Router,
    mut request: Request<Upload>,
    peer: Peer,
    kept: Kept,
) -> Response<Paced<Kept>> {
    as_in_http_1(&mut request);
    request.extensions_mut().insert(peer);
    let Ok(answer) = TowerToHyperService::new(router).call(request).await;
    let loans = LOANS.try_with(Loans::clone).unwrap_or_default();
    answer.map(|body| Paced::new(body, loans, kept))
}

/// The answer where there is no place for one more request.
fn full(kept: Kept) -> Response<Paced<Kept>> {
    let why = "too many connections: try again in a moment";
    let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, why).retry_after(5);
    let answer = failure.into_response();
    answer.map(|body| Paced::new(body, Loans::default(), kept))
}

/// Puts a request's host where all else looks for it: into the header, and out of the address.
fn as_in_http_1<B>(request: &mut Request<B>) {
    let Some(path) = request.uri().path_and_query() else {
        return;
    };
    let address = Uri::from(path.clone());
    if let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        // RFC 9113 section 8.3.1: it counts in place of what a header says.
        request.headers_mut().insert(header::HOST, host);
    }
    *request.uri_mut() = address;
}

/// Where hyper's tasks run: each is one request with its answer, and ends when its client no longer reads that.
#[derive(Clone, Debug)]
struct Tasks(TaskTracker);

impl<F> Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, request: F) {
        let loans = Loans::default();
        self.0.spawn(async move {
            tokio::select! {
                biased;
                () = LOANS.scope(loans.clone(), request) => {}
                // hyper resets the stream when its task is dropped.
                () = loans.overdue(DEAD_AFTER) => debug!("a stream of HTTP/2 is not read"),
            }
        });
    }
}

#[cfg(test)]
mod tests;
