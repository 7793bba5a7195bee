//! HTTP server: serves the router on a socket and closes connections that make no progress.
//!
//! Routes, bodies and responses belong to the router; only bytes and timeouts of connections are handled here.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::connection_limit::{ConnectionLimit, ConnectionPermit, ConnectionState};
use super::error_form::ErrorForms;
use super::incoming::{AcceptedConnections, OverflowPolicy};
use super::listener_tls::ListenerTls;
use super::origin::PeerAddress;

/// How long a connection may go without completing a request head or transferring a byte of a response. Covers idle
/// keep-alive, slowly sent heads, and clients that stop reading.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// Maximum bytes buffered per connection, above all for the longest request head. Times the number of connections it is
/// the memory that unauthenticated clients can take.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// The routes of a listener, and the forms of its errors.
#[derive(Clone)]
pub struct HttpApi {
    pub routes: Router,
    pub error_forms: ErrorForms,
}

/// Serves until `shutdown` resolves, then lets running requests finish. Uses TLS when `tls` is given.
pub async fn serve(
    listener: TcpListener,
    tls: Option<ListenerTls>,
    api: HttpApi,
    limit: Arc<ConnectionLimit>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let incoming = AcceptedConnections::new(listener, tls, limit, OverflowPolicy::Refuse(api.error_forms));
    serve_with_idle_timeout(incoming, IDLE_TIMEOUT, api.routes, shutdown).await;
}

async fn serve_with_idle_timeout(
    mut incoming: AcceptedConnections,
    idle: Duration,
    routes: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let routes = routes.layer(middleware::from_fn(track_request));
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let mut shutdown = pin!(shutdown);
    loop {
        let connected = tokio::select! {
            biased;
            () = &mut shutdown => break,
            connected = incoming.next() => connected,
        };
        tasks.spawn(serve_connection(connected, idle, routes.clone(), stop.clone()));
    }
    drop(incoming);
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}

/// Serves one connection until it ends; once `stop` is cancelled, until its running requests have ended.
async fn serve_connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    (transport, peer, permit): (S, SocketAddr, ConnectionPermit),
    idle: Duration,
    routes: Router,
    stop: CancellationToken,
) {
    let link = ConnectionInfo { connection: permit.state().clone(), peer };
    let service = routes.map_request(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(link.clone());
        request
    });
    let io = TokioIo::new(IdleTimeoutStream::new(transport, permit, idle));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(MAX_BUFFER_BYTES);
    builder.http2().enable_connect_protocol();
    let mut conversation =
        pin!(builder.serve_connection_with_upgrades(io, TowerToHyperService::new(service)));
    let ended = tokio::select! {
        ended = conversation.as_mut() => ended,
        () = stop.cancelled() => {
            conversation.as_mut().graceful_shutdown();
            conversation.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(error, "connection failed");
    }
}

/// Connection data passed to each request.
#[derive(Debug, Clone)]
struct ConnectionInfo {
    connection: Arc<ConnectionState>,
    peer: SocketAddr,
}

/// Guard that counts a request as running until it is dropped, with or without a response.
struct ActiveRequest(Arc<ConnectionState>);

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.end_request();
    }
}

async fn track_request(
    Extension(link): Extension<ConnectionInfo>,
    mut request: Request,
    next: Next,
) -> Response {
    let ConnectionInfo { connection, peer } = link;
    request.extensions_mut().insert(PeerAddress(peer.ip().to_canonical()));
    // Authentication marks the connection as authenticated through this state.
    request.extensions_mut().insert(connection.clone());
    connection.begin_request();
    let _running = ActiveRequest(connection);
    next.run(request).await
}

/// A socket whose reads and writes fail once its connection has been idle too long or is evicted.
struct IdleTimeoutStream<S> {
    socket: S,
    permit: ConnectionPermit,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<S> IdleTimeoutStream<S> {
    fn new(socket: S, permit: ConnectionPermit, idle: Duration) -> Self {
        let closing = Box::pin(permit.state().closing());
        Self { socket, permit, idle, timer: Box::pin(tokio::time::sleep(idle)), closing }
    }

    /// Resolves once the connection is evicted or idle too long.
    fn poll_must_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.closing.as_mut().poll(cx).is_ready() {
            return Poll::Ready(io::ErrorKind::ConnectionAborted.into());
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            let deadline = self.permit.state().idle_since().unwrap_or(now) + self.idle;
            if deadline <= now {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.timer.as_mut().reset(deadline);
        }
    }

    /// Returns `done`, or an error if it is pending and the connection must close.
    fn poll_or_close<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            return done;
        }
        Poll::Ready(Err(ready!(self.poll_must_close(cx))))
    }

    fn record_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(_))) {
            self.permit.state().record_activity();
        }
        self.poll_or_close(cx, written)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for IdleTimeoutStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Without this check a client that never stops sending would never be evicted.
        if self.permit.state().is_closing() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        self.poll_or_close(cx, read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for IdleTimeoutStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.record_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.record_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(cx);
        self.poll_or_close(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.poll_or_close(cx, closed)
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
