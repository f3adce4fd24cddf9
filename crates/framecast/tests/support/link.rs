//! A link of a given width between a viewer and the server: what goes through it is counted out by the clock.
#![allow(dead_code, reason = "no test uses all of it")]
#![allow(unreachable_pub, reason = "each test compiles it as a part of itself")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};

/// What the link holds of what it can't pass on yet, as the queue of a narrow link does.
const QUEUE: usize = 8 * 1024;

/// A port that leads to another through a link.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    /// Bytes a second.
    width: Arc<AtomicUsize>,
}

impl Link {
    /// A link to `server` that carries `width` bytes a second to each viewer.
    pub fn to(server: SocketAddr, width: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let width = Arc::new(AtomicUsize::new(width));
        let shared = Arc::clone(&width);
        thread::spawn(move || {
            for viewer in listener.incoming().map_while(Result::ok) {
                let width = Arc::clone(&shared);
                // What one side breaks off is no failure of the test.
                thread::spawn(move || carry(&viewer, server, &width));
            }
        });
        Self { address, width }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes it wider or narrower.
    pub fn set(&self, width: usize) {
        self.width.store(width, Relaxed);
    }
}

fn carry(viewer: &TcpStream, server: SocketAddr, width: &AtomicUsize) -> std::io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_recv_buffer_size(QUEUE)?;
    socket.connect(&server.into())?;
    let mut server = TcpStream::from(socket);
    let (mut asks, mut asked) = (viewer.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _done = std::io::copy(&mut asks, &mut asked);
        let _closed = asked.shutdown(std::net::Shutdown::Write);
    });
    let mut viewer = viewer;
    let mut free_at = Instant::now();
    let mut bytes = vec![0; 64 * 1024];
    loop {
        // A hundredth of a second's worth: fine enough to be even, coarse enough for a sleep.
        let most = (width.load(Relaxed) / 100).clamp(1024, bytes.len());
        let count = server.read(&mut bytes[..most])?;
        if count == 0 {
            return Ok(());
        }
        let takes = Duration::from_secs_f64(count as f64 / width.load(Relaxed) as f64);
        free_at = free_at.max(Instant::now()) + takes;
        thread::sleep(free_at.saturating_duration_since(Instant::now()));
        viewer.write_all(&bytes[..count])?;
    }
}
