//! Chunked responses with memory accounting: each chunk is reserved while it is written and released once it is sent. A
//! client that stalls or reads too slowly overall is dropped, which releases the memory held for it.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::memory_pool::RequestReservation;
use crate::domain::{Error, Result};

/// Size of a chunk, the unit of writing, sending and releasing.
const CHUNK_BYTES: usize = 64 << 10;
/// Bytes reserved at a time while writing.
const RESERVE_STEP_BYTES: usize = 4 << 10;
/// Limits for the clients of all responses.
const SLOW_CLIENT_LIMITS: SlowClientLimits =
    SlowClientLimits { stalled: Duration::from_secs(30), least_rate: 128 << 10 };

/// How slow a client may be before its response is dropped.
#[derive(Debug, Clone, Copy)]
struct SlowClientLimits {
    /// Time without any progress; below the idle timeout in serve.rs.
    stalled: Duration,
    /// Minimum overall rate of a long response, bytes per second.
    least_rate: u64,
}

/// JSON text in chunks, with its total length.
#[derive(Default)]
pub struct JsonChunks {
    pieces: Vec<Bytes>,
    bytes: usize,
}

impl JsonChunks {
    /// Serializes `value` and reserves the memory of its text in `reservation`.
    ///
    /// # Errors
    /// `TooLarge` or `Busy` if the request may not reserve more.
    pub fn serialize(reservation: &RequestReservation, value: &impl Serialize) -> Result<JsonChunks> {
        let mut writer = ChunkWriter {
            held: reservation,
            text: JsonChunks::default(),
            open: Vec::new(),
            reserved_bytes: 0,
            refused: None,
        };
        let written = serde_json::to_writer(&mut writer, value);
        if let Some(error) = writer.refused {
            return Err(error);
        }
        written.map_err(|e| Error::internal("an answer is not JSON").with_source(e))?;
        writer.close();
        Ok(writer.text)
    }

    /// Serializes a short value, such as an error, without reserving memory.
    pub fn serialize_unreserved(value: &impl Serialize) -> JsonChunks {
        let bytes = serde_json::to_vec(value).expect("answers have only what JSON has");
        JsonChunks { bytes: bytes.len(), pieces: vec![bytes.into()] }
    }

    /// Returns the length, bytes.
    pub fn size(&self) -> usize {
        self.bytes
    }

    /// Appends a short text.
    pub fn add(&mut self, text: &'static str) {
        self.bytes += text.len();
        self.pieces.push(Bytes::from_static(text.as_bytes()));
    }

    /// Appends another text.
    pub fn append(&mut self, other: JsonChunks) {
        self.bytes += other.bytes;
        self.pieces.extend(other.pieces);
    }

    /// Joins all chunks into one string.
    pub fn joined(self) -> String {
        let mut bytes = Vec::with_capacity(self.bytes);
        self.pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
        String::from_utf8(bytes).expect("JSON is UTF-8")
    }

    /// Converts the text to a response body that keeps its reservation until it is sent. A short body is passed to the
    /// connection at once.
    pub fn into_body(self, reservation: &RequestReservation) -> Body {
        if self.bytes <= CHUNK_BYTES {
            return Body::from(self.joined());
        }
        let (reservation, whole) = (reservation.split_off(self.bytes), self.bytes);
        let (outlet, receiver) = chunk_channel();
        tokio::spawn(async move {
            // An error needs no handling: the client is gone or too slow, and the body ends before its length.
            let _ = outlet.send(self, &reservation).await;
        });
        chunked_body(receiver, whole)
    }
}

struct ChunkWriter<'a> {
    held: &'a RequestReservation,
    text: JsonChunks,
    open: Vec<u8>,
    /// Bytes already reserved for the text to come.
    reserved_bytes: usize,
    refused: Option<Error>,
}

impl ChunkWriter<'_> {
    fn close(&mut self) {
        let piece = std::mem::take(&mut self.open);
        if !piece.is_empty() {
            self.text.bytes += piece.len();
            self.text.pieces.push(piece.into());
        }
    }
}

impl Write for ChunkWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open.len() + bytes.len() > CHUNK_BYTES {
            self.close();
        }
        self.reserved_bytes = match self.reserved_bytes.checked_sub(bytes.len()) {
            Some(left) => left,
            None => {
                if let Err(error) = self.held.grow(RESERVE_STEP_BYTES.max(bytes.len())) {
                    self.refused = Some(error);
                    return Err(io::ErrorKind::OutOfMemory.into());
                }
                RESERVE_STEP_BYTES.saturating_sub(bytes.len())
            }
        };
        // A chunk may exceed `CHUNK_BYTES` if a single string value does.
        self.open.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The client has disconnected or is too slow.
#[derive(Debug)]
pub struct ReaderGone;

/// Sending side of a chunked body.
pub struct ChunkSender {
    sender: mpsc::Sender<Bytes>,
    patience: SlowClientLimits,
}

/// Creates a channel for a body that is sent chunk by chunk.
pub fn chunk_channel() -> (ChunkSender, mpsc::Receiver<Bytes>) {
    let (sender, receiver) = mpsc::channel(1);
    (ChunkSender { sender, patience: SLOW_CLIENT_LIMITS }, receiver)
}

/// Converts the receiving side to a body. If it ends before `whole` bytes, the body fails and the connection is cut, so
/// that a truncated response never looks complete.
pub fn chunked_body(receiver: mpsc::Receiver<Bytes>, whole: usize) -> Body {
    let pieces = stream::unfold((receiver, whole), |(mut receiver, left)| async move {
        match receiver.recv().await {
            Some(piece) => {
                let left = left.saturating_sub(piece.len());
                Some((Ok(piece), (receiver, left)))
            }
            None if left > 0 => Some((Err(io::Error::from(io::ErrorKind::TimedOut)), (receiver, 0))),
            None => None,
        }
    });
    Body::from_stream(pieces)
}

impl ChunkSender {
    /// Sends a text and releases from `reservation` what the client has received.
    ///
    /// # Errors
    /// `ReaderGone` if the client has disconnected or is too slow.
    pub async fn send(&self, text: JsonChunks, reservation: &RequestReservation) -> Result<(), ReaderGone> {
        let SlowClientLimits { stalled, least_rate } = self.patience;
        let whole = stalled + Duration::from_millis(text.bytes as u64 * 1000 / least_rate);
        let end = Instant::now() + whole;
        let mut left = text.bytes;
        for piece in text.pieces {
            left -= piece.len();
            let within = end.min(Instant::now() + stalled);
            let sent = timeout_at(within, self.sender.send(piece)).await;
            if !matches!(sent, Ok(Ok(()))) {
                return Err(ReaderGone);
            }
            reservation.shrink_to(left);
        }
        Ok(())
    }

    /// Resolves when the client has disconnected.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }
}

#[cfg(test)]
#[path = "chunked_response_tests.rs"]
mod tests;
