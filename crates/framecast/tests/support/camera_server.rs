//! A server that says exactly what a test wants a camera to say.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A server that answers each request by these bytes, and then closes the connection or hangs.
pub(crate) struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
    /// Dropping it closes all connections.
    pub(crate) open: watch::Sender<()>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Then {
    Close,
    Hang,
    Repeat,
}

impl Server {
    pub(crate) async fn start(answer: impl Into<Vec<u8>>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (open, closing) = watch::channel(());
        let (log, answer) = (Arc::clone(&asked), answer.into());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (log, answer, mut closing) = (log.clone(), answer.clone(), closing.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        _ = talk(socket, &log, &answer, then) => {}
                        _ = closing.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            asked,
            open,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/video", self.address)
    }

    /// The heads of all requests so far.
    pub(crate) fn asked(&self) -> String {
        self.asked.lock().unwrap().concat()
    }
}

async fn talk(
    mut socket: TcpStream,
    log: &Mutex<Vec<String>>,
    answer: &[u8],
    then: Then,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await?);
    }
    log.lock().unwrap().push(String::from_utf8(head).unwrap());
    socket.set_nodelay(true)?;
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n");
    let body = body.map_or(answer.len(), |at| at + 4);
    socket.write_all(&answer[..body]).await?;
    loop {
        // In pieces, so that nothing depends on how bytes happen to arrive together.
        for piece in answer[body..].chunks(997) {
            socket.write_all(piece).await?;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        match then {
            Then::Close => return Ok(()),
            Then::Hang => std::future::pending().await,
            Then::Repeat => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
