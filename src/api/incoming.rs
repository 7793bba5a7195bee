//! Connections that are ready to be spoken on: accepted, and through their TLS handshake where there is TLS.
//!
//! A client that is slow in its handshake delays nobody else, and goes when its time is over.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use super::tls::Transport;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections in their handshakes or waiting to be taken, at most; more wait in the system's queue.
const WAITING: usize = 256;
/// Between attempts when the process has no file descriptor left.
const EXHAUSTED: Duration = Duration::from_secs(1);

/// The connections of a listener, as they come.
pub struct Incoming {
    ready: mpsc::Receiver<(Transport, SocketAddr)>,
    address: SocketAddr,
    _accepting: AbortOnDropHandle<()>,
}

impl Incoming {
    /// Begins to accept, until it is dropped.
    pub fn new(listener: TcpListener, tls: Option<TlsAcceptor>) -> io::Result<Incoming> {
        let address = listener.local_addr()?;
        let (sender, ready) = mpsc::channel(WAITING);
        let accepting = AbortOnDropHandle::new(tokio::spawn(accept_all(listener, tls, sender)));
        Ok(Incoming { ready, address, _accepting: accepting })
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The next one; waits for ever when the listener is gone.
    pub async fn next(&mut self) -> (Transport, SocketAddr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }
}

async fn accept_all(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    ready: mpsc::Sender<(Transport, SocketAddr)>,
) {
    loop {
        // A place first: what cannot be taken is not accepted.
        let Ok(place) = ready.clone().reserve_owned().await else { return };
        let (socket, address) = accept(&listener).await;
        match &tls {
            None => drop(place.send((Transport::Plain(socket), address))),
            Some(tls) => {
                let handshake = tls.accept(socket);
                tokio::spawn(async move {
                    // Who does not finish has nothing to be told.
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, handshake).await {
                        place.send((Transport::Tls(Box::new(stream)), address));
                    }
                });
            }
        }
    }
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
