//! Physical rule: filters that a projection is above of have no projection of their own. DataFusion (55) takes the columns of that
//! projection, which count what the filter gives, for those of the filter's input where it swaps the two
//! (`FilterExec::try_swapping_with_projection`): above a join of two tables with `value` a filter of `a.value` became one of `b.value`.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::ProjectionExec;

/// Merges the projections of filters with the projections above them.
#[derive(Debug)]
pub struct FilterProjections;

impl PhysicalOptimizerRule for FilterProjections {
    fn name(&self) -> &str {
        "filter_projections"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(plan.transform_down(merge)?.data)
    }
}

fn merge(node: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    match merged(node.as_ref())? {
        Some(merged) => Ok(Transformed::yes(merged)),
        None => Ok(Transformed::no(node)),
    }
}

/// The projection above a filter without one, where there is a projection above a filter with one.
fn merged(node: &dyn ExecutionPlan) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(projection) = node.downcast_ref::<ProjectionExec>() else { return Ok(None) };
    let Some(filter) = projection.input().downcast_ref::<FilterExec>() else { return Ok(None) };
    let Some(places) = filter.projection() else { return Ok(None) };
    let below = filter.input().schema();
    let column_below = |expr: Arc<dyn PhysicalExpr>| {
        let Some(column) = expr.downcast_ref::<Column>() else { return Ok(Transformed::no(expr)) };
        let place = places.get(column.index());
        let place = *place.ok_or_else(|| internal_datafusion_err!("the filter gives no {column}"))?;
        let below: Arc<dyn PhysicalExpr> = Arc::new(Column::new(below.field(place).name(), place));
        Ok(Transformed::yes(below))
    };
    let mut items = Vec::new();
    for item in projection.expr() {
        let expr = Arc::clone(&item.expr).transform_down(column_below)?.data;
        items.push(ProjectionExpr { expr, alias: item.alias.clone() });
    }
    let filter = FilterExecBuilder::from(filter).apply_projection(None)?.build()?;
    let merged = ProjectionExec::try_new(items, Arc::new(filter))?;
    // One that sets metadata of its own is left, also by the rule that swaps them.
    let is_same = merged.schema() == projection.schema();
    Ok(is_same.then(|| Arc::new(merged) as Arc<dyn ExecutionPlan>))
}
