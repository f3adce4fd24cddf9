//! Bodies for HTTP/2 that know when their bytes are out.
//!
//! hyper takes the next piece of a body before there is room to send it, and HTTP/2 lets a client stop one stream while others go
//! on. So each piece is lent: it comes back when it was handed to the kernel. Only when all of a frame is out the next one is asked
//! for, which is the newest then. And what does not come back for long is that of a client who no longer reads.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use futures_util::task::AtomicWaker;
use hyper::body::{Frame, SizeHint};
use tokio::time::sleep;

/// The largest piece that is lent.
const PIECE: usize = 16 * 1024;
/// Pieces of one answer that are out on loan at a time.
const MOST: usize = 4;

/// What is lent for one answer. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Loans(Arc<Ledger>);

#[derive(Debug, Default)]
struct Ledger {
    out: AtomicUsize,
    /// Rises with each piece that goes out or comes back.
    moved: AtomicUsize,
    waits: AtomicWaker,
}

/// A piece that comes back when it is dropped.
struct Lent {
    bytes: Bytes,
    loans: Loans,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let ledger = &self.loans.0;
        ledger.moved.fetch_add(1, SeqCst);
        ledger.out.fetch_sub(1, SeqCst);
        ledger.waits.wake();
    }
}

impl Loans {
    /// Returns when nothing has come back for `patience`, though something is out.
    pub(super) async fn overdue(&self, patience: Duration) {
        let mut before = self.0.moved.load(SeqCst);
        loop {
            sleep(patience).await;
            let moved = self.0.moved.load(SeqCst);
            if moved == before && self.0.out.load(SeqCst) > 0 {
                return;
            }
            before = moved;
        }
    }

    fn lend(&self, bytes: Bytes) -> Bytes {
        self.0.out.fetch_add(1, SeqCst);
        self.0.moved.fetch_add(1, SeqCst);
        let loans = self.clone();
        Bytes::from_owner(Lent { bytes, loans })
    }

    /// Ready when no more than `most` are out.
    fn poll_back(&self, most: usize, cx: &Context<'_>) -> Poll<()> {
        self.0.waits.register(cx.waker());
        if self.0.out.load(SeqCst) <= most {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// A body whose pieces are lent. `kept` is dropped together with it.
#[derive(Debug)]
pub(super) struct Paced<K> {
    body: Body,
    /// What the body gave and is not lent yet.
    rest: Bytes,
    loans: Loans,
    _kept: K,
}

impl<K> Paced<K> {
    pub(super) fn new(body: Body, loans: Loans, kept: K) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            loans,
            _kept: kept,
        }
    }
}

impl<K: Unpin> HttpBody for Paced<K> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        while this.rest.is_empty() {
            ready!(this.loans.poll_back(0, cx));
            let Some(frame) = ready!(Pin::new(&mut this.body).poll_frame(cx)) else {
                return Poll::Ready(None);
            };
            match frame?.into_data() {
                Ok(bytes) => this.rest = bytes,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        ready!(this.loans.poll_back(MOST - 1, cx));
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(this.loans.lend(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, mut hint) = (self.rest.len() as u64, self.body.size_hint());
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::poll_fn};

    use futures_util::{FutureExt, stream};
    use tokio::time::{Instant, timeout};

    use super::*;

    fn body(pieces: &[usize]) -> (Paced<()>, Loans) {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|size| Ok::<_, Infallible>(Bytes::from(vec![b'x'; *size])))
            .collect();
        let loans = Loans::default();
        let body = Body::from_stream(stream::iter(pieces));
        (Paced::new(body, loans.clone(), ()), loans)
    }

    fn next(body: &mut Paced<()>) -> Option<Option<Bytes>> {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).now_or_never()?;
        Some(frame.map(|frame| frame.unwrap().into_data().unwrap()))
    }

    #[test]
    fn the_next_is_asked_for_only_when_all_of_the_one_before_is_out() {
        let (mut body, _) = body(&[10, 20]);
        let first = next(&mut body).unwrap().unwrap();
        let part_of_it = first.slice(5..);
        assert!(next(&mut body).is_none());
        drop(first);
        assert!(next(&mut body).is_none());
        drop(part_of_it);
        assert_eq!(next(&mut body).unwrap().unwrap().len(), 20);
        assert_eq!(next(&mut body), Some(None));
    }

    #[test]
    fn what_is_large_goes_out_in_few_pieces_at_a_time() {
        let (mut body, _) = body(&[PIECE * 10 + 1]);
        let mut lent: Vec<Bytes> = (0..MOST)
            .map(|_| next(&mut body).unwrap().unwrap())
            .collect();
        assert!(next(&mut body).is_none());
        let mut length = 0;
        while let Some(bytes) = lent.pop() {
            length += bytes.len();
            drop(bytes);
            lent.extend(next(&mut body).flatten());
        }
        assert_eq!(length, PIECE * 10 + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_is_out_and_does_not_move_is_overdue() {
        let (mut body, loans) = body(&[PIECE * 2]);
        let patience = Duration::from_secs(30);
        let nothing_is_out = timeout(10 * patience, loans.overdue(patience));
        assert!(nothing_is_out.await.is_err());
        let overdue = tokio::spawn(async move { loans.overdue(patience).await });
        // What has just gone out is not overdue.
        sleep(patience - Duration::from_secs(1)).await;
        let first = next(&mut body).unwrap().unwrap();
        sleep(patience).await;
        assert!(!overdue.is_finished());
        let _second = next(&mut body).unwrap().unwrap();
        drop(first);
        let since = Instant::now();
        overdue.await.unwrap();
        let took = since.elapsed();
        assert!(took >= patience && took <= 2 * patience, "{took:?}");
    }
}
