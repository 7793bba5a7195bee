//! Reads a request body into memory, with limits on its size before and after decoding, an idle timeout, and a memory
//! reservation that lasts from the first byte until the last reference to the body is dropped.
//!
//! The content is not interpreted here, but for a byte order mark before a text.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::BodyExt;

use super::accounted_buffer::AccountedBuffer;
use super::caller;
use super::error::HttpError;
use crate::app::body_memory::{BodyMemoryReservation, MemoryHolder};
use crate::domain::Error;

/// A body without a byte for this long fails with a timeout.
pub const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Maximum body of an unauthenticated caller, which is a login.
const MAX_UNAUTHENTICATED_BODY_BYTES: usize = 64 << 10;

/// Maximum bytes of a refused body that are still read and discarded. Clients that write everything before they read
/// would otherwise see a connection reset instead of the response.
const MAX_DISCARD_BYTES: u64 = 256 * 1024 * 1024;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);

/// zstd windows above 2^23 bytes are refused: a frame may ask for far more memory than its content.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Maximum compression ratio of gzip.
const GZIP_RATIO: usize = 1032;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes decoded between two checks of the limits.
const DECODE_STEP_BYTES: usize = 256 * 1024;
/// From this size on, a body that declared no or a wrong length is decoded once just to measure it: doubling the buffer
/// would take three times its size while it is moved.
const MEASURE_THRESHOLD_BYTES: usize = 32 << 20;
/// JSON up to this size is not charged for its parsed values.
const UNCOUNTED_JSON_BYTES: usize = 64 << 10;
/// Maximum estimated memory of the parsed values of one JSON body.
const MAX_JSON_TREE_BYTES: usize = 256 << 20;

/// Hashes callers' secrets to memory holders; seeded per process, so that nobody can provoke a collision with another.
static CALLER_HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Maximum size of a body, bytes.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// As sent.
    pub wire: usize,
    /// After gzip or zstd.
    pub decoded: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ContentEncoding {
    Identity,
    Gzip,
    Zstd,
}

/// Reads a whole text or form of at most `limit` bytes both encoded and decoded; the bytes hold their memory reservation.
/// JSON also reserves what its values take, because it is parsed as a whole.
///
/// # Errors
/// The errors of [`read_within`]; `TooLarge` for JSON of too many values.
pub async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, HttpError> {
    let limits = BodyLimits { wire: limit, decoded: limit };
    let mut whole = read_reserved(headers, body, limits, memory_for(headers)).await?;
    if is_json(headers) {
        whole.reserve_beside(json_tree_bytes(&whole.bytes)?)?;
    }
    Ok(without_byte_order_mark(Bytes::from_owner(whole)))
}

/// Like [`read`] for a body that is parsed as JSON whatever its media type, of a caller who is authenticated by `secret`.
///
/// # Errors
/// The errors of [`read_within`], and `TooLarge` for JSON of too many values.
pub async fn read_json(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    secret: &str,
) -> Result<Bytes, HttpError> {
    let limits = BodyLimits { wire: limit, decoded: limit };
    let memory = BodyMemoryReservation::empty(holder_for_secret(secret));
    let mut whole = read_reserved(headers, body, limits, memory).await?;
    whole.reserve_beside(json_tree_bytes(&whole.bytes)?)?;
    Ok(without_byte_order_mark(Bytes::from_owner(whole)))
}

