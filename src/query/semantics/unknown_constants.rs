//! Physical rule: hides from aggregates and joins what is known of columns whose values change: grouping sets and outer joins fill
//! columns with NULL, but DataFusion (55) still takes them for constant and equal above, and leaves out sorts and merges
//! of groups (its issues #16965 and #24421, mended by its pull request #24422 after release 55; `EquivalenceGroup::join`). Below a
//! union a constant leaves the key of a sort out that the merge above asks for (`SanityCheckPlan` refuses the plan).
//!
//! It also takes the limit off a sort and puts it above: `EnsureRequirements` removes a needless sort with its limit (#21169, #24807),
//! or hands the limit down to a merge below windows and aggregates, which then see the first rows only
//! (`plan_with_order_preserving_variants`; #24927 is of the same kind). `LimitPushdown` gives it back to a sort that stays.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::JoinType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::exec_err;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, PhysicalGroupBy};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, ReplaceChildrenOptions,
};
use datafusion::scalar::ScalarValue;

const NAME: &str = "value_of_any_row";

/// `value_of_any_row(x, value_of_any_row(), place)`: its first argument. DataFusion takes an expression for constant when everything that
/// it is made of is (`EquivalenceGroup::is_expr_constant`), whether or not its function is volatile. A call without
/// arguments is the one thing that never is.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ValueOfAnyRow {
    signature: Signature,
}

