//! Cache of planned statements: a dashboard repeats its statements with other parameters.
//!
//! Cached plans are caller-independent: they are cached before parameters have values and before they are optimized,
//! and their tables are stripped and re-bound per request. They contain no principal, snapshot or row. A plan in which
//! anything else could belong to a caller is not cached. Entries are still separate by organization: the time of a
//! response must not reveal that another organization runs the same statement.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{TableReference, plan_datafusion_err};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::expr::WindowFunctionDefinition;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan, TableSource, TableType};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Equivalent, OptionsBuilder, Weighter};

use super::context::QueryContext;
use super::postgres::StatementNotes;
use super::principal_catalog::PrincipalCatalog;
use super::schema_names::SCHEMA;
use super::scopes::QueryTable;
use crate::domain::OrgId;

/// Maximum bytes of the cached statements' texts. A plan takes some tens of times its text.
const MAX_CACHED_TEXT_BYTES: usize = 64 << 10;
/// A shorter text counts as this many bytes.
const MIN_ENTRY_BYTES: usize = 256;

/// The plan of a statement, with its parameters unbound.
#[derive(Debug)]
pub(super) struct PlannedStatement {
    pub plan: LogicalPlan,
    /// Whether the plan has bounded functions (`guard::bounded_function`), which need the query's interrupt.
    pub has_bounded: bool,
    /// Names and types that only PostgreSQL clients are told.
    pub notes: StatementNotes,
}

/// Cached plans by organization and statement text.
#[derive(Debug)]
pub struct PlanCache(Cache<PlanKey, Arc<CachedPlan>, TextBytes>);

/// Cache key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PlanKey {
    org: OrgId,
    text: String,
}

/// Borrowed cache key, so that a lookup needs no copy of the statement. It has the fields of `PlanKey` in the same
/// order, and therefore the same hash.
#[derive(Hash)]
struct PlanKeyRef<'a> {
    org: OrgId,
    text: &'a str,
}

impl Equivalent<PlanKey> for PlanKeyRef<'_> {
    fn equivalent(&self, key: &PlanKey) -> bool {
        (self.org, self.text) == (key.org, key.text.as_str())
    }
}

/// Weighs plans by the bytes of their statement.
#[derive(Debug, Clone, Copy)]
struct TextBytes;

impl Weighter<PlanKey, Arc<CachedPlan>> for TextBytes {
    fn weight(&self, key: &PlanKey, _: &Arc<CachedPlan>) -> u64 {
        key.text.len().max(MIN_ENTRY_BYTES) as u64
    }
}

/// The plan of a read-only statement, with its tables stripped.
#[derive(Debug)]
pub struct CachedPlan {
    pub tables: Vec<TableReference>,
    /// Whether the plan has bounded functions (`guard::bounded_function`).
    pub has_bounded: bool,
    plan: LogicalPlan,
}

impl Default for PlanCache {
    fn default() -> Self {
        let options = OptionsBuilder::new()
            // More would not admit a statement that takes most of the cache.
            .shards(1)
            .estimated_items_capacity(MAX_CACHED_TEXT_BYTES / MIN_ENTRY_BYTES)
            // As many evicted statements are remembered as fit, so that new ones are admitted when they come again.
            .ghost_allocation(1.0)
            .weight_capacity(MAX_CACHED_TEXT_BYTES as u64)
            .build()
            .expect("both capacities are set");
        Self(Cache::with_options(
            options,
            TextBytes,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        ))
    }
}

impl PlanCache {
    /// Returns the plan of a statement of exactly this text; `None` when it is not cached for the organization.
    pub fn get(&self, org: OrgId, text: &str) -> Option<Arc<CachedPlan>> {
        self.0.get(&PlanKeyRef { org, text })
    }

    /// Caches the plan of a statement over `tables` for its organization, unless part of it belongs to the caller.
    /// Sessions are copies of `template`.
    pub fn put(
        &self,
        (org, text): (OrgId, &str),
        tables: Vec<TableReference>,
        PlannedStatement { plan, has_bounded, .. }: &PlannedStatement,
        template: &SessionState,
    ) -> Result<()> {
        if !tables.iter().all(is_base_table) || has_session_function(plan, template)? {
            return Ok(());
        }
        if let Some(plan) = without_tables(plan.clone(), &tables)? {
            let statement = CachedPlan { tables, has_bounded: *has_bounded, plan };
            self.0.insert(PlanKey { org, text: text.to_owned() }, Arc::new(statement));
        }
        Ok(())
    }
}

impl CachedPlan {
    /// Returns the plan over the tables of `query_context`; each is looked up once, however often it is named.
    pub fn bind_tables(&self, query_context: &QueryContext) -> Result<LogicalPlan> {
        let catalog = PrincipalCatalog::new(query_context);
        let mut found: HashMap<String, Arc<dyn TableSource>> = HashMap::new();
        with_tables(self.plan.clone(), |scan| {
            let name = scan.table_name.table();
            let source = match found.get(name) {
                Some(source) => source.clone(),
                None => {
                    let table = catalog.find_table(name)?;
                    let table = table.ok_or_else(|| plan_datafusion_err!("there is no table `{name}`"))?;
                    found.entry(name.to_owned()).or_insert(provider_as_source(table)).clone()
                }
            };
            Ok(TableScan { source, ..scan })
        })
    }
}

/// Placeholder for a table in a cached plan.
struct UnboundTable(SchemaRef);

impl TableSource for UnboundTable {
    fn schema(&self) -> SchemaRef {
        self.0.clone()
    }
}

/// Accepts only base tables: views are plans over other tables, whose names are not in the statement.
fn is_base_table(table: &TableReference) -> bool {
    let is_ours = table.schema().is_none_or(|schema| schema == SCHEMA);
    is_ours && QueryTable::from_name(table.table()).is_some_and(|table| !table.is_view())
}

/// Whether the plan has a function made for one session: it may contain the caller.
fn has_session_function(plan: &LogicalPlan, template: &SessionState) -> Result<bool> {
    let is_own = |expr: &Expr| match expr {
        Expr::WindowFunction(call) => match &call.fun {
            WindowFunctionDefinition::WindowUDF(function) => {
                let shared = template.window_functions().get(function.name());
                !shared.is_some_and(|shared| Arc::ptr_eq(shared, function))
            }
            WindowFunctionDefinition::AggregateUDF(_) => false,
        },
        _ => false,
    };
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            found |= expr.exists(|expr| Ok(is_own(expr)))?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

/// Returns `None` if a scan reads something that the statement does not name.
fn without_tables(plan: LogicalPlan, tables: &[TableReference]) -> Result<Option<LogicalPlan>> {
    let mut is_all = true;
    let plan = with_tables(plan, |scan| {
        let is_named = tables.iter().any(|table| table.table() == scan.table_name.table());
        is_all &= is_named && scan.source.table_type() == TableType::Base;
        let source = Arc::new(UnboundTable(scan.source.schema()));
        Ok(TableScan { source, ..scan })
    })?;
    Ok(is_all.then_some(plan))
}

fn with_tables(
    plan: LogicalPlan,
    mut change: impl FnMut(TableScan) -> Result<TableScan>,
) -> Result<LogicalPlan> {
    let changed = plan.transform_down_with_subqueries(|node| match node {
        LogicalPlan::TableScan(scan) => Ok(Transformed::yes(LogicalPlan::TableScan(change(scan)?))),
        other => Ok(Transformed::no(other)),
    });
    Ok(changed?.data)
}

#[cfg(test)]
#[path = "plan_cache_tests.rs"]
mod tests;
