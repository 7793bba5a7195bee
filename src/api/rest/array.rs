//! A JSON array of any length in constant memory.
//!
//! What fits in one buffer is answered whole, so its errors still become proper answers. Longer arrays are sent in
//! chunks; when reading fails midway the body is aborted, so that a short array never looks complete.

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

use crate::api::error::Failure;
use crate::domain::Result;

/// Chunks gather at least this many bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// A client that takes no chunk for this long is given up, and what feeds the array is released.
const STALL: Duration = Duration::from_secs(30);

/// Rows already written as JSON, with commas between them; an empty piece has no row.
pub type Pieces = BoxStream<'static, Result<Vec<u8>>>;

/// Rows that are in memory already, each written as JSON only when the one before has been taken.
pub fn of_rows<R, V>(rows: Vec<R>, view: impl Fn(&R) -> V + Send + 'static) -> Pieces
where
    R: Send + 'static,
    V: Serialize,
{
    let written =
        move |row: R| Ok(serde_json::to_vec(&view(&row)).expect("texts, numbers and JSON always serialise"));
    stream::iter(rows).map(written).boxed()
}

/// An array being put together.
struct Array {
    pieces: Pieces,
    has_rows: bool,
    is_done: bool,
}

/// Answers with the array of all rows.
pub async fn respond(pieces: Pieces) -> Result<Response> {
    let mut array = Array { pieces, has_rows: false, is_done: false };
    let mut first = vec![b'['];
    array.fill(&mut first).await?;
    let body = if array.is_done { Body::from(first) } else { stream_rest(first, array) };
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

impl Array {
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

/// Reads on in a task of its own: a body that nobody polls could not notice that nobody polls it.
fn stream_rest(first: Vec<u8>, array: Array) -> Body {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(1);
    tokio::spawn(feed(sender, first, array).in_current_span());
    Body::from_stream(stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    }))
}

async fn feed(sender: mpsc::Sender<io::Result<Bytes>>, first: Vec<u8>, mut array: Array) {
    let mut chunk = first;
    loop {
        // Either way of failing means the client is not there any more.
        if sender.send_timeout(Ok(chunk.into()), STALL).await.is_err() {
            return abort(array, sender, "the client stopped reading").await;
        }
        if array.is_done {
            return;
        }
        chunk = Vec::with_capacity(CHUNK_BYTES * 2);
        if let Err(error) = array.fill(&mut chunk).await {
            let failure = Failure::of(&error);
            if failure.is_our_fault {
                tracing::error!(error = &*failure.text, "a list was cut short");
            } else {
                tracing::debug!(error = &*failure.text, "a list was cut short");
            }
            return abort(array, sender, "reading failed").await;
        }
    }
}

/// Releases the rows at once, then sees to it that the body ends in an error rather than in silence.
async fn abort(array: Array, sender: mpsc::Sender<io::Result<Bytes>>, why: &'static str) {
    drop(array);
    // Fails only when the connection is gone, and then there is nobody to tell.
    sender.send(Err(io::Error::other(why))).await.unwrap_or(());
}

#[cfg(test)]
#[path = "array_tests.rs"]
mod tests;
