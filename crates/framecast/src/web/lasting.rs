//! A body that goes on for only as long as it may.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    response::Response,
};
use hyper::body::{Frame, SizeHint};

use super::takeover;

/// Ends an endless body, or a stream that is to have the connection, when `ended` does. Whatever has a length is left alone.
pub(super) fn until(
    response: Response,
    ended: impl Future<Output = ()> + Send + 'static,
) -> Response {
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    let Err(ended) = takeover::limit(&response, ended) else {
        return response;
    };
    response.map(|body| {
        Body::new(Lasting {
            body,
            ended: Box::pin(ended),
        })
    })
}

struct Lasting {
    body: Body,
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl HttpBody for Lasting {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.ended.as_mut().poll(context).is_ready() {
            // Polled again, it ends again; a future that is done may panic then.
            self.ended = Box::pin(std::future::pending());
            self.body = Body::empty();
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
