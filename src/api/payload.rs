//! Reading a request body into memory: bounded on the wire, bounded again once decoded, never slow for ever, and counted
//! from its first byte for as long as anybody has a part of it.
//!
//! Knows nothing of what the bytes mean.

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

use super::caller;
use super::error::Fault;
use crate::app::body_memory::{Held, Holder};
use crate::domain::Error;

/// A client that sends nothing for this long has lost its turn.
pub const BODY_IDLE: Duration = Duration::from_secs(20);

/// The longest body of somebody who is not known yet: a login.
const STRANGER_BYTES: usize = 64 << 10;

/// How much of a refused body is still read and thrown away. Clients that write everything before they read
/// would otherwise see a reset connection and never the answer.
const DISCARD_BYTES: u64 = 256 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// zstd windows above 2^23 bytes are refused: a frame may ask for far more memory than its content.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Bytes that one byte of gzip stands for, at most.
const GZIP_RATIO: usize = 1032;

/// How much is decoded between two looks at the limits.
const STEP_BYTES: usize = 256 * 1024;
/// From here on, how long a body becomes is found by decoding it once for nothing, where it did not say so rightly: room
/// that doubles would be three times as much while it is moved.
const MEASURED_BYTES: usize = 32 << 20;
/// JSON up to this is not looked at for how much its values take.
const SMALL_BYTES: usize = 64 << 10;
/// The values of one JSON body.
const MAX_TREE_BYTES: usize = 256 << 20;
/// The first piece of memory for a body.
const FIRST_BYTES: usize = 16 * 1024;

/// What callers are told apart by; made anew in every process, so that nobody can aim at another's number.
static CALLERS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

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

/// Reads a whole body of somebody who was asked who they are, and undoes its `Content-Encoding` (gzip, zstd). What comes
/// back holds its memory until the last part of it is dropped.
///
/// # Errors
/// `TooLarge`; `UnsupportedMedia` for another encoding; `SlowRequest`; `Invalid` when it is damaged; `Busy` when too
/// much is being read for others, or for the same caller.
pub async fn read_within(headers: &HeaderMap, body: Body, limits: Limits) -> Result<Bytes, Fault> {
    read_held(headers, body, limits, memory_for(headers)).await
}

/// Memory for what whoever presents these headers sends; nothing of it is taken yet.
pub fn memory_for(headers: &HeaderMap) -> Held {
    Held::nothing(match caller::secret(headers) {
        Some(secret) => holder_of(secret),
        None => Holder::Stranger(None),
    })
}

/// Whoever presents this credential.
pub fn holder_of(secret: &str) -> Holder {
    Holder::Caller(CALLERS.hash_one(secret))
}

/// The same of somebody at this address who is not known yet: little, and out of an account of their own.
///
/// # Errors
/// As [`read_within`].
pub async fn read_of_stranger(
    headers: &HeaderMap,
    body: Body,
    address: Option<IpAddr>,
) -> Result<Bytes, Fault> {
    let limits = Limits { wire: STRANGER_BYTES, decoded: STRANGER_BYTES };
    read_held(headers, body, limits, Held::nothing(Holder::Stranger(address))).await
}

async fn read_held(headers: &HeaderMap, mut body: Body, limits: Limits, held: Held) -> Result<Bytes, Fault> {
    let encoding = encoding(headers)?;
    let wire = match collect(headers, &mut body, limits.wire, held).await {
        Ok(collected) => collected,
        Err(fault) => {
            if matches!(fault, Fault::Core(_)) && !headers.contains_key(header::EXPECT) {
                discard(body).await;
            }
            return Err(fault);
        }
    };
    let mut whole = wire;
    if encoding != Encoding::Identity && !whole.bytes.is_empty() {
        // Decoding a bomb up to its limit takes tens of milliseconds: not on the threads that serve sockets.
        let decoded = tokio::task::spawn_blocking(move || decode(encoding, whole, limits.decoded)).await;
        whole = decoded.map_err(|e| Error::internal("a body decoder stopped").because(e))??;
    }
    if is_json(headers) {
        whole.held.cover(whole.held.bytes() + tree_bytes(&whole.bytes)?)?;
    }
    Ok(Bytes::from_owner(whole))
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
    media.is_some_and(|media| media.windows(4).any(|window| window == b"json"))
}

/// What the values of a JSON text take once it is parsed: up to fifty times the text, where that is all commas and brackets.
fn tree_bytes(text: &[u8]) -> Result<usize, Error> {
    if text.len() <= SMALL_BYTES {
        return Ok(0);
    }
    let parts = text.iter().map(|byte| match byte {
        // A value, of 32 bytes, in a list that grows by doubling; a member with its name; a list or an object.
        b',' => 64,
        b':' => 100,
        b'[' | b'{' => 128,
        _ => 0,
    });
    let bytes = parts.sum();
    if bytes > MAX_TREE_BYTES {
        return Err(Error::too_large("Request body has too many values; send it in parts."));
    }
    Ok(bytes)
}

