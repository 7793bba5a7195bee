//! TCP stream under a Modbus session that reports a closed connection as an error with a reason, and keeps the bytes of the latest
//! exchange.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes after a request that are kept; a frame has at most 260.
const MAX_RECEIVED: usize = 1024;

/// Bytes of the latest request, and of what has come since.
#[derive(Debug, Default)]
pub struct LatestExchange {
    pub request: Vec<u8>,
    pub received: Vec<u8>,
}

/// tokio-modbus turns the end of the stream into the operating system's last error, and before a request clears only
/// its own buffer, not the bytes in the socket. Over RTU framing, which has no transaction id, such left-over bytes
/// would pass as the next value: the owner looks for them, on the socket that it shares.
#[derive(Debug)]
pub struct StrictStream {
    stream: Arc<TcpStream>,
    has_sent: Arc<AtomicBool>,
    latest: Arc<Mutex<LatestExchange>>,
}

impl StrictStream {
    /// Sets `has_sent` as soon as any byte may have left; the caller, who shares the flag, clears it. Keeps the bytes of the
    /// latest exchange in `latest`.
    pub fn new(
        stream: Arc<TcpStream>,
        has_sent: Arc<AtomicBool>,
        latest: Arc<Mutex<LatestExchange>>,
    ) -> StrictStream {
        StrictStream { stream, has_sent, latest }
    }

    /// Checks that the connection is not found closed.
    fn check_open(&self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut byte = [0; 1];
        match self.stream.poll_peek(cx, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(_)) | Poll::Pending => Ok(()),
        }
    }

    fn record_request(&self, bytes: &[u8]) {
        let mut latest = self.latest.lock();
        // A request may be written in parts. The one before was answered.
        if !latest.received.is_empty() {
            *latest = LatestExchange::default();
        }
        latest.request.extend_from_slice(bytes);
    }

    fn record_received(&self, bytes: &[u8]) {
        let mut latest = self.latest.lock();
        let room = MAX_RECEIVED.saturating_sub(latest.received.len());
        latest.received.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl AsyncRead for StrictStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            let unfilled = buf.initialize_unfilled();
            let is_full = unfilled.is_empty();
            match self.stream.try_read(unfilled) {
                Ok(0) if !is_full => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => {
                    self.record_received(&unfilled[..count]);
                    buf.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for StrictStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check_open(cx)?;
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let written = match self.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                written => written,
            };
            self.has_sent.store(true, Ordering::Relaxed);
            if let Ok(count) = written {
                self.record_request(&bytes[..count]);
            }
            return Poll::Ready(written);
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Does nothing: the connection ends when all who share the socket have dropped it.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