/// Reads the whole body of an authenticated caller and decodes its `Content-Encoding` (gzip, zstd). The returned bytes
/// hold their memory reservation until the last reference is dropped.
///
/// # Errors
/// `TooLarge`; `UnsupportedMediaType` for another encoding; `RequestTimeout`; `Invalid` when the body is damaged;
/// `Busy` when the bodies of all callers, or of this one, hold too much memory.
pub async fn read_within(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Bytes, HttpError> {
    read_reserved(headers, body, limits, memory_for(headers)).await.map(Bytes::from_owner)
}

/// Like [`read_within`] for a caller who is authenticated by `secret`, wherever the request has it.
///
/// # Errors
/// The errors of [`read_within`].
pub async fn read_for_secret(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
    secret: &str,
) -> Result<Bytes, HttpError> {
    let memory = BodyMemoryReservation::empty(holder_for_secret(secret));
    read_reserved(headers, body, limits, memory).await.map(Bytes::from_owner)
}

/// Returns an empty reservation for the caller who presents these headers.
pub fn memory_for(headers: &HeaderMap) -> BodyMemoryReservation {
    BodyMemoryReservation::empty(match caller::presented_secret(headers) {
        Some(secret) => holder_for_secret(secret),
        None => MemoryHolder::Anonymous(None),
    })
}

/// Returns the memory holder of a credential.
pub fn holder_for_secret(secret: &str) -> MemoryHolder {
    MemoryHolder::Caller(CALLER_HASHER.hash_one(secret))
}

/// Like [`read_within`] for a text of an unauthenticated caller at `address`: with a small limit and a separate memory budget.
///
/// # Errors
/// The errors of [`read_within`].
pub async fn read_unauthenticated(
    headers: &HeaderMap,
    body: Body,
    address: Option<IpAddr>,
) -> Result<Bytes, HttpError> {
    let limits = BodyLimits { wire: MAX_UNAUTHENTICATED_BODY_BYTES, decoded: MAX_UNAUTHENTICATED_BODY_BYTES };
    let memory = BodyMemoryReservation::empty(MemoryHolder::Anonymous(address));
    let whole = read_reserved(headers, body, limits, memory).await?;
    Ok(without_byte_order_mark(Bytes::from_owner(whole)))
}

/// Returns a text without the byte order mark that some clients begin theirs with (RFC 8259, section 8.1, lets parsers ignore
/// it). Not for binary forms: a Snappy block may begin with the same bytes.
pub fn without_byte_order_mark(text: Bytes) -> Bytes {
    if text.starts_with(BYTE_ORDER_MARK) { text.slice(BYTE_ORDER_MARK.len()..) } else { text }
}

async fn read_reserved(
    headers: &HeaderMap,
    mut body: Body,
    limits: BodyLimits,
    reservation: BodyMemoryReservation,
) -> Result<AccountedBuffer, HttpError> {
    let encoding = encoding(headers)?;
    let wire = match collect(headers, &mut body, limits.wire, reservation).await {
        Ok(collected) => collected,
        Err(fault) => {
            if matches!(fault, HttpError::Domain(_)) && !headers.contains_key(header::EXPECT) {
                discard(body).await;
            }
            return Err(fault);
        }
    };
    let mut whole = wire;
    if encoding != ContentEncoding::Identity && !whole.bytes.is_empty() {
        // Decoding a zip bomb up to its limit takes tens of milliseconds: too long for the threads that serve sockets.
        let decoded = tokio::task::spawn_blocking(move || decode(encoding, whole, limits.decoded)).await;
        whole = decoded.map_err(|e| Error::internal("a body decoder stopped").with_source(e))??;
    }
    Ok(whole)
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
    media.is_some_and(|media| media.windows(4).any(|window| window == b"json"))
}

/// Estimates the memory of parsed JSON: up to fifty times the text where that is all commas and brackets.
fn json_tree_bytes(text: &[u8]) -> Result<usize, Error> {
    if text.len() <= UNCOUNTED_JSON_BYTES {
        return Ok(0);
    }
    let parts = text.iter().map(|byte| match byte {
        // A 32-byte value in a list that grows by doubling; an object member with its name; a list or an object.
        b',' => 64,
        b':' => 100,
        b'[' | b'{' => 128,
        _ => 0,
    });
    let bytes = parts.sum();
    if bytes > MAX_JSON_TREE_BYTES {
        return Err(Error::too_large("Request body has too many values; send it in parts."));
    }
    Ok(bytes)
}

/// Reads the raw body into an accounted buffer.
async fn collect(
    headers: &HeaderMap,
    body: &mut Body,
    limit: usize,
    reservation: BodyMemoryReservation,
) -> Result<AccountedBuffer, HttpError> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit).into());
    }
    // Buffer and reservation grow with the bytes that arrive: a declared length is only a promise.
    let most = declared.map_or(limit, |length| length as usize);
    let mut wire = AccountedBuffer::new(reservation, 0);
    loop {
        let frame = tokio::time::timeout(BODY_IDLE_TIMEOUT, body.frame())
            .await
            .map_err(|_| HttpError::RequestTimeout)?;
        let Some(frame) = frame else { return Ok(wire) };
        let frame = frame.map_err(|e| Error::invalid("the request body was cut short").with_source(e))?;
        let Ok(data) = frame.into_data() else { continue };
        if wire.bytes.len() + data.len() > limit {
            return Err(too_large(limit).into());
        }
        wire.make_room(data.len(), most)?;
        wire.bytes.extend_from_slice(&data);
    }
}

/// Reads and discards the rest of a body, within bounds, so that the response can be delivered.
async fn discard(body: Body) {
    let mut chunks = body.into_data_stream();
    let reading = async {
        let mut seen = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            seen += chunk.len() as u64;
            if seen > MAX_DISCARD_BYTES {
                return;
            }
        }
    };
    // Past the deadline the connection is cut instead; both sides know that the request failed.
    tokio::time::timeout(DISCARD_TIMEOUT, reading).await.unwrap_or(());
}

