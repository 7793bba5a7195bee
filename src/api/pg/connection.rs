//! Buffered socket of one client: bytes received and not yet parsed, messages queued and not yet sent.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use pgwire::messages::PgWireBackendMessage;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::api::tls::Transport;

/// A client that takes no byte for this long is disconnected.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a closed connection is still read.
const CLOSE_LINGER: Duration = Duration::from_secs(2);
/// Queued bytes from which on the queue should be flushed.
const FLUSH_THRESHOLD_BYTES: usize = 64 * 1024;
/// Maximum bytes read from a client while its statement runs; TCP holds back the rest.
const MAX_READ_AHEAD_BYTES: usize = 64 * 1024;

/// A connection that sends and receives protocol messages.
pub struct PgConnection {
    pub io: Transport,
    pub inbox: BytesMut,
    outbox: BytesMut,
}

impl PgConnection {
    pub fn new(io: Transport) -> Self {
        Self { io, inbox: BytesMut::new(), outbox: BytesMut::new() }
    }

    /// Reads more bytes; false when the client has closed. Cancel-safe.
    pub async fn read_more(&mut self) -> io::Result<bool> {
        Ok(self.io.read_buf(&mut self.inbox).await? > 0)
    }

    /// Releases the buffer of a long message; bytes of the next one stay.
    pub fn shrink(&mut self) {
        self.inbox = BytesMut::from(&self.inbox[..]);
    }

    /// Resolves when the client disconnects; buffers what it sends meanwhile, within bounds.
    pub async fn wait_for_disconnect(&mut self) {
        while self.inbox.len() < MAX_READ_AHEAD_BYTES {
            if !matches!(self.read_more().await, Ok(true)) {
                return;
            }
        }
        // The buffer is full: a disconnect will show when something is sent.
        std::future::pending().await
    }

    /// Queues a message, which `flush` sends.
    pub fn queue(&mut self, message: &PgWireBackendMessage) -> io::Result<()> {
        message.encode(&mut self.outbox).map_err(io::Error::other)
    }

    /// Whether the queue should be flushed.
    pub fn is_full(&self) -> bool {
        self.outbox.len() >= FLUSH_THRESHOLD_BYTES
    }

    /// Sends the queued messages.
    ///
    /// # Errors
    /// `TimedOut` when the client takes no byte.
    pub async fn flush(&mut self) -> io::Result<()> {
        while !self.outbox.is_empty() {
            let sent = tokio::time::timeout(WRITE_TIMEOUT, self.io.write_buf(&mut self.outbox)).await;
            if sent.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        if self.outbox.capacity() > 2 * FLUSH_THRESHOLD_BYTES {
            // A rare long row must not keep its large buffer allocated.
            self.outbox = BytesMut::new();
        }
        tokio::time::timeout(WRITE_TIMEOUT, self.io.flush()).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    /// Sends the queued messages and closes. What the client still sends is read for a moment: closing a socket with
    /// unread bytes resets it, which would lose the last messages.
    pub async fn close(mut self) -> io::Result<()> {
        self.flush().await?;
        let last = async {
            self.io.shutdown().await?;
            while self.io.read_buf(&mut self.inbox).await? > 0 {
                self.inbox.clear();
            }
            Ok(())
        };
        // A client that keeps sending has received the messages nevertheless.
        tokio::time::timeout(CLOSE_LINGER, last).await.unwrap_or(Ok(()))
    }
}
