//! What waits in the kernel for a viewer, and how long its link needs for that.
//!
//! A socket that can be written to says nothing about how soon the other side gets what is written: a slow link may have
//! a quarter of a second of video in front of it. So before a viewer that does not keep up gets its next frame, the kernel is
//! asked how much is under way. Source: `struct tcp_info` of linux/tcp.h, which only grows at its end.
//!
//! What does not belong here: waiting ([`writer`](super::writer)).

use std::{os::fd::AsRawFd, time::Duration};

use tokio::net::{TcpStream, UnixStream, tcp::OwnedWriteHalf};
use uapi::c;

/// A connection that may know what waits for its other side.
pub(super) trait Queue {
    /// How much waits; `None` if that is not known, and what is written arrives at once for all we know.
    fn backlog(&self) -> Option<Backlog>;
}

impl Queue for TcpStream {
    fn backlog(&self) -> Option<Backlog> {
        Backlog::of(self)
    }
}

impl Queue for OwnedWriteHalf {
    fn backlog(&self) -> Option<Backlog> {
        self.as_ref().backlog()
    }
}

impl Queue for UnixStream {
    fn backlog(&self) -> Option<Backlog> {
        None
    }
}

#[cfg(test)]
impl Queue for tokio::io::DuplexStream {
    fn backlog(&self) -> Option<Backlog> {
        None
    }
}

/// Bytes that the other side has not confirmed, and what the link carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Backlog {
    /// Unsent, or sent and not confirmed.
    pub(super) bytes: u64,
    /// Bytes a second that the link was seen to carry; 0 before anything was.
    rate: u64,
    /// The shortest time from here to the other side and back.
    round_trip: Duration,
}

/// Two packets: with fewer under way, a receiver may put off confirming them.
const LEAST: u64 = 3_000;

impl Backlog {
    fn of(socket: &impl AsRawFd) -> Option<Self> {
        let mut info = Info([0; Info::SIZE]);
        let size = uapi::getsockopt(socket.as_raw_fd(), c::IPPROTO_TCP, c::TCP_INFO, &mut info.0);
        // Kernels before 4.19 don't count the bytes that were sent. What a closed connection says it holds has been let go.
        let known = size.ok()? == Info::SIZE && info.0[Info::STATE] != Info::CLOSED;
        known.then(|| info.backlog())
    }

    /// How long the link is busy with more than keeps it busy; `None` if it can take more now.
    pub(super) fn surplus(&self) -> Option<Duration> {
        let under_way = self.rate as f64 * self.round_trip.as_secs_f64();
        let surplus = self.bytes as f64 - under_way.max(LEAST as f64);
        (surplus > 0.0).then(|| {
            let seconds = surplus / self.rate.max(1) as f64;
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        })
    }
}

/// The beginning of a `struct tcp_info`.
struct Info([u8; Self::SIZE]);

impl Info {
    const SIZE: usize = 216;
    const STATE: usize = 0;
    const CLOSED: u8 = 7;
    const SND_MSS: usize = 16;
    const UNACKED: usize = 24;
    const BYTES_ACKED: usize = 120;
    const NOTSENT_BYTES: usize = 144;
    const MIN_RTT: usize = 148;
    const DELIVERY_RATE: usize = 160;
    const BYTES_SENT: usize = 200;
    const BYTES_RETRANS: usize = 208;

    fn backlog(&self) -> Backlog {
        let long = |at| u64::from_ne_bytes(self.field(at));
        let short = |at| u64::from(u32::from_ne_bytes(self.field(at)));
        let sent = long(Self::BYTES_SENT).saturating_sub(long(Self::BYTES_RETRANS));
        // What opened the connection is confirmed as a byte too.
        let under_way = sent.saturating_sub(long(Self::BYTES_ACKED));
        // Packets are coarse, but what a device of this machine drops is counted as sent each time.
        let packets = short(Self::UNACKED) * short(Self::SND_MSS);
        Backlog {
            bytes: under_way.min(packets) + short(Self::NOTSENT_BYTES),
            rate: long(Self::DELIVERY_RATE),
            round_trip: Duration::from_micros(short(Self::MIN_RTT)),
        }
    }

    fn field<const SIZE: usize>(&self, at: usize) -> [u8; SIZE] {
        let mut field = [0; SIZE];
        field.copy_from_slice(&self.0[at..at + SIZE]);
        field
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::AsyncReadExt,
        net::{TcpListener, TcpSocket},
        time::{sleep, timeout},
    };

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// Both ends of a connection whose far one takes little that it has not read.
    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8 << 10).unwrap();
        let address = listener.local_addr().unwrap();
        let (far, near) = tokio::join!(socket.connect(address), listener.accept());
        (far.unwrap(), near.unwrap().0)
    }

    #[tokio::test]
    async fn what_a_viewer_has_not_read_waits_and_is_gone_once_it_has() {
        let (mut far, near) = pair().await;
        assert_eq!(near.backlog().unwrap().surplus(), None);
        let mut written = 0;
        while let Ok(count) = near.try_write(&[0; 100_000]) {
            written += count;
        }
        let backlog = near.backlog().unwrap();
        assert!(backlog.bytes > 50_000, "{backlog:?}");
        assert!(backlog.bytes <= written as u64, "{backlog:?} of {written}");
        assert!(backlog.surplus().is_some());
        let mut bytes = vec![0; written];
        let reading = far.read_exact(&mut bytes);
        timeout(LIMIT, reading).await.unwrap().unwrap();
        let empty = async {
            while near.backlog().unwrap().bytes > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LIMIT, empty).await.unwrap();
    }

    #[tokio::test]
    async fn nothing_waits_for_a_viewer_that_has_gone() {
        let (far, near) = pair().await;
        while near.try_write(&[0; 100_000]).is_ok() {}
        assert!(near.backlog().unwrap().surplus().is_some());
        drop(far);
        let gone = async {
            while near.backlog().is_some() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LIMIT, gone).await.unwrap();
    }

    #[test]
    fn a_link_may_have_under_way_what_its_length_takes_and_no_more() {
        let near = Backlog {
            bytes: 20_000,
            rate: 250_000,
            round_trip: Duration::from_millis(1),
        };
        assert_eq!(near.surplus(), Some(Duration::from_millis(68)));
        let far = Backlog {
            round_trip: Duration::from_millis(100),
            ..near
        };
        assert_eq!(far.surplus(), None);
        let unknown = Backlog { rate: 0, ..far };
        assert!(unknown.surplus().is_some());
    }
}
