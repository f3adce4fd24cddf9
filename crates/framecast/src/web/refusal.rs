//! Tells a connection that there is no room for it, so that its client can read that.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::Semaphore,
    time::timeout,
};

use super::guard;
use crate::access::NoRoom;

/// Connections that are told at the same time; more are closed without a word.
const MOST: usize = 64;
/// How long that may take.
const TIME: Duration = Duration::from_secs(1);

/// Who is being told. Cheap to clone.
#[derive(Clone)]
pub(super) struct Refusals(Arc<Semaphore>);

impl Refusals {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }

    /// Says `why` and closes the connection.
    pub(super) async fn tell<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S, why: NoRoom) {
        let Ok(_permit) = self.0.try_acquire() else {
            return;
        };
        let telling = async {
            stream.write_all(guard::no_room(why).as_bytes()).await?;
            stream.shutdown().await?;
            // A connection that is closed with something unread is reset, and what was said is lost.
            while stream.read(&mut [0; 1024]).await? > 0 {}
            io::Result::Ok(())
        };
        let _told = timeout(TIME, telling).await;
    }
}
