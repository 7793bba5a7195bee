//! Gives each scan of a table function a name of its own.
//!
//! DataFusion takes scans for equal whose tables have one name, whatever the tables are, and `generate_series(1, 3)` and
//! `generate_series(1, 5)` are both tables called `generate_series()`. Common subexpression elimination would answer two
//! subqueries over them with the result of one. Scans of partials have names of their own for the same reason
//! (`rollup/rule.rs`).

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, TableScan};

/// Ending that the SQL planner gives to the name of a function, except after LATERAL.
const FUNCTION_ENDING: &str = "()";

/// Numbers the scans of table functions in a plan, in its subqueries too. Their columns keep their names.
pub fn name_apart(plan: LogicalPlan, session: &SessionState) -> Result<LogicalPlan> {
    let is_function =
        |name: &str| session.table_functions().contains_key(name.trim_end_matches(FUNCTION_ENDING));
    let mut number = 0;
    let named = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::TableScan(scan) if is_function(scan.table_name.table()) => {
            number += 1;
            let TableScan { table_name, source, projection, filters, fetch, .. } = scan;
            let name = format!("{}_{number}", table_name.table());
            let scan = LogicalPlanBuilder::scan_with_filters_fetch(name, source, projection, filters, fetch)?;
            Ok(Transformed::yes(scan.alias(table_name)?.build()?))
        }
        other => Ok(Transformed::no(other)),
    });
    Ok(named?.data)
}
