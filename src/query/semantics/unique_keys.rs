//! Keys of a subquery with GROUP BY that a join repeats. DataFusion (55) takes such a key for one of all that is grouped above the join
//! (`aggregate_functional_dependencies` ignores `Dependency::Multi`), and leaves out other keys of GROUP BY, DISTINCT and ORDER BY:
//! `SELECT s.id, r.day … JOIN (SELECT id … GROUP BY id) s … GROUP BY 1, 2 ORDER BY 1, 2` came in any order of days.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Dependency, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Distinct, Expr, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

const NAME: &str = "repeated_key";

/// `repeated_key(x)`: its argument, which is not known to be a key.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct RepeatedKey {
    signature: Signature,
}

impl Default for RepeatedKey {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for RepeatedKey {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [data_type] => Ok(data_type.clone()),
            _ => exec_err!("{NAME} takes one argument"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        match args.arg_fields {
            [field] => Ok(Arc::clone(field)),
            _ => exec_err!("{NAME} takes one argument"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [value] => Ok(value.clone()),
            _ => exec_err!("{NAME} takes one argument"),
        }
    }
}

/// Hides from a GROUP BY or DISTINCT which columns of its input are repeated keys.
pub(super) fn hide(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let input = match &node {
        LogicalPlan::Aggregate(aggregate) if !aggregate.group_expr.is_empty() => &aggregate.input,
        LogicalPlan::Distinct(Distinct::All(input)) => input,
        LogicalPlan::Distinct(Distinct::On(on)) => &on.input,
        _ => return Ok(Transformed::no(node)),
    };
    let Some(hidden) = without_repeated_keys(input)? else { return Ok(Transformed::no(node)) };
    Ok(Transformed::yes(match node {
        LogicalPlan::Distinct(Distinct::On(mut on)) => {
            on.input = Arc::new(hidden);
            LogicalPlan::Distinct(Distinct::On(on))
        }
        node => node.with_new_exprs(node.expressions(), vec![hidden])?,
    }))
}

/// A projection of all columns that hides which are repeated keys; `None` where none is.
fn without_repeated_keys(input: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let schema = input.schema();
    let repeated = schema.functional_dependencies().iter().filter(|key| key.mode == Dependency::Multi);
    let repeated: HashSet<usize> = repeated.flat_map(|key| key.source_indices.iter().copied()).collect();
    if repeated.is_empty() {
        return Ok(None);
    }
    let columns = schema.iter().enumerate().map(|(place, (table, field))| {
        let column = Expr::Column(Column::from((table, field)));
        match repeated.contains(&place) {
            true => ScalarUDF::from(RepeatedKey::default())
                .call(vec![column])
                .alias_qualified(table.cloned(), field.name()),
            false => column,
        }
    });
    LogicalPlanBuilder::from(input.clone()).project(columns)?.build().map(Some)
}

/// Computes the keys of all nodes anew: those above a hidden one still have it.
pub(super) fn forget_above(plan: LogicalPlan) -> Result<LogicalPlan> {
    let changed = plan.transform_up_with_subqueries(|node| match node {
        // The types of the one are not found out again; the other has no keys.
        LogicalPlan::Values(_) | LogicalPlan::Distinct(Distinct::On(_)) => Ok(Transformed::no(node)),
        node => Ok(Transformed::yes(node.recompute_schema()?)),
    })?;
    Ok(changed.data)
}
