//! Reading a request body into memory: bounded on the wire, bounded again once decoded, never slow for ever.
//!
//! Knows nothing of what the bytes mean.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::Fault;
use crate::domain::Error;

/// A client that sends nothing for this long has lost its turn.
pub const BODY_IDLE: Duration = Duration::from_secs(20);

/// How much of a refused body is still read and thrown away. Clients that write everything before they read
/// would otherwise see a reset connection and never the answer.
const DISCARD_BYTES: u64 = 256 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// zstd windows above 2^23 bytes are refused: a frame may ask for far more memory than its content.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Memory of all bodies being read at a moment, in units of a KiB: together they must not outgrow the process.
static MEMORY: Semaphore = Semaphore::const_new(512 * 1024);
const UNIT_BYTES: usize = 1024;

/// How much is decoded between two looks at the limits.
const STEP_BYTES: u64 = 256 * 1024;

/// The most a body may have.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// As sent.
    pub wire: usize,
    /// After gzip or zstd.
    pub decoded: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// Reads a whole body of at most `limit` bytes, as sent and again decoded; see [`read_within`].
pub async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Fault> {
    read_within(headers, body, Limits { wire: limit, decoded: limit }).await
}

/// Reads a whole body and undoes its `Content-Encoding` (gzip, zstd).
///
/// # Errors
/// `TooLarge`; `UnsupportedMedia` for another encoding; `SlowRequest`; `Invalid` when it is damaged; `Busy` when too
/// much is being read for others.
pub async fn read_within(headers: &HeaderMap, mut body: Body, limits: Limits) -> Result<Bytes, Fault> {
    let encoding = encoding(headers)?;
    let (wire, _memory) = match collect(headers, &mut body, limits.wire, &MEMORY).await {
        Ok(collected) => collected,
        Err(fault) => {
            if matches!(fault, Fault::Core(_)) && !headers.contains_key(header::EXPECT) {
                discard(body).await;
            }
            return Err(fault);
        }
    };
    if encoding == Encoding::Identity || wire.is_empty() {
        return Ok(wire);
    }
    // Decoding a bomb up to its limit takes tens of milliseconds: not on the threads that serve sockets.
    let decoded = tokio::task::spawn_blocking(move || decode(encoding, &wire, limits.decoded)).await;
    Ok(decoded.map_err(|e| Error::internal("a body decoder stopped").because(e))??)
}

/// The body as it came, and the memory it holds.
async fn collect<'m>(
    headers: &HeaderMap,
    body: &mut Body,
    limit: usize,
    memory: &'m Semaphore,
) -> Result<(Bytes, SemaphorePermit<'m>), Fault> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit).into());
    }
    // Both grow with what arrives: a declared length is only a promise.
    let mut held = take(memory, 0)?;
    let mut wire = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(BODY_IDLE, body.frame()).await.map_err(|_| Fault::SlowRequest)?;
        let Some(frame) = frame else { return Ok((wire.freeze(), held)) };
        let frame = frame.map_err(|e| Error::invalid("the request body was cut short").because(e))?;
        let Ok(data) = frame.into_data() else { continue };
        let length = wire.len() + data.len();
        if length > limit {
            return Err(too_large(limit).into());
        }
        held.merge(take(memory, length.div_ceil(UNIT_BYTES) - held.num_permits())?);
        wire.extend_from_slice(&data);
    }
}

fn take(memory: &Semaphore, units: usize) -> Result<SemaphorePermit<'_>, Error> {
    let units = u32::try_from(units).unwrap_or(u32::MAX);
    memory.try_acquire_many(units).map_err(|_| Error::busy("too many requests are being read; retry later"))
}

/// Reads on without keeping anything, within bounds, so that the answer can be delivered.
async fn discard(body: Body) {
    let mut chunks = body.into_data_stream();
    let reading = async {
        let mut seen = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            seen += chunk.len() as u64;
            if seen > DISCARD_BYTES {
                return;
            }
        }
    };
    // Past the deadline the connection is cut instead; both ends know the request failed.
    tokio::time::timeout(DISCARD_TIME, reading).await.unwrap_or(());
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Fault> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
    let text = String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase();
    match text.as_str() {
        "" | "identity" => Ok(Encoding::Identity),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        "zstd" => Ok(Encoding::Zstd),
        _ => Err(Fault::UnsupportedMedia(text)),
    }
}

fn decode(encoding: Encoding, wire: &[u8], limit: usize) -> Result<Bytes, Error> {
    match encoding {
        Encoding::Identity => Ok(Bytes::copy_from_slice(wire)),
        Encoding::Gzip => inflate(flate2::read::MultiGzDecoder::new(wire), limit),
        Encoding::Zstd => {
            let mut frames = zstd::stream::read::Decoder::new(wire).map_err(damaged)?;
            frames.window_log_max(ZSTD_WINDOW_LOG).map_err(damaged)?;
            inflate(frames, limit)
        }
    }
}

/// Decodes step by step, so that a bomb never takes more than the limit and one step.
fn inflate(mut source: impl Read, limit: usize) -> Result<Bytes, Error> {
    let mut decoded = Vec::new();
    let mut held = take(&MEMORY, 0)?;
    loop {
        let step = source.by_ref().take(STEP_BYTES).read_to_end(&mut decoded).map_err(damaged)?;
        if decoded.len() > limit {
            return Err(too_large(limit));
        }
        if step == 0 {
            return Ok(decoded.into());
        }
        held.merge(take(&MEMORY, decoded.len().div_ceil(UNIT_BYTES) - held.num_permits())?);
    }
}

fn damaged(error: std::io::Error) -> Error {
    Error::invalid("the compressed request body is damaged").because(error)
}

fn too_large(limit: usize) -> Error {
    Error::too_large(format!("Request body is too large: the limit is {limit} bytes."))
}

#[cfg(test)]
#[path = "payload_tests.rs"]
mod tests;