impl Default for ValueOfAnyRow {
    fn default() -> Self {
        Self { signature: Signature::any(3, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ValueOfAnyRow {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [data_type, _, _] => Ok(data_type.clone()),
            _ => exec_err!("{NAME} takes three arguments"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        match args.arg_fields {
            [field, _, _] => Ok(Arc::clone(field)),
            _ => exec_err!("{NAME} takes three arguments"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [] => Ok(ColumnarValue::Scalar(ScalarValue::Null)),
            [value, _, _] => Ok(value.clone()),
            _ => exec_err!("{NAME} takes three arguments"),
        }
    }
}

/// Hides constants below grouping sets, outer joins and unions, and takes the limits of sorts above them.
#[derive(Debug)]
pub struct ForgetConstants;

impl PhysicalOptimizerRule for ForgetConstants {
    fn name(&self) -> &str {
        "forget_constants"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let config = Arc::new(config.clone());
        Ok(plan.transform_up(|node| rewrite(node, &config))?.data)
    }
}

fn rewrite(
    node: Arc<dyn ExecutionPlan>,
    config: &Arc<ConfigOptions>,
) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    if let Some(sort) = node.downcast_ref::<SortExec>() {
        let Some(fetch) = sort.fetch().filter(|_| !sort.preserve_partitioning()) else {
            return Ok(Transformed::no(node));
        };
        // Without a limit a sort would be taken below a join, where `LimitPushdown` does not give it back.
        let unlimited = match is_of_single_rows(sort.input()) {
            true => node,
            false => Arc::new(sort.with_fetch(None)),
        };
        return Ok(Transformed::yes(Arc::new(GlobalLimitExec::new(unlimited, 0, Some(fetch)))));
    }
    if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
        return match aggregate.group_expr().has_grouping_set() {
            true => Ok(Transformed::yes(Arc::new(hide_groups(aggregate, config)?))),
            false => Ok(Transformed::no(node)),
        };
    }
    let extended = extended_inputs(node.as_ref());
    if extended.is_empty() {
        return Ok(Transformed::no(node));
    }
    let mut children: Vec<_> = node.children().into_iter().cloned().collect();
    let mut is_changed = false;
    for input in extended {
        if let Some(hidden) = hide_constants(&children[input], config)? {
            children[input] = hidden;
            is_changed = true;
        }
    }
    if !is_changed {
        return Ok(Transformed::no(node));
    }
    let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Ok(Transformed::yes(node.replace_children(children, recompute)?))
}

/// Whether each row of a plan is made of one row of each of its leaves.
fn is_of_single_rows(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let children = plan.children();
    let is_of_rows = plan.is::<ProjectionExec>() || plan.is::<FilterExec>() || is_join(plan.as_ref());
    children.is_empty() || (is_of_rows && children.into_iter().all(is_of_single_rows))
}

fn is_join(plan: &dyn ExecutionPlan) -> bool {
    plan.is::<HashJoinExec>() || plan.is::<NestedLoopJoinExec>() || plan.is::<SortMergeJoinExec>()
}

/// The inputs of an outer join whose columns may be NULL in its rows, and those of a union, whose columns have another value in the rows
/// of others.
fn extended_inputs(node: &dyn ExecutionPlan) -> Vec<usize> {
    if node.is::<UnionExec>() {
        return (0..node.children().len()).collect();
    }
    let join_type = if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        *join.join_type()
    } else if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        *join.join_type()
    } else if let Some(join) = node.downcast_ref::<SortMergeJoinExec>() {
        join.join_type()
    } else {
        return Vec::new();
    };
    match join_type {
        JoinType::Left => vec![1],
        JoinType::Right => vec![0],
        JoinType::Full => vec![0, 1],
        _ => Vec::new(),
    }
}

/// The grouping sets of keys that are neither constant, equal nor sorted, as far as is known: a set makes NULL of one of two
/// equal keys too.
fn hide_groups(aggregate: &AggregateExec, config: &Arc<ConfigOptions>) -> Result<AggregateExec> {
    let (sets, input) = (aggregate.group_expr(), aggregate.input());
    let schema = input.schema();
    let mut keys = Vec::with_capacity(sets.expr().len());
    for (place, (key, name)) in sets.expr().iter().enumerate() {
        let field = key.return_field(&schema)?;
        keys.push((hidden(Arc::clone(key), field, place, config), name.clone()));
    }
    let sets = PhysicalGroupBy::new(keys, sets.null_expr().to_vec(), sets.groups().to_vec(), true);
    let hiding = AggregateExec::try_new(
        *aggregate.mode(),
        sets,
        aggregate.aggr_expr().to_vec(),
        aggregate.filter_expr().to_vec(),
        Arc::clone(input),
        aggregate.input_schema(),
    )?;
    Ok(hiding.with_limit_options(aggregate.limit_options()))
}

/// The input below a projection that hides what is known of its columns; `None` where nothing is that NULL would change.
fn hide_constants(
    input: &Arc<dyn ExecutionPlan>,
    config: &Arc<ConfigOptions>,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let known = changed_by_null(input.equivalence_properties());
    if known.is_empty() {
        return Ok(None);
    }
    let schema = input.schema();
    let projected = schema.fields().iter().enumerate().map(|(place, field)| {
        let column = Column::new(field.name(), place);
        let is_hidden = known.contains(&column);
        let column: Arc<dyn PhysicalExpr> = Arc::new(column);
        let expr = if is_hidden { hidden(column, Arc::clone(field), place, config) } else { column };
        ProjectionExpr::new(expr, field.name().to_owned())
    });
    Ok(Some(Arc::new(ProjectionExec::try_new(projected, Arc::clone(input))?)))
}

/// The columns of constants, and of expressions that equal another: `coalesce(a, 1) = b` no longer holds where both columns are
/// NULL. Columns that equal each other still do.
fn changed_by_null(properties: &EquivalenceProperties) -> HashSet<Column> {
    let constants = properties.constants();
    let equal = properties.eq_group().iter().flat_map(|class| class.iter());
    let calculated = equal.filter(|expr| !expr.is::<Column>());
    constants.iter().map(|constant| &constant.expr).chain(calculated).flat_map(collect_columns).collect()
}

/// An expression of which nothing is known. Those of different places are not equal either.
fn hidden(
    expr: Arc<dyn PhysicalExpr>,
    field: FieldRef,
    place: usize,
    config: &Arc<ConfigOptions>,
) -> Arc<dyn PhysicalExpr> {
    let function = Arc::new(ScalarUDF::from(ValueOfAnyRow::default()));
    let call = |args, field| -> Arc<dyn PhysicalExpr> {
        // A node that computes a part of a query finds the function by this name.
        Arc::new(ScalarFunctionExpr::new(NAME, Arc::clone(&function), args, field, Arc::clone(config)))
    };
    let unknown = call(Vec::new(), Arc::new(Field::new(NAME, DataType::Null, true)));
    let place = ScalarValue::UInt64(u64::try_from(place).ok());
    call(vec![expr, unknown, Arc::new(Literal::new(place))], field)
}
