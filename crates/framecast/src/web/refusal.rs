//! Tells a client that there is no room for it, so that it can read that.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::Semaphore,
    time::timeout,
};

use axum::http::StatusCode;

use super::{error::Failure, headers};
use crate::access::NoRoom;

/// Connections that are told at the same time; more are closed without a word.
const MOST: usize = 64;
/// How long that may take.
const TIME: Duration = Duration::from_secs(1);

/// Seconds after which another try may help.
const RETRY_AFTER: u64 = 5;

/// The answer to a request for which there is no room.
pub(super) fn no_room(why: NoRoom) -> Failure {
    let (status, message) = match why {
        NoRoom::Full => (
            StatusCode::SERVICE_UNAVAILABLE,
            "too many connections: try again in a moment",
        ),
        NoRoom::OfOne => (
            StatusCode::TOO_MANY_REQUESTS,
            "too many connections from your address: close some, or try again in a moment",
        ),
    };
    Failure::new(status, message).retry_after(RETRY_AFTER)
}

/// The same for a connection that has asked for nothing yet.
fn unasked(why: NoRoom) -> String {
    let Failure {
        status, message, ..
    } = no_room(why);
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
         Retry-After: {RETRY_AFTER}\r\nConnection: close\r\n{}\r\n{message}\n",
        message.len() + 1,
        headers::in_text()
    )
}

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
            stream.write_all(unasked(why).as_bytes()).await?;
            stream.shutdown().await?;
            // A connection that is closed with something unread is reset, and what was said is lost.
            while stream.read(&mut [0; 1024]).await? > 0 {}
            io::Result::Ok(())
        };
        let _told = timeout(TIME, telling).await;
    }
}
