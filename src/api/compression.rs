//! zstd or gzip of large JSON and Arrow responses, piece by piece: each piece of a streamed body is sent as soon as it is made.
//!
//! Arrow is binary already: gzip makes it little shorter and takes several times as long as the query, and most libraries name gzip without
//! anybody having chosen it. So Arrow is sent in gzip only to clients that refuse it plain (`identity;q=0`).
//!
//! Text that a request adds to a compressed response tells by its length what else is in it (BREACH). Therefore nothing is
//! compressed that holds a secret: CSRF tokens are only in cookies, and secrets only in responses to changes. Compressed
//! are responses to GET, and those to POST whose handler says that it only reads.

use std::io::{self, Write};

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

/// Maximum number of responses that are compressed by gzip at a time: an encoder takes some 300 KiB, and a client may leave its
/// response unread. One by zstd takes the place of `ZSTD_SHARE`.
const MAX_ENCODERS: usize = 64;
static ENCODERS: Semaphore = Semaphore::const_new(MAX_ENCODERS);
/// An encoder with this window takes some 950 KiB.
const ZSTD_WINDOW_LOG: u32 = 17;
const ZSTD_SHARE: u32 = 3;
/// The fastest but the negative levels.
const ZSTD_LEVEL: i32 = 1;

/// Extension of a response to a POST that only reads.
#[derive(Debug, Clone, Copy)]
pub struct Compressible;

/// How a response is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Zstd,
}

/// Middleware that compresses responses for clients that accept zstd or gzip.
pub async fn compress(request: Request, next: Next) -> Response {
    compress_within(&ENCODERS, request, next).await
}

async fn compress_within(encoders: &'static Semaphore, request: Request, next: Next) -> Response {
    let is_read = request.method() == Method::GET;
    let accepted = AcceptedCodings::of(request.headers());
    let mut response = next.run(request).await;
    let is_read = is_read || response.extensions().get::<Compressible>().is_some();
    if !is_read || !is_worthwhile(&response) {
        return response;
    }
    let coding = accepted.best(is_arrow(&response));
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    let Some(coding) = coding else { return response };
    let (name, share) = match coding {
        Coding::Gzip => ("gzip", 1),
        Coding::Zstd => ("zstd", ZSTD_SHARE),
    };
    // Beyond the limit responses are sent as they are.
    let Ok(permit) = encoders.try_acquire_many(share) else { return response };
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
    headers.remove(CONTENT_LENGTH);
    response.map(|body| compressed(body, Encoder::new(coding), permit))
}

/// The weights of the codings that a client names (RFC 9110, 12.5.3); a client that says nothing of one may not know it.
#[derive(Debug, Clone, Copy, Default)]
struct AcceptedCodings {
    gzip: f64,
    zstd: f64,
    refuses_plain: bool,
}

impl AcceptedCodings {
    fn of(request: &HeaderMap) -> AcceptedCodings {
        let named = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let (mut accepted, mut identity, mut any) = (AcceptedCodings::default(), None, None);
        for coding in named.flat_map(|value| value.split(',')) {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
            let weight = weight.trim().to_ascii_lowercase();
            // A weight that cannot be read says nothing of its coding.
            let Some(weight) = weight.strip_prefix("q=").and_then(|weight| weight.parse::<f64>().ok()) else {
                continue;
            };
            match name.trim().to_ascii_lowercase().as_str() {
                "gzip" => accepted.gzip = weight,
                "zstd" => accepted.zstd = weight,
                "identity" => identity = Some(weight),
                "*" => any = Some(weight),
                _ => {}
            }
        }
        accepted.refuses_plain = identity.or(any).is_some_and(|weight| weight <= 0.0);
        accepted
    }

    /// How a response to the client is best compressed.
    fn best(self, is_arrow: bool) -> Option<Coding> {
        let takes_gzip = self.gzip > 0.0 && (self.refuses_plain || !is_arrow);
        let takes_zstd = self.zstd > 0.0 && (self.zstd >= self.gzip || !takes_gzip);
        let gzip = takes_gzip.then_some(Coding::Gzip);
        if takes_zstd { Some(Coding::Zstd) } else { gzip }
    }
}

/// Whether a client accepts gzip.
pub fn accepts_gzip(request: &HeaderMap) -> bool {
    AcceptedCodings::of(request).gzip > 0.0
}

fn media(response: &Response) -> &str {
    let media = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media.unwrap_or_default().split(';').next().unwrap_or_default().trim()
}

fn is_arrow(response: &Response) -> bool {
    media(response) == "application/vnd.apache.arrow.stream"
}

/// Whether a response is JSON or Arrow, whole, and large. A body of unknown size is a streamed list or result.
fn is_worthwhile(response: &Response) -> bool {
    let headers = response.headers();
    let is_plain =
        [CONTENT_ENCODING, CONTENT_RANGE, SET_COOKIE].iter().all(|name| !headers.contains_key(name));
    let media = media(response);
    let is_verbose = is_arrow(response) || (media.starts_with("application/") && media.ends_with("json"));
    let stated = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let size: Option<u64> = stated.or_else(|| response.body().size_hint().exact());
    response.status() == StatusCode::OK
        && is_plain
        && is_verbose
        && size.is_none_or(|bytes| bytes > MIN_BYTES)
}

fn compressed(body: Body, encoder: Encoder, permit: SemaphorePermit<'static>) -> Body {
    let start = CompressedBody {
        input: body.into_data_stream(),
        rest: Bytes::new(),
        encoder: Some(encoder),
        _permit: permit,
    };
    Body::from_stream(stream::try_unfold(start, CompressedBody::next_piece))
}

/// An encoder that writes into memory.
enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    fn new(coding: Coding) -> Encoder {
        let zstd = || {
            let mut encoder = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
            encoder.window_log(ZSTD_WINDOW_LOG)?;
            io::Result::Ok(encoder)
        };
        match coding {
            Coding::Gzip => Encoder::Gzip(GzEncoder::new(Vec::new(), Compression::fast())),
            Coding::Zstd => Encoder::Zstd(zstd().expect("the level and the window are valid")),
        }
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        match self {
            Encoder::Gzip(encoder) => encoder.write_all(piece),
            Encoder::Zstd(encoder) => encoder.write_all(piece),
        }
    }

    /// Writes what is still in the encoder.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Zstd(encoder) => encoder.flush(),
        }
    }

    /// Takes what was written since the last time.
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(match self {
            Encoder::Gzip(encoder) => encoder.get_mut(),
            Encoder::Zstd(encoder) => encoder.get_mut(),
        })
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Zstd(encoder) => encoder.finish(),
        }
    }
}

/// A body that is compressed as it is read.
struct CompressedBody {
    input: BodyDataStream,
    /// Rest of the last piece of `input`.
    rest: Bytes,
    /// None once the body is complete.
    encoder: Option<Encoder>,
    _permit: SemaphorePermit<'static>,
}

impl CompressedBody {
    /// Returns the next compressed piece. A body that fails ends with its error, so that it is never taken for a whole one.
    async fn next_piece(mut self) -> Result<Option<(Bytes, CompressedBody)>, axum::Error> {
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
            encoder.write(&slice).map_err(axum::Error::new)?;
            if self.rest.is_empty() {
                // The next piece may be long in coming.
                encoder.flush().map_err(axum::Error::new)?;
            }
            let piece = encoder.take();
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
