//! Calls of a query node to the ingest node, on its listener for nodes. The URL is the operator's, so no egress policy
//! applies; connections are kept between calls.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response};
use serde::Deserialize;
use url::Url;

use crate::domain::ports::{BoxFuture, OwnerNode};
use crate::domain::{Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Covers everything from the look-up of the name to the last byte.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long nothing may arrive: a connection to a machine that is gone stays silent. So does one whose answer is being prepared,
/// so this is also how long a tail may take to begin: after a restart of the ingest node query nodes ask for whole ones at once.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long an unused connection is kept: less than the listener keeps it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum size of an error's body; the rest is not read.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// Calls the ingest node.
pub struct OwnerClient {
    client: Client,
    owner: Url,
}

/// The body of an error.
#[derive(Deserialize)]
struct ErrorBody {
    detail: String,
}

impl OwnerClient {
    /// A client of the listener with this URL, of which the path does not count. With `ca`, certificates in PEM, only these
    /// authorities are trusted; without it those of the public web.
    ///
    /// # Errors
    /// `Invalid` naming the configuration key when a header cannot carry the secret, or `ca` holds no certificate.
    pub fn new(owner: Url, secret: &str, ca: Option<&str>) -> Result<OwnerClient> {
        let bearer = HeaderValue::try_from(format!("Bearer {secret}"));
        let mut bearer =
            bearer.map_err(|_| Error::field("cluster.secret", "must be visible characters of ASCII"))?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, bearer),
            (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        ]);
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .default_headers(headers)
            .tls_built_in_root_certs(ca.is_none())
            .user_agent(concat!("basalt/", env!("CARGO_PKG_VERSION")));
        for authority in ca.map(authorities).transpose()?.unwrap_or_default() {
            builder = builder.add_root_certificate(authority);
        }
        let client = builder.build().map_err(|e| match ca {
            Some(_) => wrong_authorities().with_source(e),
            None => Error::internal("no HTTP client can be created").with_source(e),
        })?;
        Ok(OwnerClient { client, owner })
    }

    async fn call(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>> {
        // A path set this way cannot lead to another host.
        let mut url = self.owner.clone();
        url.set_path(path);
        let response = self.client.post(url).body(body).send().await.map_err(no_answer)?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        Ok(response.bytes().await.map_err(no_answer)?.into())
    }
}

impl OwnerNode for OwnerClient {
    fn post<'a>(&'a self, path: &'a str, body: Vec<u8>) -> BoxFuture<'a, Result<Vec<u8>>> {
        Box::pin(self.call(path, body))
    }
}

fn authorities(pem: &str) -> Result<Vec<Certificate>> {
    let found =
        Certificate::from_pem_bundle(pem.as_bytes()).map_err(|e| wrong_authorities().with_source(e))?;
    if found.is_empty() { Err(wrong_authorities()) } else { Ok(found) }
}

fn wrong_authorities() -> Error {
    Error::field("cluster.ca", "must hold certificates in PEM")
}

fn no_answer(error: reqwest::Error) -> Error {
    Error::unavailable("the ingest node does not answer").with_source(error.without_url())
}

/// Turns a response that is no success into an error with the message in its body, or else with its status.
async fn refusal(mut response: Response) -> Error {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while body.len() < MAX_ERROR_BYTES
        && let Ok(Some(piece)) = response.chunk().await
    {
        body.extend_from_slice(&piece);
    }
    match serde_json::from_slice::<ErrorBody>(&body) {
        Ok(ErrorBody { detail }) => Error::unavailable(format!("the ingest node refused: {detail}")),
        Err(_) => Error::unavailable(format!("the ingest node refused with status {status}")),
    }
}

#[cfg(test)]
#[path = "owner_client_tests.rs"]
mod tests;
