//! Connection of a gRPC client: its socket with timeouts, its address, and its slot of the connection limit.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::{Stream, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

use super::connection_limit::{ConnectionLimit, ConnectionPermit, ConnectionState};
use super::incoming::{AcceptedConnections, OverflowPolicy};
use super::listener_tls::ListenerTls;
use super::tls::Transport;

/// A client silent for the interval gets a ping, and is disconnected when it does not answer within the timeout.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// Maximum time in which a client answers a ping.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Timeouts of a connection.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionTimeouts {
    /// Maximum time without a byte from the client; a live one answers pings.
    pub silent: Duration,
    /// Maximum time without the client taking a byte.
    pub stalled: Duration,
}

impl Default for ConnectionTimeouts {
    fn default() -> Self {
        Self { silent: Duration::from_secs(75), stalled: Duration::from_secs(30) }
    }
}

/// The client of a connection, attached to each of its calls.
#[derive(Debug, Clone)]
pub struct GrpcPeer {
    pub address: IpAddr,
    pub is_secure: bool,
    /// Connection state, to be marked when the client has authenticated.
    pub connection: Arc<ConnectionState>,
}

/// A connection; its permit is released on drop.
pub struct GrpcConnection<S = Transport> {
    io: S,
    peer: GrpcPeer,
    patience: ConnectionTimeouts,
    /// Deadline for the next byte from the client.
    silent: Pin<Box<Sleep>>,
    /// Deadline of a pending write.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Resolves when the connection is evicted.
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
    _permit: ConnectionPermit,
}

impl GrpcConnection {
    /// Wraps an accepted connection.
    pub fn new(
        io: Transport,
        address: SocketAddr,
        permit: ConnectionPermit,
        patience: ConnectionTimeouts,
    ) -> Self {
        let address = address.ip().to_canonical();
        let peer = GrpcPeer { address, is_secure: io.is_secure(), connection: permit.state().clone() };
        Self::with_peer(io, peer, permit, patience)
    }
}

/// Accepts connections within the limit; those past it wait. Never ends.
pub fn accept(
    listener: TcpListener,
    tls: Option<ListenerTls>,
    limit: Arc<ConnectionLimit>,
) -> impl Stream<Item = io::Result<GrpcConnection>> {
    let incoming = AcceptedConnections::new(listener, tls, limit, OverflowPolicy::Wait);
    stream::unfold(incoming, |mut incoming| async move {
        let (transport, address, permit) = incoming.next().await;
        let connection = GrpcConnection::new(transport, address, permit, ConnectionTimeouts::default());
        Some((Ok(connection), incoming))
    })
}

impl<S> GrpcConnection<S> {
    fn with_peer(io: S, peer: GrpcPeer, permit: ConnectionPermit, patience: ConnectionTimeouts) -> Self {
        let closing = Box::pin(peer.connection.closing());
        let silent = Box::pin(tokio::time::sleep(patience.silent));
        Self { io, peer, patience, silent, stalled: None, closing, _permit: permit }
    }

    /// Returns the result, or an error if a write has been pending for too long.
    fn or_write_timeout<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let deadline = Instant::now() + self.patience.stalled;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S> Connected for GrpcConnection<S> {
    type ConnectInfo = GrpcPeer;

    fn connect_info(&self) -> GrpcPeer {
        self.peer.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GrpcConnection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Without this check a client that never stops sending would never be evicted.
        if self.peer.connection.is_closing() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let deadline = Instant::now() + self.patience.silent;
        if let Poll::Ready(read) = Pin::new(&mut self.io).poll_read(cx, buf) {
            self.silent.as_mut().reset(deadline);
            return Poll::Ready(read);
        }
        if self.closing.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        ready!(self.silent.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GrpcConnection<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.or_write_timeout(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.or_write_timeout(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.or_write_timeout(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.io).poll_shutdown(cx);
        self.or_write_timeout(cx, closed)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::*;
    use crate::api::connection_limit::ConnectionLimit;

    /// Bytes that are under way between both ends at most.
    const SOCKET_BUFFER_BYTES: usize = 64 << 10;

    /// Both ends of a connection in memory, the server side with the given timeouts.
    fn pair(patience: ConnectionTimeouts) -> (GrpcConnection<DuplexStream>, DuplexStream) {
        let (socket, other) = tokio::io::duplex(SOCKET_BUFFER_BYTES);
        let address = IpAddr::from([10, 0, 0, 1]);
        let permit = ConnectionLimit::new("flight.connections", 1).try_acquire(address).unwrap();
        let peer = GrpcPeer { address, is_secure: false, connection: permit.state().clone() };
        (GrpcConnection::with_peer(socket, peer, permit, patience), other)
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_or_takes_nothing_is_let_go() {
        let (short, long) = (Duration::from_millis(200), Duration::from_secs(600));
        let (mut silent, other) = pair(ConnectionTimeouts { silent: short, stalled: long });
        let started = Instant::now();
        let read = silent.read_u8().await.unwrap_err();
        assert_eq!((read.kind(), started.elapsed()), (io::ErrorKind::TimedOut, short));
        drop(other);

        let (mut stalled, other) = pair(ConnectionTimeouts { silent: long, stalled: short });
        let block = vec![0; 1 << 20];
        let written = loop {
            if let Err(error) = stalled.write_all(&block).await {
                break error;
            }
        };
        assert_eq!(written.kind(), io::ErrorKind::TimedOut);
        drop(other);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_on_stays() {
        let short = Duration::from_millis(400);
        let (mut connection, mut other) = pair(ConnectionTimeouts { silent: short, stalled: short });
        for _ in 0..6 {
            tokio::time::sleep(short / 4).await;
            other.write_all(b"x").await.unwrap();
            assert_eq!(connection.read_u8().await.unwrap(), b'x');
        }
    }
}
