//! Writes a stream onto a connection of its own.
//!
//! One task per viewer: it waits for the newest frame, writes it with one system call, and waits again. What costs time or
//! memory is set up only for a viewer whose link is full at the moment.
//!
//! What does not belong here: what a part looks like (`sinks`), how the connection was come by (`takeover`), and viewers
//! that are written to together (`lanes`).

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

use super::backlog::Queue;
use crate::sinks::mjpeg::{Part, Parts};

/// How long a viewer may read nothing before it is let go.
pub(super) const DEAD_AFTER: Duration = Duration::from_secs(30);
/// How long it may read nothing when the server stops.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long is waited before the kernel is asked again what it holds.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// The same for a viewer that reads nothing.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

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
    S: AsyncRead + AsyncWrite + Queue + Unpin,
{
    open(&mut io, &parts, shutdown).await?;
    loop {
        room(&io, &parts, shutdown).await?;
        let part = tokio::select! {
            biased;
            part = parts.next() => part,
            left = left(&mut io) => return left,
        };
        let Some(part) = part else { break };
        send(&mut io, &part, 0, shutdown).await?;
    }
    // What is encrypted says good-bye, and who reads nothing must not be waited for.
    patiently(io.shutdown(), shutdown).await
}

/// Writes what goes before the first part.
pub(super) async fn open<S: AsyncWrite + Unpin>(
    io: &mut S,
    parts: &Parts,
    shutdown: &CancellationToken,
) -> io::Result<()> {
    write(io, &mut [IoSlice::new(parts.opening())], 0, shutdown).await
}

/// Writes a part, of which so many bytes are `written` already.
pub(super) async fn send<S: AsyncWrite + Unpin>(
    io: &mut S,
    part: &Part,
    written: usize,
    shutdown: &CancellationToken,
) -> io::Result<()> {
    match part {
        Part::Whole(bytes) => write(io, &mut [IoSlice::new(bytes)], written, shutdown).await,
        Part::Pieces(pieces) => {
            let mut slices = pieces.each_ref().map(|piece| IoSlice::new(piece));
            write(io, &mut slices, written, shutdown).await
        }
    }
}

