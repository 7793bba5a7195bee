//! Scopes that tables need, and the error that names a missing one.

use datafusion::common::TableReference;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::LogicalPlan;

use super::error::from_datafusion;
use crate::domain::{Error, OrgId, Principal, Resource, Result, Scope};

/// Every table and view with the resource whose read scope it needs.
pub const TABLES: [(&str, Resource); 27] = [
    ("readings", Resource::Value),
    ("latest", Resource::Value),
    ("statistics", Resource::Statistic),
    ("messages", Resource::Value),
    ("commands", Resource::Device),
    ("events", Resource::EventLog),
    ("annotations", Resource::Device),
    ("devices", Resource::Device),
    ("streams", Resource::Data),
    ("groups", Resource::Group),
    ("products", Resource::Device),
    ("clients", Resource::System),
    ("documents", Resource::Device),
    ("sites", Resource::Device),
    ("components", Resource::Device),
    ("quarantine", Resource::Value),
    ("mqtt_sessions", Resource::Device),
    ("jobs", Resource::System),
    ("nodes", Resource::System),
    ("shards", Resource::System),
    ("query_log", Resource::System),
    ("audit_log", Resource::System),
    ("core_value", Resource::Value),
    ("core_valuestatistics", Resource::Statistic),
    ("core_data", Resource::Data),
    ("core_device", Resource::Device),
    ("core_eventlog", Resource::EventLog),
];

/// Returns the scope needed to read a table, or `None` when there is no such table.
pub fn scope_of(table: &str) -> Option<Scope> {
    TABLES.iter().find(|(name, _)| *name == table).map(|(_, resource)| Scope::read(*resource))
}

/// Whether the table is one of the views, which are plans over other tables.
pub fn is_view(table: &str) -> bool {
    table.starts_with("core_")
}

/// Whether the principal may read a table.
pub fn may_read(principal: &Principal, table: &str) -> bool {
    scope_of(table).is_some_and(|scope| principal.scopes.allows(scope))
}

/// Fails with `Forbidden`, naming table and scope, for the first table that the principal may not read. Unknown tables
/// pass: planning reports them better.
pub fn check(principal: &Principal, tables: &[TableReference]) -> Result<()> {
    for table in tables {
        match scope_of(table.table()) {
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
