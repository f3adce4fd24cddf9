//! A proxy that counts WebSockets, and can refuse them as some companies' proxies do.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::browser::Result;

/// A port that leads to another one.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// The base URL of what is behind it.
    pub(crate) url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    refuse: AtomicBool,
    opened: AtomicUsize,
    open: AtomicUsize,
}

impl Proxy {
    /// Leads to `port` on this machine.
    pub(crate) async fn start(port: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let shared = Arc::<Shared>::default();
        let proxy = Self {
            url,
            shared: shared.clone(),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // What one side breaks off is no failure of the test.
                let shared = shared.clone();
                tokio::spawn(async move { pass(client, port, &shared).await.ok() });
            }
        });
        Ok(proxy)
    }

    /// Lets no WebSocket through from now on.
    pub(crate) fn refuse_websockets(&self) {
        self.shared.refuse.store(true, Relaxed);
    }

    /// How many WebSockets were opened so far.
    pub(crate) fn opened(&self) -> usize {
        self.shared.opened.load(Relaxed)
    }

    /// How many WebSockets are open now.
    pub(crate) fn open(&self) -> usize {
        self.shared.open.load(Relaxed)
    }
}

async fn pass(mut client: TcpStream, port: u16, shared: &Shared) -> std::io::Result<()> {
    // A browser opens a connection of its own for a WebSocket, so its first bytes say what it is for.
    let mut start = [0; 8];
    let length = client.peek(&mut start).await?;
    let websocket = start[..length].starts_with(b"GET /ws ");
    if websocket && shared.refuse.load(Relaxed) {
        let answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return client.write_all(answer).await;
    }
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    if websocket {
        shared.opened.fetch_add(1, Relaxed);
        shared.open.fetch_add(1, Relaxed);
    }
    let outcome = copy_bidirectional(&mut client, &mut server).await;
    if websocket {
        shared.open.fetch_sub(1, Relaxed);
    }
    outcome.map(|_| ())
}