/// Returns when the link has room for the next part, or when `parts` end: what is newest is to be taken then, not before.
pub(super) async fn room<S: Queue>(
    io: &S,
    parts: &Parts,
    shutdown: &CancellationToken,
) -> io::Result<()> {
    let mut least = u64::MAX;
    let mut pause = SHORTEST_PAUSE;
    let mut tired = pin!(patience(shutdown));
    while let Some(backlog) = io.backlog() {
        let Some(surplus) = backlog.surplus() else {
            break;
        };
        if backlog.bytes < least {
            least = backlog.bytes;
            tired.set(patience(shutdown));
        }
        tokio::select! {
            biased;
            () = sleep(surplus.clamp(pause, LONGEST_PAUSE)) => {}
            () = parts.gone() => break,
            () = tired.as_mut() => return Err(ErrorKind::TimedOut.into()),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}

/// Returns when the viewer closes its side. What it says meanwhile is of no interest.
pub(super) async fn left<S: AsyncRead + Unpin>(io: &mut S) -> io::Result<()> {
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

/// Writes all of `slices` but the first so many bytes.
async fn write<S: AsyncWrite + Unpin>(
    io: &mut S,
    mut slices: &mut [IoSlice<'_>],
    written: usize,
    shutdown: &CancellationToken,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut slices, written);
    while !slices.is_empty() {
        let written = patiently(poll_fn(|cx| poll_write(io, slices, cx)), shutdown).await?;
        if written == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        IoSlice::advance_slices(&mut slices, written);
    }
    // TLS takes more than it can send at once: the part is out only when that is.
    patiently(io.flush(), shutdown).await
}

/// Waits for what a viewer holds up by reading nothing, but not for ever.
async fn patiently<T>(
    waits: impl Future<Output = io::Result<T>>,
    shutdown: &CancellationToken,
) -> io::Result<T> {
    let mut waits = pin!(waits);
    // Ready at once, most of the time: then there is no need of a clock.
    match poll!(waits.as_mut()) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => tokio::select! {
            biased;
            outcome = waits => outcome,
            () = patience(shutdown) => Err(ErrorKind::TimedOut.into()),
        },
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use framecast_camera::{Camera, Frame, Frames};
    use framecast_media::{
        jpeg::{self, Layout, Pixels, Range},
        multipart::{CONTENT_TYPE, Limits, Parser},
    };
    use futures_util::{StreamExt, stream};
    use tokio::{
        io::{AsyncReadExt, DuplexStream, duplex},
        task::JoinHandle,
        time::{Instant, timeout},
    };

    use super::*;
    use crate::{
        hub::{Hub, Output, Plan, Policy},
        sinks::mjpeg::Dialect,
    };

    /// Gives a few pictures and stays open.
    struct Few(usize);

    impl Camera for Few {
        fn frames(&self) -> Frames {
            let jpeg = picture();
            let frames = (0..self.0).map(move |_| Ok(Frame::jpeg(jpeg.clone())));
            Frames::stream(stream::iter(frames).chain(stream::pending()))
        }
    }

    fn picture() -> Vec<u8> {
        let pixels = Pixels {
            layout: Layout::Grey,
            range: Range::Full,
            width: 64,
            height: 48,
            stride: 64,
            data: &[80; 64 * 48],
        };
        jpeg::encode(&pixels, 80).unwrap()
    }

    /// A viewer's end of a connection that takes so many bytes at a time.
    fn watch(
        camera: Few,
        room: usize,
        dialect: Dialect,
        others: usize,
    ) -> (
        Hub,
        DuplexStream,
        JoinHandle<io::Result<()>>,
        CancellationToken,
    ) {
        let hub = Hub::new();
        let plan = Plan {
            camera: Arc::new(camera),
            output: Output::default(),
            policy: Policy::default(),
        };
        let feed = hub.add("camera", plan).unwrap();
        let (near, far) = duplex(room);
        let others: Vec<_> = (0..others).map(|_| feed.subscribe()).collect();
        let parts = Parts::new(feed.subscribe(), dialect);
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let writing = tokio::spawn(async move {
            let _others = others;
            run(near, parts, &stop).await
        });
        (hub, far, writing, shutdown)
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_arrives_whole_however_little_goes_out_at_a_time() {
        for (dialect, others) in [
            (Dialect::Program, 0),
            (Dialect::Browser, 0),
            (Dialect::Program, 50),
            (Dialect::Browser, 50),
        ] {
            for room in [1, 7, 1000, 100_000] {
                let (hub, mut far, writing, _) = watch(Few(1), room, dialect, others);
                let limits = Limits {
                    part: 100_000,
                    header: 10_000,
                };
                let mut parser = Parser::from_content_type(CONTENT_TYPE, limits);
                let part = loop {
                    let mut bytes = [0; 64];
                    let count = far.read(&mut bytes).await.unwrap();
                    assert!(count > 0, "the stream ended");
                    parser.push(&bytes[..count]);
                    if let Some(part) = parser.next().unwrap() {
                        break part;
                    }
                };
                assert_eq!(part.body, picture(), "{dialect:?} {others} {room}");
                hub.close().await;
                far.read_to_end(&mut Vec::new()).await.unwrap();
                writing.await.unwrap().unwrap();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_viewer_that_reads_nothing_is_let_go() {
        let (hub, _far, writing, _) = watch(Few(1), 300, Dialect::Program, 0);
        let begun = Instant::now();
        let outcome = writing.await.unwrap();
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::TimedOut);
        let took = begun.elapsed();
        assert!(took >= DEAD_AFTER && took < 2 * DEAD_AFTER, "{took:?}");
        hub.close().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_viewer_that_reads_little_by_little_may_stay() {
        let (_hub, mut far, writing, _) = watch(Few(1), 100, Dialect::Program, 0);
        for _ in 0..5 {
            sleep(DEAD_AFTER * 2 / 3).await;
            far.read_exact(&mut [0; 60]).await.unwrap();
        }
        assert!(!writing.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn a_viewer_that_reads_nothing_does_not_hold_up_the_end() {
        let (_hub, _far, writing, shutdown) = watch(Few(1), 300, Dialect::Program, 0);
        sleep(Duration::from_secs(1)).await;
        shutdown.cancel();
        let outcome = timeout(Duration::from_secs(1), writing).await.unwrap();
        assert!(outcome.unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_viewer_that_leaves_is_noticed_while_there_is_nothing_to_send() {
        let (hub, mut far, writing, _) = watch(Few(1), 100_000, Dialect::Program, 0);
        // Whatever it says is no reason to let it go.
        far.write_all(&[b'x'; 5_000]).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        assert!(!writing.is_finished());
        far.shutdown().await.unwrap();
        timeout(Duration::from_secs(1), writing)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(
            hub.feed("camera")
                .unwrap()
                .stats()
                .viewers
                .load(std::sync::atomic::Ordering::Relaxed),
            0
        );
    }
}
