//! How a query node reaches its ingest node, by the configuration.

use std::sync::Arc;

use super::config::ClusterConfig;
use crate::api::forward::Forwarder;
use crate::app;
use crate::domain::ports::OwnerNode;
use crate::domain::{Error, Result};

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

fn read_authorities(cluster: &ClusterConfig) -> Result<Option<String>> {
    let Some(path) = &cluster.ca else { return Ok(None) };
    let unreadable = |e| Error::field("cluster.ca", format!("`{}` cannot be read: {e}", path.display()));
    std::fs::read_to_string(path).map(Some).map_err(unreadable)
}
