//! Connections to the other query nodes, on which this one sends tasks and reads their rows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use datafusion::error::DataFusionError;
use datafusion_distributed::grpc::{BoxCloneSyncChannel, create_worker_client};
use datafusion_distributed::{ChannelResolver, WorkerChannel};
use parking_lot::Mutex;
use tonic::body::Body;
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{HeaderValue, Request};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tower::ServiceExt;
use url::Url;

use super::workers::Workers;
use crate::domain::{Error, Result};
use crate::query::options::SpreadOptions;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A node that is silent for the interval gets a ping, and its connection ends without an answer within the timeout: a
/// query must not wait for a machine that is gone.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes that a node may send on all streams of a connection before they are read. It is more than all of them take, because a
/// query that reads slowly must not keep others from reading: each stream has a window of its own.
const CONNECTION_WINDOW_BYTES: u32 = 1 << 30;

/// A connection to each node, made when it is first needed.
#[derive(Clone)]
pub struct NodeChannels {
    tls: ClientTlsConfig,
    authorization: HeaderValue,
    workers: Arc<Workers>,
    channels: Arc<Mutex<HashMap<Url, BoxCloneSyncChannel>>>,
}

impl NodeChannels {
    /// Prepares connections that show the cluster's secret.
    ///
    /// # Errors
    /// `Invalid` for a secret that no header can carry.
    pub fn new(options: &SpreadOptions, workers: Arc<Workers>) -> Result<Self> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", options.secret))
            .map_err(|_| Error::field("cluster.secret", "has characters that no header can carry"))?;
        authorization.set_sensitive(true);
        let tls = match &options.ca {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_webpki_roots(),
        };
        Ok(Self { tls, authorization, workers, channels: Arc::default() })
    }

    pub(super) fn channel(&self, url: &Url) -> Result<BoxCloneSyncChannel, DataFusionError> {
        if !self.workers.contain(url) {
            // The URL comes with a plan, and whoever is called learns the secret.
            let error = Error::forbidden(format!("{url} is no query node of this cluster"));
            return Err(DataFusionError::External(Box::new(error)));
        }
        let mut channels = self.channels.lock();
        if let Some(known) = channels.get(url) {
            return Ok(known.clone());
        }
        let wrong = |e: tonic::transport::Error| {
            let error = Error::unavailable(format!("the query node {url} cannot be reached")).with_source(e);
            DataFusionError::External(Box::new(error))
        };
        let endpoint = Endpoint::from_shared(url.to_string())
            .map_err(wrong)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .tcp_nodelay(true);
        let endpoint = match url.scheme() {
            "https" => endpoint.tls_config(self.tls.clone()).map_err(wrong)?,
            _ => endpoint,
        };
        let authorization = self.authorization.clone();
        let channel = endpoint.connect_lazy().map_request(move |mut request: Request<Body>| {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
            request
        });
        let channel = BoxCloneSyncChannel::new(channel);
        channels.retain(|known, _| self.workers.contain(known));
        channels.insert(url.clone(), channel.clone());
        Ok(channel)
    }
}

#[async_trait]
impl ChannelResolver for NodeChannels {
    async fn get_worker_client_for_url(&self, url: &Url) -> Result<Box<dyn WorkerChannel>, DataFusionError> {
        self.channel(url).map(create_worker_client)
    }
}
