//! What a runtime costs by itself: a tokio task per socket that waits for the newest frame and writes it.

use std::{fs, time::Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::watch,
    time::{MissedTickBehavior, interval_at},
};

use super::parts::{Cameras, head, part};
use crate::load::raise_limit;

/// Serves until it is killed.
pub(crate) fn run(cameras: &Cameras) -> Result<()> {
    raise_limit()?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(serve(cameras))
}

async fn serve(cameras: &Cameras) -> Result<()> {
    let jpeg: Bytes = fs::read(&cameras.jpeg)?.into();
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(cameras.listen).context("the port is taken")?;
    let listener = socket.listen(4096)?;
    let begun = Instant::now() + cameras.interval();
    let feeds: Vec<watch::Sender<Bytes>> = (0..cameras.cameras)
        .map(|camera| {
            let feed = watch::Sender::new(Bytes::new());
            let (newest, jpeg) = (feed.clone(), jpeg.clone());
            let mut ticks = interval_at((begun + cameras.phase(camera)).into(), cameras.interval());
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            tokio::spawn(async move {
                let mut number = 0;
                loop {
                    ticks.tick().await;
                    number += 1;
                    newest.send_replace(part(&jpeg, number));
                }
            });
            feed
        })
        .collect();
    loop {
        let (mut socket, _) = listener.accept().await?;
        let (feeds, cameras) = (feeds.clone(), cameras.clone());
        tokio::spawn(async move {
            let mut request = [0; 2048];
            let length = socket.read(&mut request).await.unwrap_or(0);
            if let Some(feed) = feeds.get(cameras.asked(&request[..length])) {
                // Until the viewer goes.
                let _gone = watch(socket, feed.subscribe()).await;
            }
        });
    }
}

async fn watch(mut socket: TcpStream, mut feed: watch::Receiver<Bytes>) -> Result<()> {
    socket.set_nodelay(true)?;
    socket.write_all(&head()).await?;
    loop {
        feed.changed().await?;
        let frame = feed.borrow_and_update().clone();
        socket.write_all(&frame).await?;
    }
}
