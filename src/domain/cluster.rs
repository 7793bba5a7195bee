//! The nodes of a cluster, and what a query node asks of the owner of the lake, the one node that collects and writes: rows that
//! are not in the lake yet, and the states of devices and of the clients of its MQTT broker.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::device::DeviceStatus;
use super::mqtt::status::SessionStatus;
use super::named_enum::named_enum;
use super::{DeviceId, Error, Micros, OrgId, Result};

/// Seconds after its last renewal for which a node counts as running.
pub const LEASE_S: u64 = 10;

/// Path at which the owner answers a `TailQuery`.
pub const TAIL_PATH: &str = "/cluster/tail";

/// Request of a query node to the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailRequest {
    /// Organization whose rows are asked for.
    pub org: OrgId,
    /// Whether the newest reading of each stream is wanted.
    pub newest: bool,
    /// Whether the states of devices and of MQTT sessions are wanted.
    pub states: bool,
}

impl TailRequest {
    /// Asks for what a statement may need. A table is read only where its name is in the text.
    pub fn for_statement(org: OrgId, text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let states = text.contains("device") || text.contains("mqtt_sessions");
        TailRequest { org, newest: text.contains("latest"), states }
    }

    /// Asks for rows alone.
    pub fn for_rows(org: OrgId) -> Self {
        TailRequest { org, newest: false, states: false }
    }
}

/// A request for a tail as a query node sends it: what it wants, and what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailQuery {
    /// The rows and states that are wanted.
    #[serde(flatten)]
    pub wanted: TailRequest,
    /// The tail of the organization that the node has: its rows need not be sent again.
    #[serde(default)]
    pub known: Option<KnownTail>,
}

/// A tail that a query node has: every row of the organization up to a seq that was not in the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownTail {
    /// The owner that sent it; it is another one after each start.
    pub instance: Uuid,
    /// The last seq of the tail.
    pub seq: u64,
}

/// A version of the catalog, as nodes tell each other which changes they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogMark {
    /// The owner of the lake, who alone changes what all nodes answer by; it is another one after each start.
    pub writer: Uuid,
    /// The version. Those of one writer are in the order of its changes; a database that is restored from a backup counts again
    /// from there, with another writer.
    pub version: i64,
}

impl fmt::Display for CatalogMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.writer, self.version)
    }
}

impl FromStr for CatalogMark {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mark = text.split_once('/').and_then(|(writer, version)| {
            Some(Self { writer: writer.parse().ok()?, version: version.parse().ok()? })
        });
        mark.ok_or_else(|| Error::invalid(format!("`{text}` is no version of a catalog")))
    }
}

/// The states of one organization's devices and clients at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OwnerStates {
    /// By device.
    pub devices: HashMap<DeviceId, DeviceStatus>,
    /// The sessions of all clients, by owner and client id.
    pub sessions: Vec<SessionStatus>,
}

named_enum! {
    /// Role of a node in its cluster.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ClusterRole {
        /// It collects, writes and answers: the owner of the lake.
        Ingest = "ingest",
        /// It answers queries.
        Query = "query",
    }
    listed;
}

/// A node as the catalog knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterNode {
    /// Of this run: after a restart it is another one.
    pub id: Uuid,
    /// Role in the cluster.
    pub role: ClusterRole,
    /// The node's `cluster.listen` as other nodes reach it; `None` when they cannot.
    pub url: Option<String>,
    /// Version of its program.
    pub version: String,
    /// When it started, by its own clock.
    pub started_at: Micros,
    /// When it last renewed its entry, by the clock of the catalog's database.
    pub renewed_at: Micros,
    /// Whether that was within the lease.
    pub is_running: bool,
}

/// A part of the data that one node owns, as it is at one moment: its log, its rows in memory and its lake. There is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Number of the shard.
    pub id: i32,
    /// The `ClusterNode::url` of the owner; `None` outside a cluster, and while the owner's entry is not renewed.
    pub owner: Option<String>,
    /// Epoch that each commit of the owner names, so that commits of an earlier owner fail; `None` for a lake in the data
    /// directory.
    pub epoch: Option<i64>,
    /// Seq of the last durable write.
    pub seq: u64,
    /// Every row up to this seq is in the lake.
    pub flushed_seq: u64,
    /// Version of the Delta log of readings.
    pub lake_version: u64,
}

/// Returns the ingest node among the nodes of a cluster: of several that run, the one that started last, because a start claims the
/// lake. That is the whole failover: no leader is elected, and no node takes over by itself.
pub fn ingest_node(nodes: &[ClusterNode]) -> Option<&ClusterNode> {
    let is_owner = |node: &&ClusterNode| node.is_running && node.role == ClusterRole::Ingest;
    nodes.iter().filter(is_owner).max_by_key(|node| node.started_at)
}

/// Work of a query node with others since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpreadTotals {
    /// Queries that were asked here and divided among nodes.
    pub spread: u64,
    /// Queries among them that ran again on this node alone, because another failed.
    pub repeated: u64,
    /// Parts of queries that ran here, of this node's queries too.
    pub tasks: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_as_they_are_named() {
        for role in ClusterRole::ALL {
            assert_eq!(role.name().parse::<ClusterRole>().expect("valid"), role);
        }
        let error = "all".parse::<ClusterRole>().expect_err("it is the name of none");
        assert_eq!(error.message, "`all` is not one of ingest, query");
    }

    #[test]
    fn marks_are_read_as_they_are_written() {
        for version in [0, -1, i64::MAX] {
            let mark = CatalogMark { writer: Uuid::from_u128(u128::MAX - 7), version };
            assert_eq!(mark.to_string().parse::<CatalogMark>().expect("valid"), mark);
        }
        for text in ["", "/", "1", "x/1", "UUID", "UUID/", "UUID/x", "UUID/1/2", "UUID/9223372036854775808"] {
            let text = text.replace("UUID", &Uuid::nil().to_string());
            assert!(text.parse::<CatalogMark>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_ingest_node_is_the_one_that_runs_and_started_last() {
        let node = |role: ClusterRole, is_running: bool, started_at: i64| ClusterNode {
            id: Uuid::nil(),
            role,
            url: None,
            version: String::new(),
            started_at: Micros(started_at),
            renewed_at: Micros(-started_at),
            is_running,
        };
        let (ingest, query) = (ClusterRole::Ingest, ClusterRole::Query);
        let all =
            [node(ingest, true, 1), node(ingest, true, 2), node(ingest, false, 3), node(query, true, 4)];
        assert_eq!(ingest_node(&all), Some(&all[1]));
        assert_eq!(ingest_node(&all[2..]), None);
    }
}
