//! Configuration of the nodes that share a lake: one ingest node, and query nodes that read what it has written.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use url::{Host, Url};

use super::Config;
use super::config_key::{ConfigKey, key};
use crate::domain::{Error, FieldError, Result};

const NODE_URL_FORMAT: &str = "http://HOST:PORT of this machine, or https://HOST:PORT";
/// Lengths of accepted secrets: not guessed, and not longer than the ingest node reads (auth/admin_token.rs).
const SECRET_LENGTHS: RangeInclusive<usize> = 32..=512;

/// The nodes that share a lake, as one of them knows them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClusterConfig {
    pub role: NodeRole,
    /// Listener of the ingest node for query nodes; off without an address.
    pub listen: Option<SocketAddr>,
    /// That listener, for a query node.
    pub owner: Option<Url>,
    /// The ingest node's HTTP listener, for a query node.
    pub owner_http: Option<Url>,
    /// What all nodes know.
    pub secret: Option<ClusterSecret>,
    /// Certificates in PEM that sign the ingest node's.
    pub ca: Option<PathBuf>,
}

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NodeRole {
    /// Everything; it is the ingest node where there are several nodes.
    #[default]
    All,
    /// Queries.
    Query,
}

/// The secret that nodes show each other; it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterSecret(String);

impl ClusterSecret {
    /// Reads a secret; `None` when it is too short or too long, or a header cannot carry it.
    fn parse(text: &str) -> Option<ClusterSecret> {
        let is_valid =
            SECRET_LENGTHS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_valid.then(|| ClusterSecret(text.to_owned()))
    }

    /// Returns the secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClusterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterSecret")
    }
}

pub(super) const KEYS: &[ConfigKey] = &[
    key("cluster.role", "all or query", |c, text| {
        c.cluster.role = match text {
            "all" => NodeRole::All,
            "query" => NodeRole::Query,
            _ => return None,
        };
        Some(())
    }),
    key(
        "cluster.listen",
        "an address and a port such as 127.0.0.1:8002 (port 0 picks a free one)",
        |c, text| text.parse().ok().map(|address| c.cluster.listen = Some(address)),
    ),
    key("cluster.owner", NODE_URL_FORMAT, |c, text| {
        parse_node_url(text).map(|url| c.cluster.owner = Some(url))
    }),
    key("cluster.owner_http", NODE_URL_FORMAT, |c, text| {
        parse_node_url(text).map(|url| c.cluster.owner_http = Some(url))
    }),
    ConfigKey {
        is_secret: true,
        ..key("cluster.secret", "32 to 512 visible characters of ASCII, without blanks", |c, text| {
            ClusterSecret::parse(text).map(|secret| c.cluster.secret = Some(secret))
        })
    },
    key("cluster.ca", "the path of certificates in PEM", |c, text| {
        (!text.is_empty()).then(|| c.cluster.ca = Some(PathBuf::from(text)))
    }),
];

/// Checks what concerns several keys, and reports every mistake.
pub(super) fn check(config: &Config) -> Result<()> {
    let cluster = &config.cluster;
    let mut problems = Vec::new();
    if cluster.role == NodeRole::Query {
        let beside = "cluster.role = \"query\"";
        check_shared_storage(config, beside, &mut problems);
        check_no_other_listener(config, beside, &mut problems);
        let needed = [("cluster.owner", &cluster.owner), ("cluster.owner_http", &cluster.owner_http)];
        for (name, _) in needed.into_iter().filter(|(_, url)| url.is_none()) {
            problems.push(FieldError::new(name, format!("is needed beside {beside}: {NODE_URL_FORMAT}")));
        }
    }
    if let Some(address) = cluster.listen {
        check_shared_storage(config, "cluster.listen", &mut problems);
        check_listener(config, address, &mut problems);
    }
    for (name, url) in [("cluster.owner", &cluster.owner), ("cluster.owner_http", &cluster.owner_http)] {
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

/// Checks that all nodes can reach lake and catalog, and know the secret.
fn check_shared_storage(config: &Config, beside: &str, problems: &mut Vec<FieldError>) {
    let is_postgres = config
        .catalog_url
        .as_deref()
        .is_some_and(|url| url.starts_with("postgres://") || url.starts_with("postgresql://"));
    let needed = [
        // The value may hold a password, so it is not repeated.
        ("catalog.url", is_postgres, "postgres://USER:PASSWORD@HOST/DATABASE"),
        ("lake.url", config.lake.url.is_some(), "s3://BUCKET/PREFIX"),
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
        ("cluster.listen", config.cluster.listen.is_some()),
    ];
    for (name, _) in listeners.into_iter().filter(|(_, is_set)| *is_set) {
        let message = format!("cannot be set beside {beside}: only the ingest node has it");
        problems.push(FieldError::new(name, message));
    }
}

/// Checks what the listener for query nodes needs.
fn check_listener(config: &Config, address: SocketAddr, problems: &mut Vec<FieldError>) {
    let (keep, longest) = (config.lake.keep_removed, config.limits.query_timeout);
    if keep < longest {
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

/// Reads the URL of a listener: scheme, host and port, nothing else.
fn parse_node_url(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    is_plain.then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
