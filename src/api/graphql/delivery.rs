//! Answers as bytes on their way: in pieces, each counted while it is written and given back once it is sent. A client
//! that takes nothing for long, or too little over all, gets no more, and what was held for it is free.

use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::memory::Held;
use crate::domain::{Error, Result};

/// What is written, sent and given back at once.
const PIECE_BYTES: usize = 64 << 10;
/// What is counted at once while it is written.
const COUNTED_BYTES: usize = 4 << 10;
/// How slow a client may be.
const PATIENCE: Patience = Patience { stalled: Duration::from_secs(30), least_rate: 128 << 10 };

/// How slow a client may be, before what is held for it is given up.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// How long it may take nothing; below what serve.rs lets pass.
    stalled: Duration,
    /// Bytes that it takes of a long answer in a second, at least.
    least_rate: u64,
}

/// JSON in pieces, counted.
#[derive(Default)]
pub struct Text {
    pieces: Vec<Bytes>,
    bytes: usize,
}

impl Text {
    /// # Errors
    /// `TooLarge` or `Busy` when the request may hold no more.
    pub fn of(held: &Held, value: &impl Serialize) -> Result<Text> {
        let mut writer = Writer { held, text: Text::default(), open: Vec::new(), counted: 0, refused: None };
        let written = serde_json::to_writer(&mut writer, value);
        if let Some(error) = writer.refused {
            return Err(error);
        }
        written.map_err(|e| Error::internal("an answer is not JSON").because(e))?;
        writer.close();
        Ok(writer.text)
    }

    /// What is short, such as a refusal, and is not counted.
    pub fn short(value: &impl Serialize) -> Text {
        let bytes = serde_json::to_vec(value).expect("answers have only what JSON has");
        Text { bytes: bytes.len(), pieces: vec![bytes.into()] }
    }

    /// Its length, bytes.
    pub fn size(&self) -> usize {
        self.bytes
    }

    /// Adds what is short.
    pub fn add(&mut self, text: &'static str) {
        self.bytes += text.len();
        self.pieces.push(Bytes::from_static(text.as_bytes()));
    }

    /// Adds another behind this.
    pub fn append(&mut self, other: Text) {
        self.bytes += other.bytes;
        self.pieces.extend(other.pieces);
    }

    /// All of it in one.
    pub fn joined(self) -> String {
        let mut bytes = Vec::with_capacity(self.bytes);
        self.pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
        String::from_utf8(bytes).expect("JSON is UTF-8")
    }

    /// The body of a response, which holds what it is counted for until it is sent. A short one is the connection's at once.
    pub fn into_body(self, held: &Held) -> Body {
        if self.bytes <= PIECE_BYTES {
            return Body::from(self.joined());
        }
        let (held, whole) = (held.hand_on(self.bytes), self.bytes);
        let (outlet, receiver) = outlet();
        tokio::spawn(async move {
            // Nobody is there to be told when the client is gone or too slow: the body ends before its length.
            let _ = outlet.send(self, &held).await;
        });
        body(receiver, whole)
    }
}

struct Writer<'a> {
    held: &'a Held,
    text: Text,
    open: Vec<u8>,
    /// What is counted already of what comes next.
    counted: usize,
    refused: Option<Error>,
}

impl Writer<'_> {
    fn close(&mut self) {
        let piece = std::mem::take(&mut self.open);
        if !piece.is_empty() {
            self.text.bytes += piece.len();
            self.text.pieces.push(piece.into());
        }
    }
}

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open.len() + bytes.len() > PIECE_BYTES {
            self.close();
        }
        self.counted = match self.counted.checked_sub(bytes.len()) {
            Some(left) => left,
            None => {
                if let Err(error) = self.held.grow(COUNTED_BYTES.max(bytes.len())) {
                    self.refused = Some(error);
                    return Err(io::ErrorKind::OutOfMemory.into());
                }
                COUNTED_BYTES.saturating_sub(bytes.len())
            }
        };
        // One piece may be longer: a single text of a value.
        self.open.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The reader is gone, or too slow.
#[derive(Debug)]
pub struct Gone;

/// Where pieces go in.
pub struct Outlet {
    sender: mpsc::Sender<Bytes>,
    patience: Patience,
}

/// A body that is sent piece by piece.
pub fn outlet() -> (Outlet, mpsc::Receiver<Bytes>) {
    let (sender, receiver) = mpsc::channel(1);
    (Outlet { sender, patience: PATIENCE }, receiver)
}

/// What comes out of an outlet, as a body. One that ends before so many bytes is an error: the connection is cut then, and
/// a short answer never looks whole.
pub fn body(receiver: mpsc::Receiver<Bytes>, whole: usize) -> Body {
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

impl Outlet {
    /// Sends a text, and gives back of `held` what has been taken.
    ///
    /// # Errors
    /// `Gone` when the reader has left, or takes too little.
    pub async fn send(&self, text: Text, held: &Held) -> Result<(), Gone> {
        let Patience { stalled, least_rate } = self.patience;
        let whole = stalled + Duration::from_millis(text.bytes as u64 * 1000 / least_rate);
        let end = Instant::now() + whole;
        let mut left = text.bytes;
        for piece in text.pieces {
            left -= piece.len();
            let within = end.min(Instant::now() + stalled);
            let sent = timeout_at(within, self.sender.send(piece)).await;
            if !matches!(sent, Ok(Ok(()))) {
                return Err(Gone);
            }
            held.keep(left);
        }
        Ok(())
    }

    /// Resolves when the reader has left.
    pub async fn left(&self) {
        self.sender.closed().await;
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
