//! Configuration of the nodes that share a lake: one ingest node, and query nodes that read what it has written. What concerns
//! several keys is checked in cluster_check.rs.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use url::Url;

use super::config_key::{ConfigKey, key};

/// Rows that one node reads in about the time that sending a query to others takes (docs/benchmarks.md).
const DEFAULT_SPREAD_MIN_ROWS: u64 = 4_000_000;
pub(super) const LISTEN_FORMAT: &str =
    "an address and a port such as 127.0.0.1:8002 (port 0 picks a free one)";
pub(super) const NODE_URL_FORMAT: &str = "http://HOST:PORT of this machine, or https://HOST:PORT";
/// Lengths of accepted secrets: not guessed, and not longer than the ingest node reads (auth/admin_token.rs).
const SECRET_LENGTHS: RangeInclusive<usize> = 32..=512;

/// The nodes that share a lake, as one of them knows them.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterConfig {
    pub role: NodeRole,
    /// This node's listener for query nodes; off without an address.
    pub listen: Option<SocketAddr>,
    /// That listener as other nodes reach it, where its address does not say so.
    pub advertise: Option<Url>,
    /// The ingest node's listener for query nodes, for a query node.
    pub owner: Option<Url>,
    /// The ingest node's HTTP listener, for a query node.
    pub owner_http: Option<Url>,
    /// Secret of all nodes.
    pub secret: Option<ClusterSecret>,
    /// Certificates in PEM that sign those of other nodes.
    pub ca: Option<PathBuf>,
    /// Whether a query node spreads long queries over all query nodes that listen.
    pub spread: bool,
    /// Least rows of the scans of a query that is spread.
    pub spread_min_rows: u64,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        ClusterConfig {
            role: NodeRole::default(),
            listen: None,
            advertise: None,
            owner: None,
            owner_http: None,
            secret: None,
            ca: None,
            spread: true,
            spread_min_rows: DEFAULT_SPREAD_MIN_ROWS,
        }
    }
}

impl ClusterConfig {
    /// Returns the URL by which other nodes reach this node's listener; `None` without one, and when its address does not say
    /// where it is.
    pub fn advertised(&self, has_tls: bool) -> Option<Url> {
        let address = self.listen?;
        let scheme = if has_tls { "https" } else { "http" };
        let own = Url::parse(&format!("{scheme}://{address}")).ok().filter(|_| is_reachable(address));
        self.advertise.clone().or(own)
    }
}

/// Role of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NodeRole {
    /// Everything; with `cluster.listen` it is the ingest node of a cluster.
    #[default]
    All,
    /// All of it as the ingest node of a cluster, and nothing without what that needs.
    Ingest,
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
    key("cluster.role", "all, ingest or query", |c, text| {
        c.cluster.role = match text {
            "all" => NodeRole::All,
            "ingest" => NodeRole::Ingest,
            "query" => NodeRole::Query,
            _ => return None,
        };
        Some(())
    }),
    key("cluster.listen", LISTEN_FORMAT, |c, text| {
        text.parse().ok().map(|address| c.cluster.listen = Some(address))
    }),
    key("cluster.advertise", NODE_URL_FORMAT, |c, text| {
        parse_node_url(text).map(|url| c.cluster.advertise = Some(url))
    }),
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
    key("cluster.spread", "true or false", |c, text| text.parse().ok().map(|is| c.cluster.spread = is)),
    key("cluster.spread_min_rows", "a whole number of rows", |c, text| {
        text.parse().ok().map(|rows| c.cluster.spread_min_rows = rows)
    }),
];

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

/// Whether an address says where a listener can be reached.
pub(super) fn is_reachable(address: SocketAddr) -> bool {
    address.port() != 0 && !address.ip().to_canonical().is_unspecified()
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
