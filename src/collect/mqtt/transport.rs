//! TCP or TLS connection to a broker. A broker's certificate must be for the device's host and come from the
//! authorities of its `ca_file`, or else from a public one.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::endpoint::MqttEndpoint;
use crate::collect::client::ConnectContext;
use crate::collect::fault::{DeviceFault, describe_io_error};

/// Folder of authorities within the certificate store.
const CA_FOLDER: &str = "mqtt";
/// Largest file of authorities in bytes.
const MAX_CA_FILE_BYTES: u64 = 1024 * 1024;

/// An open connection.
pub trait Link: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Link for T {}

/// Opens a connection. Connecting and the TLS handshake may each take the endpoint's timeout.
pub async fn open(endpoint: &MqttEndpoint, context: &ConnectContext) -> Result<Box<dyn Link>, DeviceFault> {
    let roots = match endpoint.uses_tls {
        true => Some(authorities(endpoint, context).await?),
        false => None,
    };
    let connecting = context.networks.connect(&endpoint.host, endpoint.port);
    let stream = bounded(endpoint, connecting).await?;
    stream.set_nodelay(true).map_err(|error| unreachable(endpoint, describe_io_error(&error)))?;
    let Some(roots) = roots else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(endpoint.host.clone());
    let name =
        name.map_err(|_| unreachable(endpoint, "no certificate can be for this host name".to_owned()))?;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unreachable(endpoint, error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = bounded(endpoint, TlsConnector::from(Arc::new(config)).connect(name, stream)).await?;
    Ok(Box::new(stream))
}

async fn bounded<T>(
    endpoint: &MqttEndpoint,
    step: impl Future<Output = io::Result<T>>,
) -> Result<T, DeviceFault> {
    match timeout(endpoint.timeout, step).await {
        Ok(done) => done.map_err(|error| unreachable(endpoint, describe_io_error(&error))),
        Err(_) => Err(DeviceFault::Timeout { address: endpoint.address(), after: endpoint.timeout }),
    }
}

fn unreachable(endpoint: &MqttEndpoint, reason: String) -> DeviceFault {
    DeviceFault::Unreachable { address: endpoint.address(), reason }
}

/// The file is read again at every connection, so that it can be replaced.
async fn authorities(
    endpoint: &MqttEndpoint,
    context: &ConnectContext,
) -> Result<RootCertStore, DeviceFault> {
    let mut roots = RootCertStore::empty();
    let Some(name) = &endpoint.ca_file else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    let wrong = |why: String| unreachable(endpoint, format!("pki/{CA_FOLDER}/{name} {why}"));
    let read = read_bounded(&context.pki.root().join(CA_FOLDER).join(name)).await;
    let pem = read.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| wrong("is not valid PEM".to_owned()))?;
        roots.add(certificate).map_err(|error| wrong(format!("holds an invalid certificate: {error}")))?;
    }
    if roots.is_empty() {
        return Err(wrong("holds no certificate in PEM".to_owned()));
    }
    Ok(roots)
}

async fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    if tokio::fs::metadata(path).await?.len() > MAX_CA_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 1 MiB"));
    }
    tokio::fs::read(path).await
}
