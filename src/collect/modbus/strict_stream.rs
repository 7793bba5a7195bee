//! TCP stream under a Modbus session that reports a closed connection as an error with a reason, and notices
//! unsolicited bytes before the next request, so that they are not taken for its answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// tokio-modbus turns the end of the stream into the operating system's last error, and before a request clears only
/// its own buffer, not the bytes in the socket. Over RTU framing, which has no transaction id, such left-over bytes
/// would pass as the next value.
#[derive(Debug)]
pub struct StrictStream {
    stream: TcpStream,
    has_sent: Arc<AtomicBool>,
}

impl StrictStream {
    /// Sets `has_sent` as soon as any byte may have left; the caller, who shares the flag, clears it.
    pub fn new(stream: TcpStream, has_sent: Arc<AtomicBool>) -> StrictStream {
        StrictStream { stream, has_sent }
    }
}

impl AsyncRead for StrictStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let is_end = buf.filled().len() == before && buf.remaining() > 0;
        Poll::Ready(if is_end { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) })
    }
}

impl AsyncWrite for StrictStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut stale = [0; 1];
        let mut stale = ReadBuf::new(&mut stale);
        if let Poll::Ready(read) = self.as_mut().poll_read(cx, &mut stale) {
            read?;
            let message = "bytes arrived that answer no request";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, message)));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.has_sent.store(true, Ordering::Relaxed);
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
