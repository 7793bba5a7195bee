//! TLS of the listeners: a certificate with its key, the acceptors that are made of it, and connections with or without it.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, CertificateError, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::auth::certificate::chain_expiry;
use crate::domain::{Error, Micros, Result};

/// Accepts TLS connections of MQTT clients.
pub type MqttAcceptor = TlsAcceptor;

/// A certificate and its key, with an acceptor for each protocol. Clones share them.
#[derive(Clone)]
pub struct Tls(Arc<TlsParts>);

struct TlsParts {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// The certificates as they were read.
    pem: String,
    expires_at: Option<Micros>,
    http: TlsAcceptor,
    grpc: TlsAcceptor,
    postgres: TlsAcceptor,
}

/// Why texts are no certificate with its key.
#[derive(Debug)]
pub enum CertificateProblem {
    /// The first text holds no certificate.
    NoCertificate,
    /// The first text holds something that is no certificate, although it is marked as one.
    Damaged(rustls::Error),
    /// The second text holds no private key.
    NoKey,
    /// The key is that of another certificate.
    OtherKey(rustls::Error),
    /// The TLS library refuses them.
    Unusable(rustls::Error),
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertificateProblem::NoCertificate => f.write_str("there is no certificate in PEM"),
            CertificateProblem::Damaged(error) => write!(f, "a certificate cannot be read: {error}"),
            CertificateProblem::NoKey => f.write_str("there is no private key in PEM"),
            CertificateProblem::OtherKey(_) => f.write_str("the key is not the certificate's"),
            CertificateProblem::Unusable(error) => {
                write!(f, "certificate and key cannot be used together: {error}")
            }
        }
    }
}

impl From<CertificateProblem> for Error {
    fn from(problem: CertificateProblem) -> Error {
        let error = Error::invalid(problem.to_string());
        match problem {
            CertificateProblem::NoCertificate | CertificateProblem::NoKey => error,
            CertificateProblem::Damaged(source)
            | CertificateProblem::OtherKey(source)
            | CertificateProblem::Unusable(source) => error.with_source(source),
        }
    }
}

impl Tls {
    /// Reads the certificate (with its chain) and the key from their texts in PEM.
    ///
    /// # Errors
    /// Says which text is not PEM of that kind, or that certificate and key do not match.
    pub fn from_pem(cert: &str, key: &str) -> std::result::Result<Tls, CertificateProblem> {
        let certificates: std::result::Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(cert.as_bytes()).collect();
        let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
        let certificates = certificates.ok_or(CertificateProblem::NoCertificate)?;
        if let Some(error) = certificates.iter().find_map(damage) {
            return Err(CertificateProblem::Damaged(error));
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| CertificateProblem::NoKey)?;
        let acceptor = |protocols: &[&[u8]]| acceptor(&certificates, &key, protocols);
        let (http, grpc, postgres) = (acceptor(&[b"h2", b"http/1.1"])?, acceptor(&[b"h2"])?, acceptor(&[])?);
        let (pem, expires_at) = (cert.to_owned(), chain_expiry(cert));
        Ok(Tls(Arc::new(TlsParts { certificates, key, pem, expires_at, http, grpc, postgres })))
    }

    /// Returns the certificates in PEM, for local commands.
    pub fn pem(&self) -> &str {
        &self.0.pem
    }

    /// Returns the time from which clients refuse the chain, when the first of its certificates to expire does; `None` when no
    /// certificate says so legibly.
    pub fn expires_at(&self) -> Option<Micros> {
        self.0.expires_at
    }

    /// Returns the acceptor for HTTP/1.1 and HTTP/2.
    pub fn for_http(&self) -> &TlsAcceptor {
        &self.0.http
    }

    /// Returns the acceptor for gRPC.
    pub fn for_grpc(&self) -> &TlsAcceptor {
        &self.0.grpc
    }

    /// Returns the acceptor for PostgreSQL, whose clients offer no ALPN protocol.
    pub fn for_postgres(&self) -> &TlsAcceptor {
        &self.0.postgres
    }

