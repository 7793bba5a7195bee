//! Draining of unread request bodies, for keep-alive. A connection cannot carry another request before the body of the
//! last one is read (RFC 9112, 9.3), so a bounded rest is read and discarded. Past the bound the response closes the
//! connection (RFC 9112, 9.6), and the client sends its next request on another.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use parking_lot::Mutex;

/// Maximum bytes discarded to keep the connection: more than most requests have, little enough to arrive quickly.
const MAX_DRAIN_BYTES: usize = 256 << 10;
/// Maximum time to read the rest.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Middleware that drains the unread body after the handler, or sets `Connection: close`.
pub async fn drain_unread_body(mut request: Request, next: Next) -> Response {
    // HTTP/2 ends each request separately from the connection.
    if request.version() >= Version::HTTP_2 || request.body().is_end_stream() {
        return next.run(request).await;
    }
    // A client that waits for `100 Continue` has sent no body, and will not after the response.
    let waits = request.headers().contains_key(header::EXPECT);
    let left = ReturnedBody::default();
    let body = std::mem::take(request.body_mut());
    *request.body_mut() =
        Body::from_stream(RecoverableBody { body: Some(body.into_data_stream()), left: left.clone() });
    let mut response = next.run(request).await;
    let rest = left.0.lock().take();
    let is_over = match rest {
        None => true,
        Some(_) if waits => false,
        Some(rest) => drain(rest).await,
    };
    if !is_over {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Reads the rest of a body; returns whether it ended within the bounds.
async fn drain(mut rest: BodyDataStream) -> bool {
    let reading = async {
        let mut seen = 0;
        while let Some(data) = rest.next().await {
            let Ok(data) = data else { return false };
            seen += data.len();
            if seen > MAX_DRAIN_BYTES {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(DRAIN_TIMEOUT, reading).await.unwrap_or(false)
}

/// Slot for a body that was dropped before its end.
#[derive(Clone, Default)]
struct ReturnedBody(Arc<Mutex<Option<BodyDataStream>>>);

/// A body that puts itself into the slot when it is dropped before its end.
struct RecoverableBody {
    body: Option<BodyDataStream>,
    left: ReturnedBody,
}

impl Stream for RecoverableBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let next = std::task::ready!(body.poll_next_unpin(cx));
        // After an error nothing more can be read.
        if !matches!(next, Some(Ok(_))) || body.is_end_stream() {
            self.body = None;
        }
        Poll::Ready(next)
    }
}

impl Drop for RecoverableBody {
    fn drop(&mut self) {
        *self.left.0.lock() = self.body.take();
    }
}

#[cfg(test)]
#[path = "body_drain_tests.rs"]
mod tests;
