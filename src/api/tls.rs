//! TLS of all listeners, from the one configured certificate, and of local commands that trust exactly that one.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme,
};
use tokio_rustls::server::TlsStream;

use crate::domain::{Error, Result};

/// Configuration keys, for error messages.
const CERT_SETTING: &str = "http.tls_cert";
const KEY_SETTING: &str = "http.tls_key";

/// Accepts TLS connections of MQTT clients.
pub type MqttAcceptor = TlsAcceptor;

/// The server's certificate and key, from which every listener's acceptor is made.
#[derive(Clone)]
pub struct Tls {
    certificates: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
    /// Content of the certificate file.
    pem: String,
}

impl Tls {
    /// Reads the certificate (with its chain) and the key, both PEM.
    ///
    /// # Errors
    /// `Invalid`, naming the configuration key, when a file cannot be read, is not PEM of that kind, or when
    /// certificate and key do not match.
    pub fn load(cert: &Path, key: &Path) -> Result<Tls> {
        let pem = read(CERT_SETTING, cert)?;
        let certificates: std::result::Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let certificates = certificates.unwrap_or_default();
        if certificates.is_empty() {
            return Err(Error::field(
                CERT_SETTING,
                format!("`{}` holds no certificate in PEM", cert.display()),
            ));
        }
        let text = read(KEY_SETTING, key)?;
        let secret = PrivateKeyDer::from_pem_slice(text.as_bytes());
        let secret = secret.map_err(|_| {
            Error::field(KEY_SETTING, format!("`{}` holds no private key in PEM", key.display()))
        })?;
        let tls = Tls { certificates, key: Arc::new(secret), pem };
        tls.config(&[])?;
        Ok(tls)
    }

    /// Returns the content of the certificate file, for local commands.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns an acceptor for HTTP/1.1 and HTTP/2.
    pub fn for_http(&self) -> Result<TlsAcceptor> {
        self.config(&[b"h2", b"http/1.1"])
    }

    /// Returns an acceptor for gRPC.
    pub fn for_grpc(&self) -> Result<TlsAcceptor> {
        self.config(&[b"h2"])
    }

    /// Returns an acceptor for PostgreSQL, whose clients offer no ALPN protocol.
    pub fn for_postgres(&self) -> Result<TlsAcceptor> {
        self.config(&[])
    }

    /// Reads the certificate (with its chain) and the key from their texts in PEM.
    ///
    /// # Errors
    /// `Invalid` when a text is not PEM of that kind, or when certificate and key do not match.
    pub fn from_pem(cert: &str, key: &str) -> Result<Tls> {
        let certificates: std::result::Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(cert.as_bytes()).collect();
        let certificates = certificates.unwrap_or_default();
        let secret = PrivateKeyDer::from_pem_slice(key.as_bytes());
        let secret = secret.map_err(|e| Error::invalid("there is no private key in PEM").with_source(e))?;
        let tls = Tls { certificates, key: Arc::new(secret), pem: cert.to_owned() };
        tls.config(&[])?;
        Ok(tls)
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
        let config = builder.with_single_cert(self.certificates.clone(), self.key.clone_key());
        Ok(TlsAcceptor::from(Arc::new(config.map_err(unusable)?)))
    }

    fn config(&self, protocols: &[&[u8]]) -> Result<TlsAcceptor> {
        let wrong = |e: rustls::Error| {
            let what = match e {
                rustls::Error::InconsistentKeys(_) => {
                    format!("is not the key of the certificate in {CERT_SETTING}")
                }
                ref e => format!("cannot be used with {CERT_SETTING}: {e}"),
            };
            Error::field(KEY_SETTING, what).with_source(e)
        };
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(wrong)?.with_no_client_auth();
        let mut config =
            builder.with_single_cert(self.certificates.clone(), self.key.clone_key()).map_err(wrong)?;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn read(name: &'static str, path: &Path) -> Result<String> {
    let unreadable =
        |e: io::Error| Error::field(name, format!("`{}` cannot be read: {e}", path.display())).with_source(e);
    fs::read_to_string(path).map_err(unreadable)
}

/// Builds a client configuration that trusts only the first certificate of `pem`, for any host name. Local commands use
/// it with the certificate that the server has left in its data directory.
///
/// # Errors
/// `Invalid` when `pem` contains no certificate.
pub fn client_config_trusting(pem: &str) -> Result<ClientConfig> {
    let wrong = || Error::invalid("the running server has published no valid certificate");
    let trusted = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| wrong())?;
    let provider = Arc::new(default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| wrong().with_source(e))?;
    let exactly = Arc::new(PinnedCertVerifier { trusted, provider });
    Ok(builder.dangerous().with_custom_certificate_verifier(exactly).with_no_client_auth())
}

/// Trusts one certificate by its bytes. The handshake signature still proves that the peer owns its key.
#[derive(Debug)]
struct PinnedCertVerifier {
    trusted: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedCertVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if *end_entity == self.trusted {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
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
