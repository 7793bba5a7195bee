//! Sending what is queued for a client, and closing its socket so that the last of it arrives.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A client that takes no byte for this long is disconnected.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a closed connection is still read.
const CLOSE_LINGER: Duration = Duration::from_secs(2);
/// Queued bytes from which on a queue should be flushed.
pub const FLUSH_THRESHOLD_BYTES: usize = 64 << 10;

/// Sends the queued bytes.
///
/// # Errors
/// `TimedOut` when the client takes no byte.
pub async fn flush(io: &mut (impl AsyncWrite + Unpin), queue: &mut BytesMut) -> io::Result<()> {
    while !queue.is_empty() {
        let sent = tokio::time::timeout(WRITE_TIMEOUT, io.write_buf(queue)).await;
        if sent.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    if queue.capacity() > 2 * FLUSH_THRESHOLD_BYTES {
        // Something long and rare must not keep its large buffer allocated.
        *queue = BytesMut::new();
    }
    tokio::time::timeout(WRITE_TIMEOUT, io.flush()).await.map_err(|_| io::ErrorKind::TimedOut)?
}

/// Sends the queued bytes and closes. What the client still sends is read for a moment: closing a socket with unread bytes
/// resets it, which would lose the last that was sent.
///
/// # Errors
/// Same as `flush`, and those of the socket.
pub async fn close(mut io: impl AsyncRead + AsyncWrite + Unpin, mut queue: BytesMut) -> io::Result<()> {
    flush(&mut io, &mut queue).await?;
    let last = async {
        io.shutdown().await?;
        while io.read_buf(&mut queue).await? > 0 {
            queue.clear();
        }
        Ok(())
    };
    // A client that keeps sending has received everything nevertheless.
    tokio::time::timeout(CLOSE_LINGER, last).await.unwrap_or(Ok(()))
}
