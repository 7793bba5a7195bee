//! Buffered socket of one client: bytes received and not yet parsed, messages queued and not yet sent.

use std::io;

use bytes::BytesMut;
use pgwire::messages::PgWireBackendMessage;
use tokio::io::AsyncReadExt;

use super::error::PgError;
use super::frame::{self, FrontendMessage};
use super::statement_splitter::LONG_TEXT_BYTES;
use crate::api::send_queue::{self, FLUSH_THRESHOLD_BYTES};
use crate::api::tls::Transport;
use crate::app::bulk_work;

/// Maximum bytes read from a client while its statement runs; TCP holds back the rest.
const MAX_READ_AHEAD_BYTES: usize = 64 * 1024;

/// A connection that sends and receives protocol messages.
pub struct PgConnection {
    pub io: Transport,
    pub inbox: BytesMut,
    outbox: BytesMut,
    received_bytes: u64,
}

impl PgConnection {
    /// Wraps a socket with empty buffers. After a TLS handshake, the encrypted socket is wrapped anew.
    pub fn new(io: Transport) -> Self {
        Self { io, inbox: BytesMut::new(), outbox: BytesMut::new(), received_bytes: 0 }
    }

    /// Reads more bytes; false when the client has closed. Cancel-safe.
    pub async fn read_more(&mut self) -> io::Result<bool> {
        let count = self.io.read_buf(&mut self.inbox).await?;
        self.received_bytes += count as u64;
        Ok(count > 0)
    }

    /// Takes the next message off what was received; `None` while it is incomplete.
    pub async fn take_message(&mut self, max: usize) -> Result<Option<FrontendMessage>, PgError> {
        let Some(message) = frame::take_message(&mut self.inbox, max)? else { return Ok(None) };
        let is_small = message.body_bytes() <= LONG_TEXT_BYTES;
        Ok(Some(bulk_work::run(is_small, move || message.decode()).await??))
    }

    /// Returns the number of bytes that were read from the client, parsed or not.
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes
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
        send_queue::flush(&mut self.io, &mut self.outbox).await
    }

    /// Sends the queued messages and closes.
    pub async fn close(self) -> io::Result<()> {
        send_queue::close(self.io, self.outbox).await
    }
}
