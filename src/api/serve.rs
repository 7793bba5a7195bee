//! Serving the router on a socket, and letting go of connections that make no progress.
//!
//! Routes, bodies and answers are the router's; a connection here is only bytes and time.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;

use super::incoming::Incoming;
use super::origin::Peer;
use super::tls::Transport;

/// How long a connection may go without finishing a request head or moving a byte of an answer. Covers idle
/// keep-alive, heads sent drop by drop, and clients that stop reading.
const IDLE: Duration = Duration::from_secs(75);

/// Serves until `shutdown` resolves, then lets running requests finish. In TLS when there is any.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    routes: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let incoming = Incoming::new(listener, tls)?;
    serve_patiently(PatientListener { incoming, idle: IDLE }, routes, shutdown).await
}

async fn serve_patiently(
    listener: PatientListener,
    routes: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let watched = routes.layer(middleware::from_fn(mark_busy)).into_make_service_with_connect_info::<Link>();
    axum::serve(listener, watched).with_graceful_shutdown(shutdown).await
}

/// What a request is told of its connection.
#[derive(Debug, Clone)]
struct Link {
    pulse: Pulse,
    peer: SocketAddr,
}

/// What a connection and the requests on it know of each other.
#[derive(Debug, Clone)]
struct Pulse(Arc<PulseState>);

#[derive(Debug)]
struct PulseState {
    idle: Duration,
    /// Requests whose answer has not begun.
    running: AtomicUsize,
    /// The last time an answer began or a byte of one was taken.
    moved: Mutex<Instant>,
}

impl Pulse {
    fn new(idle: Duration) -> Self {
        Self(Arc::new(PulseState { idle, running: AtomicUsize::new(0), moved: Mutex::new(Instant::now()) }))
    }

    fn beat(&self) {
        *self.0.moved.lock() = Instant::now();
    }

    /// When to look again; in the past once the connection has been idle too long.
    fn deadline(&self) -> Instant {
        let since =
            if self.0.running.load(Ordering::Acquire) > 0 { Instant::now() } else { *self.0.moved.lock() };
        since + self.0.idle
    }
}

/// Counts a request as running for as long as it is held, also when it is dropped unanswered.
struct Running(Pulse);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.beat();
        self.0.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

async fn mark_busy(ConnectInfo(link): ConnectInfo<Link>, mut request: Request, next: Next) -> Response {
    let Link { pulse, peer } = link;
    request.extensions_mut().insert(Peer(peer.ip().to_canonical()));
    pulse.0.running.fetch_add(1, Ordering::AcqRel);
    let _running = Running(pulse);
    next.run(request).await
}

struct PatientListener {
    incoming: Incoming,
    idle: Duration,
}

impl Listener for PatientListener {
    type Io = PatientStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (transport, address) = self.incoming.next().await;
        (PatientStream::new(transport, self.idle), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.incoming.local_addr())
    }
}

impl Connected<IncomingStream<'_, PatientListener>> for Link {
    fn connect_info(stream: IncomingStream<'_, PatientListener>) -> Self {
        Link { pulse: stream.io().pulse.clone(), peer: *stream.remote_addr() }
    }
}

/// A socket whose reads fail once its connection has been idle too long. hyper always has a read pending, so
/// that is where the timer lives.
struct PatientStream {
    socket: Transport,
    pulse: Pulse,
    timer: Pin<Box<Sleep>>,
}

impl PatientStream {
    fn new(socket: Transport, idle: Duration) -> Self {
        Self { socket, pulse: Pulse::new(idle), timer: Box::pin(tokio::time::sleep(idle)) }
    }

    fn progressed(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let count = ready!(written)?;
        self.pulse.beat();
        Poll::Ready(Ok(count))
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(read) = Pin::new(&mut self.socket).poll_read(cx, buf) {
            return Poll::Ready(read);
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let deadline = self.pulse.deadline();
            if deadline <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.timer.as_mut().reset(deadline);
        }
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.progressed(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.progressed(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
