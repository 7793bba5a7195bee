//! Serving the router on a socket, and letting go of connections that make no progress.
//!
//! Routes, bodies and answers are the router's; a connection here is only bytes and time.

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
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::connection_limit::{ConnectionLimit, ConnectionPermit, ConnectionState};
use super::incoming::{Connected, Full, Incoming};
use super::origin::Peer;
use super::tls::Transport;

/// How long a connection may go without finishing a request head or moving a byte of an answer. Covers idle
/// keep-alive, heads sent drop by drop, and clients that stop reading.
const IDLE: Duration = Duration::from_secs(75);
/// Most bytes of a connection that wait to be understood or sent: the longest head of a request, above all. Times the
/// number of connections it is what strangers can make us hold.
const MAX_BUFFER_BYTES: usize = 64 * 1024;

/// Serves until `shutdown` resolves, then lets running requests finish. In TLS when there is any.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    routes: Router,
    connections: usize,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let limit = ConnectionLimit::new("http.connections", connections);
    let incoming = Incoming::new(listener, tls, limit, Full::Refuse);
    serve_patiently(incoming, IDLE, routes, shutdown).await;
}

async fn serve_patiently(
    mut incoming: Incoming,
    idle: Duration,
    routes: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let routes = routes.layer(middleware::from_fn(mark_busy));
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let mut shutdown = pin!(shutdown);
    loop {
        let connected = tokio::select! {
            biased;
            () = &mut shutdown => break,
            connected = incoming.next() => connected,
        };
        tasks.spawn(converse(connected, idle, routes.clone(), stop.clone()));
    }
    drop(incoming);
    stop.cancel();
    tasks.close();
    tasks.wait().await;
}

/// One connection until it ends; once `stop` is cancelled, until what runs on it has ended.
async fn converse(
    (transport, peer, permit): Connected,
    idle: Duration,
    routes: Router,
    stop: CancellationToken,
) {
    let link = Link { connection: permit.state().clone(), peer };
    let service = routes.map_request(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(link.clone());
        request
    });
    let io = TokioIo::new(PatientStream::new(transport, permit, idle));
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
        tracing::trace!(error, "a connection has failed");
    }
}

/// What a request is told of its connection.
#[derive(Debug, Clone)]
struct Link {
    connection: Arc<ConnectionState>,
    peer: SocketAddr,
}

/// Counts a request as running for as long as it is held, also when it is dropped unanswered.
struct Running(Arc<ConnectionState>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.end_request();
    }
}

async fn mark_busy(Extension(link): Extension<Link>, mut request: Request, next: Next) -> Response {
    let Link { connection, peer } = link;
    request.extensions_mut().insert(Peer(peer.ip().to_canonical()));
    // Whoever learns who asks says so here.
    request.extensions_mut().insert(connection.clone());
    connection.begin_request();
    let _running = Running(connection);
    next.run(request).await
}

/// A socket whose reads and writes fail once its connection has been idle too long, or has to make room for another.
struct PatientStream {
    socket: Transport,
    permit: ConnectionPermit,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl PatientStream {
    fn new(socket: Transport, permit: ConnectionPermit, idle: Duration) -> Self {
        let closing = Box::pin(permit.state().closing());
        Self { socket, permit, idle, timer: Box::pin(tokio::time::sleep(idle)), closing }
    }

    /// Resolves once the connection has to end.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
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

    /// The same result, unless it is to wait and the connection has to end.
    fn patiently<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            return done;
        }
        Poll::Ready(Err(ready!(self.poll_over(cx))))
    }

    fn progressed(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(_))) {
            self.permit.state().set_moved();
        }
        self.patiently(cx, written)
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Whoever never stops sending would else stay.
        if self.permit.state().is_closing() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        self.patiently(cx, read)
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.progressed(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.progressed(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(cx);
        self.patiently(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.patiently(cx, closed)
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