/// Bytes that grow, and the memory they hold: all that is allocated, while they are moved the old and the new.
struct Counted {
    bytes: Vec<u8>,
    held: Held,
    /// Held for something else beside them.
    beside: usize,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Counted {
    fn new(held: Held, beside: usize) -> Self {
        Self { bytes: Vec::new(), held, beside }
    }

    /// Makes room for `more` bytes, `most` in all at the end.
    fn make_room(&mut self, more: usize, most: usize) -> Result<(), Error> {
        let (has, needed) = (self.bytes.capacity(), self.bytes.len() + more);
        if needed <= has {
            return Ok(());
        }
        let wanted = (has * 2).max(FIRST_BYTES).min(most).max(needed);
        self.held.cover(self.beside + has + wanted)?;
        self.bytes.reserve_exact(wanted - self.bytes.len());
        self.held.shrink(self.beside + wanted);
        Ok(())
    }
}

/// The body as it came, and the memory it holds.
async fn collect(headers: &HeaderMap, body: &mut Body, limit: usize, held: Held) -> Result<Counted, Fault> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit).into());
    }
    // Both grow with what arrives: a declared length is only a promise.
    let most = declared.map_or(limit, |length| length as usize);
    let mut wire = Counted::new(held, 0);
    loop {
        let frame = tokio::time::timeout(BODY_IDLE, body.frame()).await.map_err(|_| Fault::SlowRequest)?;
        let Some(frame) = frame else { return Ok(wire) };
        let frame = frame.map_err(|e| Error::invalid("the request body was cut short").because(e))?;
        let Ok(data) = frame.into_data() else { continue };
        if wire.bytes.len() + data.len() > limit {
            return Err(too_large(limit).into());
        }
        wire.make_room(data.len(), most)?;
        wire.bytes.extend_from_slice(&data);
    }
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

fn decode(encoding: Encoding, wire: Counted, limit: usize) -> Result<Counted, Error> {
    let Counted { bytes: wire, mut held, .. } = wire;
    let told = told_length(encoding, &wire).min(limit);
    let beside = wire.capacity() + window_bytes(encoding, told, limit);
    held.cover(beside)?;
    let room = Counted::new(held, beside);
    let mut decoded = match encoding {
        Encoding::Identity => inflate(|| Ok(&wire[..]), told, limit, room)?,
        Encoding::Gzip => inflate(|| Ok(flate2::read::MultiGzDecoder::new(&wire[..])), told, limit, room)?,
        Encoding::Zstd => inflate(|| zstd_frames(&wire), told, limit, room)?,
    };
    drop(wire);
    decoded.held.shrink(decoded.bytes.capacity());
    Ok(decoded)
}

/// How long a body says it becomes, so that room for it is made once: a guess, for either may be followed by more.
fn told_length(encoding: Encoding, wire: &[u8]) -> usize {
    match encoding {
        Encoding::Identity => wire.len(),
        // The last four bytes of a member, as far as its bytes can stand for so many.
        Encoding::Gzip => {
            let told = wire.last_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length) as usize);
            told.min(wire.len().saturating_mul(GZIP_RATIO))
        }
        Encoding::Zstd => {
            let told = zstd::zstd_safe::get_frame_content_size(wire).ok().flatten();
            told.map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX))
        }
    }
}

/// What a decoder takes beside what it reads and writes: a window as far as there is something to lie in it, and tables.
fn window_bytes(encoding: Encoding, told: usize, limit: usize) -> usize {
    match encoding {
        Encoding::Identity => 0,
        Encoding::Gzip => 64 << 10,
        Encoding::Zstd => (if told == 0 { limit } else { told }).min(1 << ZSTD_WINDOW_LOG) + (128 << 10),
    }
}

fn zstd_frames(wire: &[u8]) -> Result<impl Read, Error> {
    let mut frames = zstd::stream::read::Decoder::new(wire).map_err(damaged)?;
    frames.window_log_max(ZSTD_WINDOW_LOG).map_err(damaged)?;
    Ok(frames)
}

/// Decodes step by step, so that a bomb never takes more than the limit and one step.
fn inflate<R: Read>(
    open: impl Fn() -> Result<R, Error>,
    told: usize,
    limit: usize,
    mut decoded: Counted,
) -> Result<Counted, Error> {
    // One byte more than may be tells that there are too many.
    let most = limit.saturating_add(1);
    decoded.make_room(told.saturating_add(1).min(most), most)?;
    let mut source = open()?;
    loop {
        let before = decoded.bytes.len();
        let step = STEP_BYTES.min(decoded.bytes.capacity() - before);
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
        if length < MEASURED_BYTES {
            decoded.make_room(1, most)?;
        } else {
            let whole = io::copy(&mut open()?.take(most as u64), &mut io::sink()).map_err(damaged)? as usize;
            decoded.make_room(whole + 1 - length, whole + 1)?;
        }
    }
}

fn damaged(error: io::Error) -> Error {
    Error::invalid("the compressed request body is damaged").because(error)
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
