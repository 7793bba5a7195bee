//! Checks of the configuration of nodes that concern several keys.

use std::net::SocketAddr;

use url::{Host, Url};

use super::Config;
use super::cluster::{ClusterConfig, LISTEN_FORMAT, NODE_URL_FORMAT, NodeRole, is_reachable};
use crate::domain::{Error, FieldError, Result};

/// Checks all of it, and reports every mistake.
pub(super) fn check(config: &Config) -> Result<()> {
    let cluster = &config.cluster;
    let mut problems = Vec::new();
    match cluster.role {
        NodeRole::All => {}
        NodeRole::Ingest => check_ingest_node(config, &mut problems),
        NodeRole::Query => check_query_node(config, &mut problems),
    }
    if let Some(address) = cluster.listen {
        check_shared_storage(config, "cluster.listen", &mut problems);
        check_listener(config, address, &mut problems);
    }
    check_advertised(cluster, &mut problems);
    let urls = [
        ("cluster.advertise", &cluster.advertise),
        ("cluster.owner", &cluster.owner),
        ("cluster.owner_http", &cluster.owner_http),
    ];
    for (name, url) in urls {
        if let Some(url) = url
            && url.scheme() == "http"
            && !is_loopback(url)
        {
            let message = format!(
                "`{url}` would send secrets readable on the network: use https://, or http:// with an address of \
                 this machine such as http://127.0.0.1:8002"
            );
            problems.push(FieldError::new(name, message));
        }
    }
    Error::check(problems)
}

/// Checks that a server that is to be the ingest node of a cluster can be.
fn check_ingest_node(config: &Config, problems: &mut Vec<FieldError>) {
    let beside = "cluster.role = \"ingest\"";
    check_shared_storage(config, beside, problems);
    if config.cluster.listen.is_none() {
        let message = format!("must be set beside {beside}: {LISTEN_FORMAT}");
        problems.push(FieldError::new("cluster.listen", message));
    }
}

fn check_query_node(config: &Config, problems: &mut Vec<FieldError>) {
    let (cluster, beside) = (&config.cluster, "cluster.role = \"query\"");
    check_shared_storage(config, beside, problems);
    check_no_other_listener(config, beside, problems);
    let needed = [("cluster.owner", &cluster.owner), ("cluster.owner_http", &cluster.owner_http)];
    for (name, _) in needed.into_iter().filter(|(_, url)| url.is_none()) {
        problems.push(FieldError::new(name, format!("is needed beside {beside}: {NODE_URL_FORMAT}")));
    }
}

/// Checks that all nodes can reach lake and catalog, and know the secret.
fn check_shared_storage(config: &Config, beside: &str, problems: &mut Vec<FieldError>) {
    let is_postgres = config
        .catalog_url
        .as_deref()
        .is_some_and(|url| url.starts_with("postgres://") || url.starts_with("postgresql://"));
    let needed = [
        // The value may hold a password, so it is not repeated.
        ("catalog.url", is_postgres, "postgres://USER:PASSWORD@HOST/DATABASE"),
        ("lake.url", config.lake.url.is_some(), "s3://BUCKET/PREFIX, or file:///DIRECTORY on one machine"),
        ("cluster.secret", config.cluster.secret.is_some(), "32 to 512 characters that all nodes have"),
    ];
    for (name, _, valid) in needed.into_iter().filter(|(_, is_met, _)| !is_met) {
        // A configuration for all nodes may have both the role and the listener.
        if problems.iter().all(|problem| problem.field != name) {
            problems.push(FieldError::new(name, format!("must be set beside {beside}: {valid}")));
        }
    }
}

/// Checks that a query node has no listener of what only the ingest node does.
fn check_no_other_listener(config: &Config, beside: &str, problems: &mut Vec<FieldError>) {
    let listeners = [
        ("mqtt.listen", config.mqtt.listen.is_some()),
        ("mqtt.tls_listen", config.mqtt.tls_listen.is_some()),
        ("opensynaptic.listen", config.opensynaptic.listen.is_some()),
        ("onpremise.enabled", config.onpremise.is_served()),
    ];
    for (name, _) in listeners.into_iter().filter(|(_, is_set)| *is_set) {
        let message = format!("cannot be set beside {beside}: only the ingest node has it");
        problems.push(FieldError::new(name, message));
    }
}

/// Checks what the listener for query nodes needs. Only the ingest node removes files.
fn check_listener(config: &Config, address: SocketAddr, problems: &mut Vec<FieldError>) {
    let (keep, longest) = (config.lake.keep_removed, config.limits.query_timeout);
    if config.cluster.role != NodeRole::Query && keep < longest {
        let message = format!(
            "{keep:?} is shorter than a query of a query node may read files: use at least limits.query_timeout \
             ({longest:?})"
        );
        problems.push(FieldError::new("lake.keep_removed", message));
    }
    if !address.ip().to_canonical().is_loopback() && config.tls.cert.is_none() {
        let message = format!(
            "is needed with http.tls_key beside cluster.listen = \"{address}\", which other machines reach: the path \
             of a certificate in PEM, or a loopback address for cluster.listen"
        );
        problems.push(FieldError::new("http.tls_cert", message));
    }
}

/// Checks that there is a listener where other nodes are told that one is, and that they can be told.
fn check_advertised(cluster: &ClusterConfig, problems: &mut Vec<FieldError>) {
    let message = match (cluster.listen, &cluster.advertise) {
        (None, Some(_)) => "is the URL of cluster.listen, which is not set: set both or none".to_owned(),
        (Some(address), None) if cluster.role == NodeRole::Query && !is_reachable(address) => format!(
            "is needed beside cluster.listen = \"{address}\", which does not say where other nodes reach it: \
             {NODE_URL_FORMAT}"
        ),
        _ => return,
    };
    problems.push(FieldError::new("cluster.advertise", message));
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
