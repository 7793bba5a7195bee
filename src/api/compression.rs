//! gzip of large JSON and Arrow responses, piece by piece: each piece of a streamed body is sent as soon as it is made.
//!
//! What a request can add to a compressed response tells by its length what else is in it (BREACH). Therefore nothing is
//! compressed that holds a secret: CSRF tokens are only in cookies, and secrets only in responses to changes. Compressed
//! are responses to GET, and those to POST whose handler says that it only reads.

use std::io::Write;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::Request;
use axum::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, SET_COOKIE, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{TryStreamExt, stream};
use tokio::sync::{Semaphore, SemaphorePermit};

/// A response of this size or less is sent as it is.
const MIN_BYTES: u64 = 8 << 10;
/// Compressed at a time: about a millisecond of a thread that serves other connections too.
const SLICE_BYTES: usize = 64 << 10;

/// Maximum number of responses that are compressed at a time: an encoder takes some 300 KiB, and a client may leave its
/// response unread.
const MAX_ENCODERS: usize = 64;
static ENCODERS: Semaphore = Semaphore::const_new(MAX_ENCODERS);

/// Extension of a response to a POST that only reads.
#[derive(Debug, Clone, Copy)]
pub struct Compressible;

/// Middleware that compresses responses for clients that accept gzip.
pub async fn compress(request: Request, next: Next) -> Response {
    compress_within(&ENCODERS, request, next).await
}

async fn compress_within(encoders: &'static Semaphore, request: Request, next: Next) -> Response {
    let is_read = request.method() == Method::GET;
    let is_accepted = accepts_gzip(request.headers());
    let mut response = next.run(request).await;
    let is_read = is_read || response.extensions().get::<Compressible>().is_some();
    if !is_read || !is_worthwhile(&response) {
        return response;
    }
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    if !is_accepted {
        return response;
    }
    // Beyond the limit responses are sent as they are.
    let Ok(permit) = encoders.try_acquire() else { return response };
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.remove(CONTENT_LENGTH);
    response.map(|body| gzip(body, permit))
}

/// Whether gzip is named with a weight above zero; a client that says nothing of encodings may know none.
pub fn accepts_gzip(request: &HeaderMap) -> bool {
    let named = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f64>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

/// Whether a response is JSON or Arrow, whole, and large. A body of unknown size is a streamed list or result.
fn is_worthwhile(response: &Response) -> bool {
    let headers = response.headers();
    let is_plain =
        [CONTENT_ENCODING, CONTENT_RANGE, SET_COOKIE].iter().all(|name| !headers.contains_key(name));
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    let is_verbose = media == "application/vnd.apache.arrow.stream"
        || (media.starts_with("application/") && media.ends_with("json"));
    let stated = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let size: Option<u64> = stated.or_else(|| response.body().size_hint().exact());
    response.status() == StatusCode::OK
        && is_plain
        && is_verbose
        && size.is_none_or(|bytes| bytes > MIN_BYTES)
}

fn gzip(body: Body, permit: SemaphorePermit<'static>) -> Body {
    let start = GzipBody {
        input: body.into_data_stream(),
        rest: Bytes::new(),
        encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())),
        _permit: permit,
    };
    Body::from_stream(stream::try_unfold(start, GzipBody::next_piece))
}

/// A body that is compressed as it is read.
struct GzipBody {
    input: BodyDataStream,
    /// What is left of the last piece of `input`.
    rest: Bytes,
    /// None once the body is complete.
    encoder: Option<GzEncoder<Vec<u8>>>,
    _permit: SemaphorePermit<'static>,
}

impl GzipBody {
    /// Returns the next compressed piece. A body that fails ends with its error, so that it is never taken for a whole one.
    async fn next_piece(mut self) -> Result<Option<(Bytes, GzipBody)>, axum::Error> {
        while let Some(mut encoder) = self.encoder.take() {
            if self.rest.is_empty() {
                match self.input.try_next().await? {
                    Some(piece) => self.rest = piece,
                    None => {
                        let end = encoder.finish().map_err(axum::Error::new)?;
                        return Ok(Some((end.into(), self)));
                    }
                }
            }
            let slice = self.rest.split_to(self.rest.len().min(SLICE_BYTES));
            encoder.write_all(&slice).map_err(axum::Error::new)?;
            if self.rest.is_empty() {
                // The next piece may be long in coming.
                encoder.flush().map_err(axum::Error::new)?;
            }
            let piece = std::mem::take(encoder.get_mut());
            self.encoder = Some(encoder);
            if !piece.is_empty() {
                return Ok(Some((piece.into(), self)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[path = "compression_tests.rs"]
mod tests;
