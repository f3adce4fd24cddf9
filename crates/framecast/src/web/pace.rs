//! How fast clients must read and send at least: a place on the server is not for those who keep it with a byte now and then.
//!
//! Only waiting counts. A client that has nothing to read, or takes all of it at once, is never too slow.
//!
//! What does not belong here: who gets a place at all (`crate::access::Room`).

use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::http::StatusCode;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until, timeout},
};

use super::error::Failure;

/// How long a client may be waited for until it has taken [`LEAST`] bytes.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that it must take in that time: a sixth of what a poor mobile link carries, which is 50 kbit/s.
pub(super) const LEAST: usize = 32 * 1024;
/// How long a whole body may take that is read before it is answered. Bytes now and then don't help: such a body is small,
/// and its sender has it already.
const BODY_TIME: Duration = Duration::from_secs(10);

/// How a client has taken of late what it was sent.
#[derive(Debug, Default)]
pub(super) struct Pace {
    taken: usize,
    waited: Duration,
    /// Since when it is being waited for.
    since: Option<Instant>,
}

impl Pace {
    /// It takes nothing at the moment. Until when that is all right.
    pub(super) fn waits(&mut self) -> Instant {
        let since = *self.since.get_or_insert_with(Instant::now);
        since + PATIENCE.saturating_sub(self.waited)
    }

    /// It took so many bytes.
    pub(super) fn took(&mut self, count: usize) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        self.taken = self.taken.saturating_add(count);
        if self.taken >= LEAST {
            *self = Self::default();
        }
    }
}

/// How long so many bytes may be waited for where only their end is seen.
pub(super) fn time_for(bytes: usize) -> Duration {
    let times = u32::try_from(bytes / LEAST).unwrap_or(u32::MAX);
    PATIENCE.saturating_mul(times.saturating_add(1))
}

/// Reads a small body, for [`BODY_TIME`] at most.
pub(super) async fn in_time<T>(read: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(BODY_TIME, read).await.map_err(|_| {
        let seconds = BODY_TIME.as_secs();
        let why = format!("the body did not come within {seconds} seconds");
        Failure::new(StatusCode::REQUEST_TIMEOUT, why)
    })
}

/// A connection that breaks when the other end takes too little of what it is sent.
#[derive(Debug)]
pub(super) struct Paced<S> {
    io: S,
    pace: Pace,
    /// Made when the other end is first waited for, which most never are.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub(super) fn new(io: S) -> Self {
        Self {
            io,
            pace: Pace::default(),
            timer: None,
        }
    }

    pub(super) fn into_inner(self) -> S {
        self.io
    }

    /// Fails in place of waiting on once that has taken too long. `count` says how many bytes went out.
    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
        count: impl FnOnce(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(outcome) = outcome {
            if let Ok(taken) = &outcome {
                self.pace.took(count(taken));
            }
            return Poll::Ready(outcome);
        }
        let until = self.pace.waits();
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.judge(cx, outcome, |count| *count)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.judge(cx, outcome, |count| *count)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.io).poll_flush(cx);
        self.judge(cx, outcome, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.io).poll_shutdown(cx);
        self.judge(cx, outcome, |()| 0)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::sleep,
    };

    use super::*;

    /// Writes 200 kB to a reader that takes `bytes` each `pause`; what came of it, and after how long.
    async fn read_like(bytes: usize, pause: Duration) -> (io::Result<()>, Duration) {
        let (near, mut far): (DuplexStream, DuplexStream) = duplex(1000);
        let mut near = Paced::new(near);
        let begun = Instant::now();
        let reading = tokio::spawn(async move {
            let mut space = vec![0; bytes];
            while far.read_exact(&mut space).await.is_ok() {
                sleep(pause).await;
            }
        });
        let written = near.write_all(&vec![0; 200_000]).await;
        let took = begun.elapsed();
        drop(near);
        reading.await.unwrap();
        (written, took)
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_on_a_poor_link_gets_all_of_it() {
        // 16 kbit/s.
        let (written, took) = read_like(1000, Duration::from_millis(500)).await;
        written.unwrap();
        assert!(took > 2 * PATIENCE, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_or_a_trickle_is_let_go() {
        for pause in [Duration::from_secs(1), Duration::from_secs(3600)] {
            let (written, took) = read_like(16, pause).await;
            assert_eq!(written.unwrap_err().kind(), ErrorKind::TimedOut);
            assert!(took >= PATIENCE && took < 2 * PATIENCE, "{took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_without_anything_to_read_does_not_count() {
        let (near, mut far) = duplex(100);
        let mut near = Paced::new(near);
        for _ in 0..5 {
            let reading = async {
                sleep(Duration::from_secs(1)).await;
                far.read_exact(&mut [0; 150]).await.unwrap();
            };
            let (written, ()) = tokio::join!(near.write_all(&[0; 150]), reading);
            written.unwrap();
            sleep(2 * PATIENCE).await;
        }
    }

    #[test]
    fn more_bytes_may_take_longer() {
        assert_eq!(time_for(0), PATIENCE);
        assert_eq!(time_for(10 * LEAST), 11 * PATIENCE);
        assert!(time_for(usize::MAX) > time_for(1 << 30));
    }
}
