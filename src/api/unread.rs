//! What is left of a request's body when its answer is there. A connection on which a part of a body is still to come
//! cannot carry another request (RFC 9112, 9.3), so a bounded rest is read and thrown away; past the bound the answer says
//! that the connection is closed (RFC 9112, 9.6), and the client sends its next request elsewhere.

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

/// How much of an unread body is thrown away to keep the connection: more than most requests have, less than it takes
/// time to send.
const MAX_REST_BYTES: usize = 256 << 10;
/// How long the rest may take.
const REST_TIME: Duration = Duration::from_secs(2);

/// Answers, and keeps the connection or says that it is closed.
pub async fn finish(mut request: Request, next: Next) -> Response {
    // HTTP/2 ends a request by itself.
    if request.version() >= Version::HTTP_2 || request.body().is_end_stream() {
        return next.run(request).await;
    }
    // Who waits to be told to go on has sent nothing, and will not once the answer is there.
    let waits = request.headers().contains_key(header::EXPECT);
    let left = Left::default();
    let body = std::mem::take(request.body_mut());
    *request.body_mut() =
        Body::from_stream(Watched { body: Some(body.into_data_stream()), left: left.clone() });
    let mut response = next.run(request).await;
    let rest = left.0.lock().take();
    let is_over = match rest {
        None => true,
        Some(_) if waits => false,
        Some(rest) => read_rest(rest).await,
    };
    if !is_over {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether the rest of a body came within the bounds.
async fn read_rest(mut rest: BodyDataStream) -> bool {
    let reading = async {
        let mut seen = 0;
        while let Some(data) = rest.next().await {
            let Ok(data) = data else { return false };
            seen += data.len();
            if seen > MAX_REST_BYTES {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(REST_TIME, reading).await.unwrap_or(false)
}

/// Where a body is put back by whoever drops it unread.
#[derive(Clone, Default)]
struct Left(Arc<Mutex<Option<BodyDataStream>>>);

/// A body that is put back when it is dropped before its end.
struct Watched {
    body: Option<BodyDataStream>,
    left: Left,
}

impl Stream for Watched {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let next = std::task::ready!(body.poll_next_unpin(cx));
        // After an error there is nothing to be read any more.
        if !matches!(next, Some(Ok(_))) || body.is_end_stream() {
            self.body = None;
        }
        Poll::Ready(next)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        *self.left.0.lock() = self.body.take();
    }
}

#[cfg(test)]
#[path = "unread_tests.rs"]
mod tests;
