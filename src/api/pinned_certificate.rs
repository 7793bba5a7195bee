//! TLS of local commands, which trust exactly the certificate that the running server has published.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::domain::{Error, Result};

/// Reads the certificate that the server publishes now, in PEM; `None` when there is none.
pub type PublishedCertificate = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// Builds a client configuration that trusts only the first certificate of `pem`, for any host name. Local commands use
/// it with the certificate that the server has left in its data directory. A server that shows another one may have
/// replaced it since: then the first certificate of what it publishes now is trusted.
///
/// # Errors
/// `Invalid` when `pem` contains no certificate.
pub fn client_config_trusting(pem: &str, published: PublishedCertificate) -> Result<ClientConfig> {
    let wrong = || Error::invalid("the running server has published no valid certificate");
    let trusted = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| wrong())?;
    let provider = Arc::new(default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| wrong().with_source(e))?;
    let exactly = Arc::new(PinnedCertVerifier { trusted, published, provider });
    Ok(builder.dangerous().with_custom_certificate_verifier(exactly).with_no_client_auth())
}

/// Trusts one certificate by its bytes. The handshake signature still proves that the peer owns its key.
struct PinnedCertVerifier {
    trusted: CertificateDer<'static>,
    published: PublishedCertificate,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for PinnedCertVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinnedCertVerifier")
    }
}

impl PinnedCertVerifier {
    fn is_trusted(&self, shown: &CertificateDer<'_>) -> bool {
        let is_published = |pem: String| {
            CertificateDer::from_pem_slice(pem.as_bytes()).is_ok_and(|published| *shown == published)
        };
        *shown == self.trusted || (self.published)().is_some_and(is_published)
    }
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
        if self.is_trusted(end_entity) {
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
