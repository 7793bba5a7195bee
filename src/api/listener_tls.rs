//! TLS of one listener: each handshake uses the newest certificate, so that it can be replaced while connections are open.

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::tls::Tls;

/// Makes the handshakes of a listener with the newest certificate. Connections that are open keep the one they began with.
#[derive(Clone)]
pub struct ListenerTls {
    newest: watch::Receiver<Tls>,
    protocol: fn(&Tls) -> &TlsAcceptor,
}

impl ListenerTls {
    /// Returns TLS for HTTP/1.1 and HTTP/2.
    pub fn for_http(newest: &watch::Receiver<Tls>) -> ListenerTls {
        ListenerTls { newest: newest.clone(), protocol: Tls::for_http }
    }

    /// Returns TLS for gRPC.
    pub fn for_grpc(newest: &watch::Receiver<Tls>) -> ListenerTls {
        ListenerTls { newest: newest.clone(), protocol: Tls::for_grpc }
    }

    /// Returns TLS for PostgreSQL.
    pub fn for_postgres(newest: &watch::Receiver<Tls>) -> ListenerTls {
        ListenerTls { newest: newest.clone(), protocol: Tls::for_postgres }
    }

    /// Returns the acceptor of the newest certificate, for one handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        (self.protocol)(&self.newest.borrow()).clone()
    }
}

#[cfg(test)]
#[path = "listener_tls_tests.rs"]
mod tests;
