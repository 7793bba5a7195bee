//! The tables of SQL, the scopes that they need, and the error that names a missing one.

use datafusion::common::TableReference;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;

use super::error::from_datafusion;
use crate::domain::named_enum::named_enum;
use crate::domain::{Error, OrgId, Principal, Resource, Result, Scope};

named_enum! {
    /// A table or view that statements may name.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum QueryTable {
        /// Readings of streams.
        Readings = "readings",
        /// The newest reading of each stream.
        Latest = "latest",
        /// Statistics of streams by hours and windows.
        Statistics = "statistics",
        /// Messages as they were received.
        Messages = "messages",
        /// Commands to devices.
        Commands = "commands",
        /// Events and alerts.
        Events = "events",
        /// Annotations of streams.
        Annotations = "annotations",
        /// Devices.
        Devices = "devices",
        /// Streams.
        Streams = "streams",
        /// Groups of streams.
        Groups = "groups",
        /// Products, which are templates of devices.
        Products = "products",
        /// Clients of the vendors' APIs.
        Clients = "clients",
        /// Documents of every kind.
        Documents = "documents",
        /// Documents that are sites.
        Sites = "sites",
        /// Documents that are components.
        Components = "components",
        /// Readings that were refused.
        Quarantine = "quarantine",
        /// Sessions of the MQTT broker.
        MqttSessions = "mqtt_sessions",
        /// Jobs of the server.
        Jobs = "jobs",
        /// Nodes of the cluster.
        Nodes = "nodes",
        /// Shards of the cluster.
        Shards = "shards",
        /// Statements that were run.
        QueryLog = "query_log",
        /// Changes to the configuration.
        AuditLog = "audit_log",
        /// View of `readings` with the names of DataStone.
        CoreValue = "core_value",
        /// View of `statistics` with the names of DataStone.
        CoreValuestatistics = "core_valuestatistics",
        /// View of `streams` with the names of DataStone.
        CoreData = "core_data",
        /// View of `devices` with the names of DataStone.
        CoreDevice = "core_device",
        /// View of `events` with the names of DataStone.
        CoreEventlog = "core_eventlog",
    }
}

impl QueryTable {
    /// Scope needed to read it.
    pub fn scope(self) -> Scope {
        Scope::read(match self {
            Self::Readings | Self::Latest | Self::Messages | Self::Quarantine | Self::CoreValue => {
                Resource::Value
            }
            Self::Statistics | Self::CoreValuestatistics => Resource::Statistic,
            Self::Commands
            | Self::Annotations
            | Self::Devices
            | Self::Products
            | Self::Documents
            | Self::Sites
            | Self::Components
            | Self::MqttSessions
            | Self::CoreDevice => Resource::Device,
            Self::Events | Self::CoreEventlog => Resource::EventLog,
            Self::Streams | Self::CoreData => Resource::Data,
            Self::Groups => Resource::Group,
            Self::Clients | Self::Jobs | Self::Nodes | Self::Shards | Self::QueryLog | Self::AuditLog => {
                Resource::System
            }
        })
    }

    /// Whether it is one of the views, which are plans over other tables.
    pub fn is_view(self) -> bool {
        self.name().starts_with("core_")
    }

    /// Whether a principal may read it.
    pub fn is_readable_by(self, principal: &Principal) -> bool {
        principal.scopes.allows(self.scope())
    }

    /// The tables that a principal may read.
    pub fn readable_by(principal: &Principal) -> impl Iterator<Item = QueryTable> {
        Self::ALL.into_iter().filter(|table| table.is_readable_by(principal))
    }

    /// The table of a name, if a principal may read it.
    pub fn find_readable(name: &str, principal: &Principal) -> Option<QueryTable> {
        Self::from_name(name).filter(|table| table.is_readable_by(principal))
    }
}

/// Fails with `Forbidden`, naming table and scope, for the first table that the principal may not read. Unknown tables
/// pass: planning reports them better.
pub fn check(principal: &Principal, tables: &[TableReference]) -> Result<()> {
    for table in tables {
        match QueryTable::from_name(table.table()).map(QueryTable::scope) {
            Some(scope)
                if table.schema().is_none_or(|s| s == "public") && !principal.scopes.allows(scope) =>
            {
                let message = format!("the table `{}` needs the scope {scope}", table.table());
                return Err(Error::forbidden(message));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The table of DataFusion's settings, which `SHOW` reads too. It reveals details of the host: folders, memory,
/// threads.
const SETTINGS_TABLE: &str = "df_settings";

/// Fails with `Forbidden` if the plan reads the settings, unless the principal has the scope `system:read` and sees all
/// of the organization `owner`. This checks the plan, because `SHOW` names no table.
pub fn check_settings(principal: &Principal, owner: OrgId, plan: &LogicalPlan) -> Result<()> {
    let needed = Scope::read(Resource::System);
    if principal.scopes.allows(needed) && principal.org == owner && !principal.is_restricted() {
        return Ok(());
    }
    let mut reads = false;
    let look = |node: &LogicalPlan| {
        reads |= matches!(node, LogicalPlan::TableScan(scan) if scan.table_name.table() == SETTINGS_TABLE);
        Ok(if reads { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    };
    plan.apply_with_subqueries(look).map_err(from_datafusion)?;
    if reads {
        let message = format!(
            "the table `information_schema.{SETTINGS_TABLE}`, and SHOW, need the scope {needed}, in the default organization and \
             without a list of devices or data"
        );
        return Err(Error::forbidden(message));
    }
    Ok(())
}
