//! Statements that were planned before: a dashboard asks the same ones again and again, with other parameters.
//!
//! What is kept is of nobody. Plans are kept before parameters have values and before they are optimized, and their
//! tables are taken out of them: there is no principal, no snapshot and no row in one. A plan in which anything else
//! could be of somebody is not kept. Yet one organization never finds what another asked for: how fast an answer comes
//! must not tell that somebody else asks the same.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{TableReference, plan_datafusion_err};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::expr::WindowFunctionDefinition;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan, TableSource, TableType};

use super::plan::Planned;
use super::scopes;
use super::session::{SCHEMA, View};
use crate::domain::OrgId;
use crate::store::lake::recent::Recent;

/// Texts of kept plans together, bytes. A plan takes some tens of times its text.
const TEXT_BYTES: usize = 64 << 10;
/// A shorter text counts as so much.
const LEAST_BYTES: usize = 256;

/// What was planned, by organization and text.
#[derive(Debug)]
pub struct Known(Recent<Asked, Arc<Statement>>);

/// Who asked what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Asked {
    org: OrgId,
    text: String,
}

/// The same, owned or not: a statement is looked up by the text that was sent, without a copy of it.
trait Ask {
    fn parts(&self) -> (OrgId, &str);
}

impl Ask for Asked {
    fn parts(&self) -> (OrgId, &str) {
        (self.org, &self.text)
    }
}

impl Ask for (OrgId, &str) {
    fn parts(&self) -> (OrgId, &str) {
        *self
    }
}

impl Hash for dyn Ask + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `Asked` derives it: the map finds by one what it keeps by the other.
        let (org, text) = self.parts();
        org.hash(state);
        text.hash(state);
    }
}

impl PartialEq for dyn Ask + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn Ask + '_ {}

impl<'a> Borrow<dyn Ask + 'a> for Asked {
    fn borrow(&self) -> &(dyn Ask + 'a) {
        self
    }
}

/// A statement that only reads, planned.
#[derive(Debug)]
pub struct Statement {
    pub tables: Vec<TableReference>,
    /// Whether functions of it are bounded (`guard::bounded`).
    pub has_bounded: bool,
    plan: LogicalPlan,
}

impl Default for Known {
    fn default() -> Self {
        Self(Recent::new(TEXT_BYTES))
    }
}

impl Known {
    pub fn get(&self, org: OrgId, text: &str) -> Option<Arc<Statement>> {
        self.0.get(&(org, text) as &dyn Ask)
    }

    /// Keeps the plan of a statement over `tables` for its organization, if nothing of it is of the one who asked. `template` is what
    /// sessions are made of.
    pub fn put(
        &self,
        (org, text): (OrgId, &str),
        tables: Vec<TableReference>,
        Planned { plan, has_bounded }: &Planned,
        template: &SessionState,
    ) -> Result<()> {
        if !tables.iter().all(is_own_table) || has_own_function(plan, template)? {
            return Ok(());
        }
        if let Some(plan) = without_tables(plan.clone(), &tables)? {
            let bytes = text.len().max(LEAST_BYTES);
            let statement = Statement { tables, has_bounded: *has_bounded, plan };
            self.0.put(Asked { org, text: text.to_owned() }, Arc::new(statement), bytes);
        }
        Ok(())
    }
}

impl Statement {
    /// The plan over the tables that a view shows, each looked up once however often it is named.
    pub fn over(&self, view: &View) -> Result<LogicalPlan> {
        let mut found: HashMap<String, Arc<dyn TableSource>> = HashMap::new();
        with_tables(self.plan.clone(), |scan| {
            let name = scan.table_name.table();
            let source = match found.get(name) {
                Some(source) => source.clone(),
                None => {
                    let table = view.table(name)?;
                    let table = table.ok_or_else(|| plan_datafusion_err!("there is no table `{name}`"))?;
                    found.entry(name.to_owned()).or_insert(provider_as_source(table)).clone()
                }
            };
            Ok(TableScan { source, ..scan })
        })
    }
}

/// Stands where a table of a kept plan was.
struct Nothing(SchemaRef);

impl TableSource for Nothing {
    fn schema(&self) -> SchemaRef {
        self.0.clone()
    }
}

/// Tables alone: views are plans over other tables, under names that are not in the statement.
fn is_own_table(table: &TableReference) -> bool {
    let is_ours = table.schema().is_none_or(|schema| schema == SCHEMA);
    is_ours && scopes::scope_of(table.table()).is_some() && !scopes::is_view(table.table())
}

/// Whether there is a function that was made for this session alone: it may hold who asked.
fn has_own_function(plan: &LogicalPlan, template: &SessionState) -> Result<bool> {
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

/// `None` if a scan is of something that the statement does not name.
fn without_tables(plan: LogicalPlan, tables: &[TableReference]) -> Result<Option<LogicalPlan>> {
    let mut is_all = true;
    let plan = with_tables(plan, |scan| {
        let is_named = tables.iter().any(|table| table.table() == scan.table_name.table());
        is_all &= is_named && scan.source.table_type() == TableType::Base;
        let source = Arc::new(Nothing(scan.source.schema()));
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
#[path = "known_tests.rs"]
mod tests;
