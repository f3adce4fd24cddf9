//! Writes a stream onto a connection of its own.
//!
//! One task per viewer: it waits for the newest frame, writes it with one system call, and waits again. What costs time or
//! memory is set up only for a viewer whose link is full at the moment.
//!
//! What does not belong here: what a part looks like (`sinks`), and how the connection was come by (`takeover`).

use std::{
    future::poll_fn,
    io::{self, ErrorKind, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::poll;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::sinks::mjpeg::{Part, Parts};

/// How long a viewer may read nothing before it is let go.
pub(super) const DEAD_AFTER: Duration = Duration::from_secs(30);
/// How long it may read nothing when the server stops.
const FAREWELL: Duration = Duration::from_millis(500);

/// Writes `parts` to `io` until they end or the viewer leaves. A part that was begun is finished.
///
/// # Errors
/// If the connection breaks, or the viewer stops reading for [`DEAD_AFTER`].
pub(super) async fn run<S>(
    mut io: S,
    mut parts: Parts,
    shutdown: &CancellationToken,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut opening = [IoSlice::new(parts.opening())];
    write(&mut io, &mut opening, shutdown).await?;
    loop {
        let part = tokio::select! {
            biased;
            part = parts.next() => part,
            left = left(&mut io) => return left,
        };
        let Some(part) = part else { break };
        match &part {
            Part::Whole(bytes) => write(&mut io, &mut [IoSlice::new(bytes)], shutdown).await?,
            Part::Pieces(pieces) => {
                let mut slices = pieces.each_ref().map(|piece| IoSlice::new(piece));
                write(&mut io, &mut slices, shutdown).await?;
            }
        }
    }
    io.shutdown().await
}

/// Returns when the viewer closes its side. What it says meanwhile is of no interest.
async fn left<S: AsyncRead + Unpin>(io: &mut S) -> io::Result<()> {
    poll_fn(|cx| {
        loop {
            let mut space = [0; 256];
            let mut said = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut *io).poll_read(cx, &mut said))?;
            if said.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    })
    .await
}

/// Writes all of `slices`.
async fn write<S: AsyncWrite + Unpin>(
    io: &mut S,
    mut slices: &mut [IoSlice<'_>],
    shutdown: &CancellationToken,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        let mut writing = pin!(poll_fn(|cx| poll_write(io, slices, cx)));
        let written = match poll!(writing.as_mut()) {
            Poll::Ready(written) => written?,
            Poll::Pending => tokio::select! {
                biased;
                written = writing => written?,
                () = patience(shutdown) => return Err(ErrorKind::TimedOut.into()),
            },
        };
        if written == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        IoSlice::advance_slices(&mut slices, written);
    }
    io.flush().await
}

fn poll_write<S: AsyncWrite + Unpin>(
    io: &mut S,
    slices: &[IoSlice<'_>],
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    match slices {
        // A tenth cheaper than the same by way of a list.
        [one] => Pin::new(io).poll_write(cx, one),
        _ => Pin::new(io).poll_write_vectored(cx, slices),
    }
}

/// Returns when a viewer that reads nothing has been waited for long enough.
async fn patience(shutdown: &CancellationToken) {
    tokio::select! {
        () = sleep(DEAD_AFTER) => {}
        () = shutdown.cancelled() => sleep(FAREWELL).await,
    }
}
