//! Accepts connections within the listener's limit and completes their TLS handshake, if there is TLS.
//!
//! Handshakes run concurrently and time out, so a slow client delays nobody else.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, Uri, header};
use axum::response::Response;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::connection_limit::{ConnectionLimit, ConnectionPermit};
use super::error_form::ErrorForms;
use super::listener_tls::ListenerTls;
use super::tls::Transport;
use crate::domain::Error;

/// Maximum duration of a handshake.
const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Delay before the next attempt when the process has no file descriptor left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_secs(1);
/// Maximum number of refusals sent at a time; further connections are closed without a response.
const MAX_REFUSALS: usize = 32;
/// How long the first line of a refused request is waited for, which tells the path and so the form of the refusal.
const FIRST_LINE_TIMEOUT: Duration = Duration::from_millis(500);
/// Maximum length of that line; a longer one is not read.
const MAX_FIRST_LINE_BYTES: usize = 4096;
/// How long a refused connection is still read: closing with unread bytes would reset it and lose the response.
const REFUSAL_LINGER: Duration = Duration::from_secs(1);

/// Treatment of a connection past the limit.
#[derive(Debug, Clone, Copy)]
pub enum OverflowPolicy {
    /// It gets an HTTP 503 in the form of its path, unless the listener has TLS, and is closed.
    Refuse(ErrorForms),
    /// It waits until another has ended; later ones wait in the system's queue.
    Wait,
}

/// An admitted connection, ready for its protocol.
pub type AcceptedConnection = (Transport, SocketAddr, ConnectionPermit);

/// Stream of the admitted connections of a listener.
pub struct AcceptedConnections {
    ready: mpsc::UnboundedReceiver<AcceptedConnection>,
    _accepting: AbortOnDropHandle<()>,
}

impl AcceptedConnections {
    /// Starts accepting; stops when dropped.
    pub fn new(
        listener: TcpListener,
        tls: Option<ListenerTls>,
        limit: Arc<ConnectionLimit>,
        full: OverflowPolicy,
    ) -> AcceptedConnections {
        // Bounded by the limit: each connection in the channel has its permit.
        let (ready_sender, ready) = mpsc::unbounded_channel();
        let acceptor = Acceptor {
            listener,
            tls,
            limit,
            overflow: full,
            refusals: Arc::new(Semaphore::new(MAX_REFUSALS)),
        };
        let accepting = AbortOnDropHandle::new(tokio::spawn(acceptor.accept_all(ready_sender)));
        AcceptedConnections { ready, _accepting: accepting }
    }

    /// Returns the next connection; never resolves once the listener is gone.
    pub async fn next(&mut self) -> AcceptedConnection {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }
}

struct Acceptor {
    listener: TcpListener,
    tls: Option<ListenerTls>,
    limit: Arc<ConnectionLimit>,
    overflow: OverflowPolicy,
    refusals: Arc<Semaphore>,
}

impl Acceptor {
    async fn accept_all(self, ready: mpsc::UnboundedSender<AcceptedConnection>) {
        loop {
            self.limit.wait_for_capacity().await;
            let (socket, address) = accept(&self.listener).await;
            let Some(permit) = self.admit(address).await else {
                self.refuse(socket);
                continue;
            };
            let Some(tls) = &self.tls else {
                // Sending fails only when the listener has ended.
                drop(ready.send((Transport::Plain(socket), address, permit)));
                continue;
            };
            let (handshake, ready) = (tls.acceptor().accept(socket), ready.clone());
            tokio::spawn(async move {
                let done = tokio::select! {
                    biased;
                    () = permit.state().closing() => return,
                    done = tokio::time::timeout(TLS_HANDSHAKE_TIMEOUT, handshake) => done,
                };
                // A client that fails the handshake cannot read a response.
                if let Ok(Ok(stream)) = done {
                    drop(ready.send((Transport::Tls(Box::new(stream)), address, permit)));
                }
            });
        }
    }

    async fn admit(&self, address: SocketAddr) -> Option<ConnectionPermit> {
        loop {
            let permit = self.limit.try_acquire(address.ip());
            match self.overflow {
                OverflowPolicy::Wait if permit.is_none() => self.limit.wait_for_release().await,
                OverflowPolicy::Wait | OverflowPolicy::Refuse(_) => return permit,
            }
        }
    }

    fn refuse(&self, socket: TcpStream) {
        let OverflowPolicy::Refuse(forms) = self.overflow else { return };
        if self.tls.is_none() {
            let message = self.limit.refusal_message();
            spawn_refusal(&self.refusals, send_refusal(socket, message, forms));
        }
    }
}

/// Spawns a refusal, unless too many are being sent.
pub fn spawn_refusal(refusals: &Arc<Semaphore>, refusal: impl Future<Output = ()> + Send + 'static) {
    if let Ok(place) = refusals.clone().try_acquire_owned() {
        tokio::spawn(async move {
            refusal.await;
            drop(place);
        });
    }
}

async fn send_refusal(mut socket: TcpStream, message: String, forms: ErrorForms) {
    let path = tokio::time::timeout(FIRST_LINE_TIMEOUT, requested_path(&mut socket)).await;
    // A client that has not named a path gets the form that most paths have.
    let form = forms.of_path(&path.ok().flatten().unwrap_or_default());
    let answer = response_bytes(form.render(Error::busy(message))).await;
    let tell = async {
        socket.write_all(&answer).await?;
        socket.shutdown().await?;
        let mut unread = [0; 1024];
        while socket.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    // A client that does not read it is gone, or is closed now.
    tokio::time::timeout(REFUSAL_LINGER, tell).await.unwrap_or(Ok(())).unwrap_or(());
}

/// Reads the first line of a request and returns the path in it.
async fn requested_path(socket: &mut TcpStream) -> Option<String> {
    let (mut line, mut part) = (Vec::new(), [0; 1024]);
    while !line.contains(&b'\n') && line.len() < MAX_FIRST_LINE_BYTES {
        let read = socket.read(&mut part).await.ok().filter(|read| *read > 0)?;
        line.extend_from_slice(&part[..read]);
    }
    let line = line.split(|byte| *byte == b'\n').next()?;
    let target = std::str::from_utf8(line).ok()?.split(' ').nth(1)?;
    target.parse::<Uri>().ok().map(|uri| uri.path().to_owned())
}

/// Writes a response as HTTP/1.1, after which the connection is closed.
async fn response_bytes(response: Response) -> Vec<u8> {
    let (mut parts, body) = response.into_parts();
    // The body is in memory, so nothing can fail.
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    let mut bytes = format!("HTTP/1.1 {}\r\n", parts.status).into_bytes();
    for (name, value) in &parts.headers {
        for text in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(text);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}

/// Accepts the next connection. Retries on errors: a single failed connection, or no free file descriptors.
pub async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((socket, address)) => {
                // Small answers must not wait for Nagle's timer; a socket that refuses is merely slower.
                socket.set_nodelay(true).unwrap_or(());
                return (socket, address);
            }
            Err(error) if is_connection_error(&error) => {}
            Err(error) => {
                tracing::error!(%error, "connections cannot be accepted");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

fn is_connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
