//! Connections to the ingest node, with or without TLS, within a time limit.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::http::Uri;
use futures::future::BoxFuture;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tower::Service;

use crate::domain::{Error, Result};

/// Maximum duration from the look-up of the name to the end of the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to the ingest node.
#[derive(Clone)]
pub struct OwnerConnector(HttpsConnector<HttpConnector>);

impl OwnerConnector {
    /// A connector that trusts the authorities of `ca`, certificates in PEM, or without it those of the public web.
    ///
    /// # Errors
    /// `Invalid` naming `cluster.ca` when it holds no certificate in PEM.
    pub fn new(ca: Option<&str>) -> Result<OwnerConnector> {
        let mut http = HttpConnector::new();
        // The URLs are those of HTTPS too.
        http.enforce_http(false);
        // Small requests must not wait for Nagle's timer.
        http.set_nodelay(true);
        Ok(OwnerConnector(HttpsConnector::from((http, client_config(ca)?))))
    }
}

impl Service<Uri> for OwnerConnector {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, std::result::Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<std::result::Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move { tokio::time::timeout(CONNECT_TIMEOUT, connecting).await? })
    }
}

fn client_config(ca: Option<&str>) -> Result<ClientConfig> {
    let wrong = || Error::field("cluster.ca", "must hold certificates in PEM");
    let mut roots = RootCertStore::empty();
    match ca {
        Some(pem) => {
            for authority in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let authority = authority.map_err(|e| wrong().with_source(e))?;
                roots.add(authority).map_err(|e| wrong().with_source(e))?;
            }
            if roots.is_empty() {
                return Err(wrong());
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::internal("TLS cannot be used").with_source(e))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
