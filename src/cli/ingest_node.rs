//! How a query node reaches its ingest node, by the configuration.

use std::sync::Arc;

use super::config::{ClusterConfig, Config, NodeRole};
use crate::api::forward::Forwarder;
use crate::app;
use crate::domain::ports::OwnerNode;
use crate::domain::{Error, Result};
use crate::query::SpreadOptions;

/// Returns what asks the ingest node on its listener for nodes.
///
/// # Errors
/// Names the configuration key that cannot be used.
pub fn owner_node(cluster: &ClusterConfig) -> Result<Arc<dyn OwnerNode>> {
    let (Some(owner), Some(secret)) = (&cluster.owner, &cluster.secret) else {
        return Err(Error::field("cluster.owner", "is needed with cluster.secret by a query node"));
    };
    app::cluster::owner_node(owner.clone(), secret.expose(), read_authorities(cluster)?.as_deref())
}

/// Returns what hands requests on to the ingest node's HTTP listener.
///
/// # Errors
/// Names the configuration key that cannot be used.
pub fn forwarder(cluster: &ClusterConfig) -> Result<Forwarder> {
    let (Some(owner), Some(secret)) = (&cluster.owner_http, &cluster.secret) else {
        return Err(Error::field("cluster.owner_http", "is needed with cluster.secret by a query node"));
    };
    Forwarder::new(owner, secret.expose(), read_authorities(cluster)?.as_deref())
}

/// Returns how a query node divides queries among all of them; `None` for a node without a listener for tasks.
///
/// # Errors
/// Names the configuration key that cannot be used.
pub fn spread_options(config: &Config) -> Result<Option<SpreadOptions>> {
    let cluster = &config.cluster;
    let own_url = cluster.advertised(config.tls.cert.is_some()).filter(|_| cluster.role == NodeRole::Query);
    let (Some(own_url), Some(secret)) = (own_url, &cluster.secret) else { return Ok(None) };
    Ok(Some(SpreadOptions {
        is_enabled: cluster.spread,
        min_rows: cluster.spread_min_rows,
        own_url,
        secret: secret.expose().to_owned(),
        ca: read_authorities(cluster)?,
    }))
}

fn read_authorities(cluster: &ClusterConfig) -> Result<Option<String>> {
    let Some(path) = &cluster.ca else { return Ok(None) };
    let unreadable = |e| Error::field("cluster.ca", format!("`{}` cannot be read: {e}", path.display()));
    std::fs::read_to_string(path).map(Some).map_err(unreadable)
}
