//! Connections that are ready to be spoken on: accepted, within the listener's limit, and through their TLS handshake
//! where there is TLS.
//!
//! A client that is slow in its handshake delays nobody else, and goes when its time is over.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use super::connection_limit::{ConnectionLimit, ConnectionPermit};
use super::tls::Transport;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Between attempts when the process has no file descriptor left.
const EXHAUSTED: Duration = Duration::from_secs(1);
/// Refused connections that are told so at a time; past them others are closed without a word.
const MAX_REFUSALS: usize = 32;
/// How long a refused connection is read from, so that what it sent does not take back what it is told.
const LINGER: Duration = Duration::from_secs(1);

/// What becomes of a connection past the limit.
#[derive(Debug, Clone, Copy)]
pub enum Full {
    /// It is told the refusal in HTTP, unless it speaks TLS, and closed.
    Refuse,
    /// It waits until another has ended, and those behind it in the system's queue.
    Wait,
}

/// A connection that may be spoken on.
pub type Connected = (Transport, SocketAddr, ConnectionPermit);

/// The connections of a listener, as they come.
pub struct Incoming {
    ready: mpsc::UnboundedReceiver<Connected>,
    _accepting: AbortOnDropHandle<()>,
}

impl Incoming {
    /// Begins to accept, until it is dropped.
    pub fn new(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        limit: Arc<ConnectionLimit>,
        full: Full,
    ) -> Incoming {
        // As many as the limit lets in: each that waits here has its permit.
        let (ready_sender, ready) = mpsc::unbounded_channel();
        let acceptor =
            Acceptor { listener, tls, limit, full, refusals: Arc::new(Semaphore::new(MAX_REFUSALS)) };
        let accepting = AbortOnDropHandle::new(tokio::spawn(acceptor.accept_all(ready_sender)));
        Incoming { ready, _accepting: accepting }
    }

    /// The next one; waits for ever when the listener is gone.
    pub async fn next(&mut self) -> Connected {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }
}

struct Acceptor {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    limit: Arc<ConnectionLimit>,
    full: Full,
    refusals: Arc<Semaphore>,
}

impl Acceptor {
    async fn accept_all(self, ready: mpsc::UnboundedSender<Connected>) {
        loop {
            self.limit.room().await;
            let (socket, address) = accept(&self.listener).await;
            let Some(permit) = self.admit(address).await else {
                self.refuse(socket);
                continue;
            };
            let Some(tls) = &self.tls else {
                // Nobody receives any more when the listener ends.
                drop(ready.send((Transport::Plain(socket), address, permit)));
                continue;
            };
            let (handshake, ready) = (tls.accept(socket), ready.clone());
            tokio::spawn(async move {
                let done = tokio::select! {
                    biased;
                    () = permit.state().closing() => return,
                    done = tokio::time::timeout(HANDSHAKE, handshake) => done,
                };
                // Who does not finish has nothing to be told.
                if let Ok(Ok(stream)) = done {
                    drop(ready.send((Transport::Tls(Box::new(stream)), address, permit)));
                }
            });
        }
    }

    async fn admit(&self, address: SocketAddr) -> Option<ConnectionPermit> {
        loop {
            let permit = self.limit.enter(address.ip());
            match self.full {
                Full::Wait if permit.is_none() => self.limit.freed().await,
                Full::Wait | Full::Refuse => return permit,
            }
        }
    }

    fn refuse(&self, socket: TcpStream) {
        if self.tls.is_some() {
            return;
        }
        let body = format!("{{\"detail\":\"{}\"}}", self.limit.refusal());
        let answer = format!(
            "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             retry-after: 1\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        spawn_refusal(&self.refusals, refuse(socket, answer));
    }
}

/// Tells somebody that there is no place, unless too many are being told.
pub fn spawn_refusal(refusals: &Arc<Semaphore>, telling: impl Future<Output = ()> + Send + 'static) {
    if let Ok(place) = refusals.clone().try_acquire_owned() {
        tokio::spawn(async move {
            telling.await;
            drop(place);
        });
    }
}

async fn refuse(mut socket: TcpStream, answer: String) {
    let tell = async {
        socket.write_all(answer.as_bytes()).await?;
        socket.shutdown().await?;
        let mut unread = [0; 1024];
        while socket.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    // Whoever does not read it is gone, or is closed now.
    tokio::time::timeout(LINGER, tell).await.unwrap_or(Ok(())).unwrap_or(());
}

/// The next connection. What fails is one of them, or the process is out of file descriptors: both pass.
pub async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((socket, address)) => {
                // Small answers must not wait for Nagle's timer; a socket that refuses is merely slower.
                socket.set_nodelay(true).unwrap_or(());
                return (socket, address);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "connections cannot be accepted");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
