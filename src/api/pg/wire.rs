//! The bytes of one connection: what came and is not read yet, what is said and not sent yet.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use pgwire::messages::PgWireBackendMessage;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::api::tls::Transport;

/// A client that takes no byte for so long is gone.
const STALLED: Duration = Duration::from_secs(30);
/// How long a closed connection is read from.
const LINGER: Duration = Duration::from_secs(2);
/// Bytes said before they are sent without being asked to.
const FULL: usize = 64 * 1024;
/// Bytes taken from a client while its statement runs; more wait with it.
const AHEAD: usize = 64 * 1024;

/// A connection through which messages go.
pub struct Wire {
    pub io: Transport,
    pub inbox: BytesMut,
    outbox: BytesMut,
}

impl Wire {
    pub fn new(io: Transport) -> Self {
        Self { io, inbox: BytesMut::new(), outbox: BytesMut::new() }
    }

    /// Reads what comes next; false when the client has closed. May be dropped and called again.
    pub async fn fill(&mut self) -> io::Result<bool> {
        Ok(self.io.read_buf(&mut self.inbox).await? > 0)
    }

    /// Gives back what a long message took; what has come of the next one stays.
    pub fn shrink(&mut self) {
        self.inbox = BytesMut::from(&self.inbox[..]);
    }

    /// Resolves when the client is gone, and takes what it sends meanwhile, within bounds.
    pub async fn gone(&mut self) {
        while self.inbox.len() < AHEAD {
            if !matches!(self.fill().await, Ok(true)) {
                return;
            }
        }
        // Whether it is still there shows when something is sent to it.
        std::future::pending().await
    }

    /// Says something; it is sent by `flush`.
    pub fn say(&mut self, message: &PgWireBackendMessage) -> io::Result<()> {
        message.encode(&mut self.outbox).map_err(io::Error::other)
    }

    /// Whether so much is said that it should be sent.
    pub fn is_full(&self) -> bool {
        self.outbox.len() >= FULL
    }

    /// Sends what is said.
    ///
    /// # Errors
    /// `TimedOut` when the client takes nothing.
    pub async fn flush(&mut self) -> io::Result<()> {
        while !self.outbox.is_empty() {
            let sent = tokio::time::timeout(STALLED, self.io.write_buf(&mut self.outbox)).await;
            if sent.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        if self.outbox.capacity() > 2 * FULL {
            // A rare long row must not keep its buffer for ever.
            self.outbox = BytesMut::new();
        }
        tokio::time::timeout(STALLED, self.io.flush()).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    /// Sends what is said and closes. A socket closed with bytes unread would take back what was said last: so what the
    /// client still sends is read, for a moment.
    pub async fn close(mut self) -> io::Result<()> {
        self.flush().await?;
        let last = async {
            self.io.shutdown().await?;
            while self.io.read_buf(&mut self.inbox).await? > 0 {
                self.inbox.clear();
            }
            Ok(())
        };
        // Who goes on sending has been told all the same.
        tokio::time::timeout(LINGER, last).await.unwrap_or(Ok(()))
    }
}
