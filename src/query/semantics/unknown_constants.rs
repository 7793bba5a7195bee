//! Physical rule: hides from aggregates and joins that a column of their input is constant, where their own rows have
//! further values of it. Grouping sets and outer joins fill columns with NULL, but DataFusion (55) still takes them for
//! constant above, and leaves out sorts and merges of groups (its issues #16965 and #24421, mended by its pull request
//! #24422 after release 55; `EquivalenceGroup::join`).
//!
//! It also limits what a sort with a limit returns: the rule that removes a needless sort removes its limit too (#21169,
//! #24807).

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::JoinType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::exec_err;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, ReplaceChildrenOptions,
};

const NAME: &str = "value_of_any_row";

/// `value_of_any_row(x)`: its argument. Nobody knows that it is constant.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ValueOfAnyRow {
    signature: Signature,
}

impl Default for ValueOfAnyRow {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
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

/// Hides constants below grouping sets and outer joins, and keeps the limits of sorts.
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
        return Ok(Transformed::yes(Arc::new(GlobalLimitExec::new(node, 0, Some(fetch)))));
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

/// The inputs whose columns have further values, or NULL, in the rows of an operator.
fn extended_inputs(node: &dyn ExecutionPlan) -> Vec<usize> {
    let join_type = if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        *join.join_type()
    } else if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        *join.join_type()
    } else if let Some(join) = node.downcast_ref::<SortMergeJoinExec>() {
        join.join_type()
    } else if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
        return if aggregate.group_expr().has_grouping_set() { vec![0] } else { Vec::new() };
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

/// The input below a projection that hides its constants; `None` when it has none.
fn hide_constants(
    input: &Arc<dyn ExecutionPlan>,
    config: &Arc<ConfigOptions>,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let constants = input.equivalence_properties().constants();
    let is_constant =
        |column: &Column| constants.iter().any(|of| of.expr.downcast_ref::<Column>() == Some(column));
    let schema = input.schema();
    let columns: Vec<Column> =
        schema.fields().iter().enumerate().map(|(at, field)| Column::new(field.name(), at)).collect();
    if !columns.iter().any(is_constant) {
        return Ok(None);
    }
    let function = Arc::new(ScalarUDF::from(ValueOfAnyRow::default()));
    let projected = columns.into_iter().enumerate().map(|(at, column)| {
        let (name, is_hidden) = (column.name().to_owned(), is_constant(&column));
        let column: Arc<dyn PhysicalExpr> = Arc::new(column);
        let expr = if is_hidden {
            let field = Arc::clone(&schema.fields()[at]);
            Arc::new(ScalarFunctionExpr::new(
                NAME,
                Arc::clone(&function),
                vec![column],
                field,
                Arc::clone(config),
            ))
        } else {
            column
        };
        ProjectionExpr::new(expr, name)
    });
    Ok(Some(Arc::new(ProjectionExec::try_new(projected, Arc::clone(input))?)))
}