    /// Returns an acceptor for MQTT. A client may show a certificate; it must be issued by one of the authorities whose
    /// certificates these are, in PEM.
    ///
    /// # Errors
    /// `Invalid` when the certificate of an authority cannot be used.
    pub fn for_mqtt(&self, authorities_pem: &str) -> Result<TlsAcceptor> {
        let damaged = || Error::invalid("the certificate of an authority cannot be used");
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(authorities_pem.as_bytes()) {
            let authority = authority.map_err(|e| damaged().with_source(e))?;
            roots.add(authority).map_err(|e| damaged().with_source(e))?;
        }
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier = verifier.allow_unauthenticated().build().map_err(|e| damaged().with_source(e))?;
        let unusable = |e: rustls::Error| damaged().with_source(e);
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let builder = builder.with_client_cert_verifier(verifier);
        let config = builder.with_single_cert(self.0.certificates.clone(), self.0.key.clone_key());
        Ok(TlsAcceptor::from(Arc::new(config.map_err(unusable)?)))
    }
}

/// Returns why bytes are no certificate. One that is whole, but of a kind that our library does not verify, is the clients'
/// business: an authority of version 1, for example.
fn damage(certificate: &CertificateDer<'_>) -> Option<rustls::Error> {
    let error = ParsedCertificate::try_from(certificate).err()?;
    matches!(error, rustls::Error::InvalidCertificate(CertificateError::BadEncoding)).then_some(error)
}

/// Makes an acceptor that offers these protocols in ALPN. Each has sessions of its own to resume, so that a client cannot
/// resume one of an earlier certificate.
fn acceptor(
    certificates: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
    protocols: &[&[u8]],
) -> std::result::Result<TlsAcceptor, CertificateProblem> {
    let problem = |e: rustls::Error| match e {
        rustls::Error::InconsistentKeys(_) => CertificateProblem::OtherKey(e),
        // To compare the keys, the library reads the certificate.
        rustls::Error::InvalidCertificate(_) => CertificateProblem::Damaged(e),
        e => CertificateProblem::Unusable(e),
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(problem)?.with_no_client_auth();
    let mut config = builder.with_single_cert(certificates.to_vec(), key.clone_key()).map_err(problem)?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Whether a PostgreSQL or Flight listener accepts API keys from a client: over TLS, from this machine, or if the
/// configuration allows plaintext.
pub fn accepts_keys(peer: IpAddr, is_secure: bool, allow_plaintext: bool) -> bool {
    is_secure || allow_plaintext || peer.to_canonical().is_loopback()
}

/// A connection, with or without TLS.
pub enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    /// Whether the connection is encrypted; [`accepts_keys`] asks for it.
    pub fn is_secure(&self) -> bool {
        matches!(self, Transport::Tls(_))
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Transport::Tls(socket) => Pin::new(socket).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Transport::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Transport::Tls(socket) => Pin::new(socket).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Transport::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
            Transport::Tls(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Transport::Plain(socket) => socket.is_write_vectored(),
            Transport::Tls(socket) => socket.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Transport::Tls(socket) => Pin::new(socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Transport::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Transport::Tls(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_in_tls_or_from_this_machine() {
        let rows = [
            ("this_machine", "127.0.0.1", false, false, true),
            ("its_other_loopback", "127.9.9.9", false, false, true),
            ("of_version_6", "::1", false, false, true),
            ("of_version_4_in_6", "::ffff:127.0.0.1", false, false, true),
            ("another_machine", "192.168.0.10", false, false, false),
            ("of_version_4_in_6_too", "::ffff:192.168.0.10", false, false, false),
            ("another_machine_in_tls", "192.168.0.10", true, false, true),
            ("another_machine_that_may", "192.168.0.10", false, true, true),
        ];
        for (name, peer, is_secure, allow_plaintext, expected) in rows {
            assert_eq!(
                accepts_keys(peer.parse().expect(name), is_secure, allow_plaintext),
                expected,
                "{name}"
            );
        }
    }
}
