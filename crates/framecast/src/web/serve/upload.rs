//! The body of a request on HTTP/2, whose rest is read for a while before the request is refused.
//!
//! Some clients that hear of a refusal while they are sending stop in the middle, which breaks the protocol, and tell their users of
//! that in place of why they were refused.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::timeout;

/// How much is read of what nobody wants.
const MOST: usize = 64 * 1024;
/// For how long it is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// A request's body, of which whoever answers keeps a handle. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Upload(Arc<Mutex<Incoming>>);

impl Upload {
    pub(super) fn new(body: Incoming) -> Self {
        Self(Arc::new(Mutex::new(body)))
    }

    /// Reads what was not read, up to where it is too much.
    pub(super) async fn read_out(mut self) {
        let mut read = 0;
        let rest = async {
            while read < MOST && !self.is_end_stream() {
                match poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await {
                    Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
                    Some(Err(_)) | None => return,
                }
            }
        };
        let _in_time = timeout(PATIENCE, rest).await;
    }

    /// Held while it is polled, never across an await.
    fn body(&self) -> MutexGuard<'_, Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut *self.body()).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}
