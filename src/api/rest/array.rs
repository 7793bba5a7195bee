//! Streams a JSON array of any length in constant memory.
//!
//! An array that fits in one buffer is sent whole, so its errors still become error responses. Longer arrays are sent
//! in chunks; when reading fails midway the body is aborted, so that a truncated array never looks complete.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use serde::Serialize;
use tokio::sync::mpsc;
use tracing::Instrument;

use crate::api::error::ErrorReport;
use crate::domain::Result;

/// Chunks gather at least this many bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// A client that takes no chunk for this long is disconnected, and the source of the array is released.
const CLIENT_STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Comma-separated rows as JSON text; an empty piece has no row.
pub type JsonRowPieces = BoxStream<'static, Result<Vec<u8>>>;

/// Streams rows already in memory; each is serialised only when the previous one has been taken.
pub fn pieces_from_rows<R, V>(rows: Vec<R>, view: impl Fn(&R) -> V + Send + 'static) -> JsonRowPieces
where
    R: Send + 'static,
    V: Serialize,
{
    let written =
        move |row: R| Ok(serde_json::to_vec(&view(&row)).expect("texts, numbers and JSON always serialise"));
    stream::iter(rows).map(written).boxed()
}

/// Writes an array piece by piece.
struct JsonArrayWriter {
    pieces: JsonRowPieces,
    has_rows: bool,
    is_done: bool,
}

/// Responds with the array of all rows.
pub async fn respond(pieces: JsonRowPieces) -> Result<Response> {
    let mut array = JsonArrayWriter { pieces, has_rows: false, is_done: false };
    let mut first = vec![b'['];
    array.fill(&mut first).await?;
    let body = if array.is_done { Body::from(first) } else { stream_rest(first, array) };
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

impl JsonArrayWriter {
    /// Appends rows until the chunk is full or the array is closed.
    async fn fill(&mut self, chunk: &mut Vec<u8>) -> Result<()> {
        while chunk.len() < CHUNK_BYTES && !self.is_done {
            match self.pieces.next().await.transpose()? {
                Some(piece) if piece.is_empty() => {}
                Some(piece) => {
                    if self.has_rows {
                        chunk.push(b',');
                    }
                    self.has_rows = true;
                    chunk.extend_from_slice(&piece);
                }
                None => {
                    chunk.push(b']');
                    self.is_done = true;
                }
            }
        }
        Ok(())
    }
}

/// Reads on in a task of its own: a body that is no longer polled could not time out by itself.
fn stream_rest(first: Vec<u8>, array: JsonArrayWriter) -> Body {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(1);
    tokio::spawn(send_chunks(sender, first, array).in_current_span());
    Body::from_stream(stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    }))
}

async fn send_chunks(sender: mpsc::Sender<io::Result<Bytes>>, first: Vec<u8>, mut array: JsonArrayWriter) {
    let mut chunk = first;
    loop {
        // Both failures, timeout and closed channel, mean that the client is gone.
        if sender.send_timeout(Ok(chunk.into()), CLIENT_STALL_TIMEOUT).await.is_err() {
            return abort(array, sender, "the client stopped reading").await;
        }
        if array.is_done {
            return;
        }
        chunk = Vec::with_capacity(CHUNK_BYTES * 2);
        if let Err(error) = array.fill(&mut chunk).await {
            let failure = ErrorReport::from_domain(&error);
            if failure.is_our_fault {
                tracing::error!(error = &*failure.text, "list response aborted");
            } else {
                tracing::debug!(error = &*failure.text, "list response aborted");
            }
            return abort(array, sender, "reading failed").await;
        }
    }
}

/// Releases the rows at once, then ends the body with an error, so that it does not look complete.
async fn abort(array: JsonArrayWriter, sender: mpsc::Sender<io::Result<Bytes>>, why: &'static str) {
    drop(array);
    // Fails only when the connection is gone; then nobody needs the error.
    sender.send(Err(io::Error::other(why))).await.unwrap_or(());
}

#[cfg(test)]
#[path = "array_tests.rs"]
mod tests;
