//! The nodes of a cluster: each renews its own row, and one that is silent for longer than the lease does not run.
//!
//! The rows are read from the database and not mirrored. Renewals are timed by the clock of the database, so those of the nodes
//! may differ. They need no transaction: each statement is complete by itself, waits for no change of the catalog, and may be
//! given up at any moment.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use std::sync::Arc;
use uuid::Uuid;

use super::catalog_core::CatalogCore;
use super::database::unavailable;
use crate::domain::cluster::{ClusterNode, ClusterRole, LEASE_S};
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_SECOND};
use crate::domain::{Error, Micros, Principal, Result};

/// How long after its last renewal a node counts as running.
const LEASE_US: i64 = LEASE_S as i64 * MICROS_PER_SECOND;
/// How long after its last renewal a node is listed.
const KEPT_US: i64 = MICROS_PER_DAY;

/// Microseconds since 1970, as each database computes them at the moment of the statement.
const NOW_IN_POSTGRES: &str = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)";
const NOW_IN_SQLITE: &str = "CAST((julianday('now') - 2440587.5) * 86400000000 AS integer)";

/// Nodes of a cluster.
pub struct NodeCatalog {
    core: Arc<CatalogCore>,
}

impl NodeCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Notes that a node runs now, also on a follower; what it says of its last renewal is not read. Forgets nodes that have
    /// been silent for a day, and those whose URL it has now. Returns all nodes.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn renew_node(&self, node: &ClusterNode) -> Result<Vec<ClusterNode>> {
        let now = self.database_now();
        let renew = format!(
            "INSERT INTO cluster_nodes (id, role, url, version, started_at, renewed_at) \
             VALUES ($1, $2, $3, $4, $5, {now}) \
             ON CONFLICT (id) DO UPDATE SET role = excluded.role, url = excluded.url, version = excluded.version, \
             started_at = excluded.started_at, renewed_at = excluded.renewed_at"
        );
        let (id, url): (Value, Value) = (node.id.to_string().into(), node.url.clone().into());
        let values = vec![
            id.clone(),
            node.role.name().into(),
            url.clone(),
            node.version.clone().into(),
            node.started_at.0.into(),
        ];
        self.execute(renew, values).await?;
        let forget = format!(
            "DELETE FROM cluster_nodes WHERE renewed_at < {now} - {KEPT_US} \
             OR (url = $1 AND id <> $2 AND renewed_at < {now} - {LEASE_US})"
        );
        self.execute(forget, vec![url, id]).await?;
        self.all_nodes().await
    }

    /// Forgets a node, also on a follower. A node that is not there is no error.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn remove_node(&self, id: Uuid) -> Result<()> {
        let remove = "DELETE FROM cluster_nodes WHERE id = $1".to_owned();
        self.execute(remove, vec![id.to_string().into()]).await
    }

    /// Returns the nodes that the principal may see: all for an unrestricted principal of the default organization, and none for
    /// others, because they are machines of the operator.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn nodes(&self, who: &Principal) -> Result<Vec<ClusterNode>> {
        match who.org == self.core.default_org && !who.is_restricted() {
            true => self.all_nodes().await,
            false => Ok(Vec::new()),
        }
    }

    /// The ingest node first, then by start.
    async fn all_nodes(&self) -> Result<Vec<ClusterNode>> {
        let query = format!(
            "SELECT id, role, url, version, started_at, renewed_at, {} FROM cluster_nodes \
             ORDER BY role, started_at, id",
            self.database_now()
        );
        let query = Statement::from_string(self.core.db.get_database_backend(), query);
        let rows = self.core.db.query_all_raw(query).await.map_err(unavailable)?;
        rows.iter().map(read_node).collect()
    }

    async fn execute(&self, sql: String, values: Vec<Value>) -> Result<()> {
        let statement = Statement::from_sql_and_values(self.core.db.get_database_backend(), sql, values);
        self.core.db.execute_raw(statement).await.map_err(unavailable)?;
        Ok(())
    }

    fn database_now(&self) -> &'static str {
        match self.core.db.get_database_backend() {
            DbBackend::Sqlite => NOW_IN_SQLITE,
            _ => NOW_IN_POSTGRES,
        }
    }
}

/// Reads a row of `all_nodes`.
fn read_node(row: &QueryResult) -> Result<ClusterNode> {
    let text = |column: usize| row.try_get_by_index::<String>(column).map_err(unavailable);
    let number = |column: usize| row.try_get_by_index::<i64>(column).map_err(unavailable);
    let (id, role, renewed_at, now) = (text(0)?, text(1)?, number(5)?, number(6)?);
    let damaged = |column: &str| {
        Error::unavailable(format!(
            "the catalog holds a row this version cannot read: table `cluster_nodes`, id {id}, column `{column}`"
        ))
    };
    Ok(ClusterNode {
        id: Uuid::parse_str(&id).map_err(|e| damaged("id").with_source(e))?,
        role: role.parse::<ClusterRole>().map_err(|e| damaged("role").with_source(e))?,
        url: row.try_get_by_index(2).map_err(unavailable)?,
        version: text(3)?,
        started_at: Micros(number(4)?),
        renewed_at: Micros(renewed_at),
        is_running: now.saturating_sub(renewed_at) <= LEASE_US,
    })
}
