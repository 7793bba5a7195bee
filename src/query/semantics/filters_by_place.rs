//! Physical rule: takes filters below projections with two columns of one name. DataFusion (55) passes a filter through a projection by the
//! names of its columns (`FilterRemapper::try_remap`), and above a join whose sides it swapped is such a projection: a filter of
//! `a.x` became one of `b.x`.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::update_expr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;

/// Takes filters below projections with two columns of one name, by the places of the columns.
#[derive(Debug)]
pub struct FiltersByPlace;

impl PhysicalOptimizerRule for FiltersByPlace {
    fn name(&self) -> &str {
        "filters_by_place"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(plan.transform_down(take_below)?.data)
    }
}

fn take_below(node: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    match swapped(node.as_ref())? {
        Some(swapped) => Ok(Transformed::yes(swapped)),
        None => Ok(Transformed::no(node)),
    }
}

/// The projection above the filter, where there is a filter above such a projection.
fn swapped(node: &dyn ExecutionPlan) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(filter) = node.downcast_ref::<FilterExec>() else { return Ok(None) };
    let Some(projection) = filter.input().downcast_ref::<ProjectionExec>() else { return Ok(None) };
    let is_plain = filter.projection().is_none() && filter.fetch().is_none();
    let has_columns_alone = projection.expr().iter().all(|item| item.expr.downcast_ref::<Column>().is_some());
    if !is_plain || !has_columns_alone || !has_repeated_name(&projection.schema()) {
        return Ok(None);
    }
    let Some(predicate) = update_expr(filter.predicate(), projection.expr(), true)? else { return Ok(None) };
    let below = FilterExec::try_new(predicate, Arc::clone(projection.input()))?
        .with_default_selectivity(filter.default_selectivity())?
        .with_batch_size(filter.batch_size())?;
    Ok(Some(Arc::new(ProjectionExec::try_new(projection.expr().to_vec(), Arc::new(below))?)))
}

fn has_repeated_name(schema: &Schema) -> bool {
    let mut names = HashSet::new();
    !schema.fields().iter().all(|field| names.insert(field.name()))
}