fn encoding(headers: &HeaderMap) -> Result<ContentEncoding, HttpError> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(ContentEncoding::Identity) };
    let text = String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase();
    match text.as_str() {
        "" | "identity" => Ok(ContentEncoding::Identity),
        "gzip" | "x-gzip" => Ok(ContentEncoding::Gzip),
        "zstd" => Ok(ContentEncoding::Zstd),
        _ => Err(HttpError::UnsupportedMediaType(text)),
    }
}

fn decode(encoding: ContentEncoding, wire: AccountedBuffer, limit: usize) -> Result<AccountedBuffer, Error> {
    let AccountedBuffer { bytes: wire, mut reservation, .. } = wire;
    let declared_bytes = declared_decoded_length(encoding, &wire).min(limit);
    let beside = wire.capacity() + window_bytes(encoding, declared_bytes, limit);
    reservation.try_grow_to(beside)?;
    let room = AccountedBuffer::new(reservation, beside);
    let mut decoded = match encoding {
        ContentEncoding::Identity => decode_bounded(|| Ok(&wire[..]), declared_bytes, limit, room)?,
        ContentEncoding::Gzip => {
            decode_bounded(|| Ok(flate2::read::MultiGzDecoder::new(&wire[..])), declared_bytes, limit, room)?
        }
        ContentEncoding::Zstd => decode_bounded(|| zstd_frames(&wire), declared_bytes, limit, room)?,
    };
    drop(wire);
    decoded.reservation.shrink(decoded.bytes.capacity());
    Ok(decoded)
}

/// Returns the declared decoded length, to allocate once. It is a guess: more members or frames may follow.
fn declared_decoded_length(encoding: ContentEncoding, wire: &[u8]) -> usize {
    match encoding {
        ContentEncoding::Identity => wire.len(),
        // The last four bytes of a member, capped by the maximum compression ratio.
        ContentEncoding::Gzip => {
            let declared_bytes =
                wire.last_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length) as usize);
            declared_bytes.min(wire.len().saturating_mul(GZIP_RATIO))
        }
        ContentEncoding::Zstd => {
            let declared_bytes = zstd::zstd_safe::get_frame_content_size(wire).ok().flatten();
            declared_bytes.map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX))
        }
    }
}

/// Estimates a decoder's own memory: its window, no larger than the content, and tables.
fn window_bytes(encoding: ContentEncoding, declared_bytes: usize, limit: usize) -> usize {
    match encoding {
        ContentEncoding::Identity => 0,
        ContentEncoding::Gzip => 64 << 10,
        ContentEncoding::Zstd => {
            (if declared_bytes == 0 { limit } else { declared_bytes }).min(1 << ZSTD_WINDOW_LOG) + (128 << 10)
        }
    }
}

fn zstd_frames(wire: &[u8]) -> Result<impl Read, Error> {
    let mut frames = zstd::stream::read::Decoder::new(wire).map_err(damaged)?;
    frames.window_log_max(ZSTD_WINDOW_LOG).map_err(damaged)?;
    Ok(frames)
}

/// Decodes step by step, so that a zip bomb never takes more than the limit and one step.
fn decode_bounded<R: Read>(
    open: impl Fn() -> Result<R, Error>,
    declared_bytes: usize,
    limit: usize,
    mut decoded: AccountedBuffer,
) -> Result<AccountedBuffer, Error> {
    // Reading one byte past the limit shows that there are too many.
    let most = limit.saturating_add(1);
    decoded.make_room(declared_bytes.saturating_add(1).min(most), most)?;
    let mut source = open()?;
    loop {
        let before = decoded.bytes.len();
        let step = DECODE_STEP_BYTES.min(decoded.bytes.capacity() - before);
        let read = source.by_ref().take(step as u64).read_to_end(&mut decoded.bytes).map_err(damaged)?;
        let length = decoded.bytes.len();
        if length > limit {
            return Err(too_large(limit));
        }
        if read == 0 {
            return Ok(decoded);
        }
        if length < decoded.bytes.capacity() {
            continue;
        }
        if length < MEASURE_THRESHOLD_BYTES {
            decoded.make_room(1, most)?;
        } else {
            let whole = io::copy(&mut open()?.take(most as u64), &mut io::sink()).map_err(damaged)? as usize;
            decoded.make_room(whole + 1 - length, whole + 1)?;
        }
    }
}

fn damaged(error: io::Error) -> Error {
    Error::invalid("the compressed request body is damaged").with_source(error)
}

fn too_large(limit: usize) -> Error {
    Error::too_large(format!("Request body is too large: the limit is {limit} bytes."))
}

#[cfg(test)]
#[path = "payload_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "payload_fuzz_tests.rs"]
mod fuzz_tests;
