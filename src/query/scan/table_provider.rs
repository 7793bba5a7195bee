//! Adapter that makes a DataFusion table of a [`ScanPlanner`].

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExecBuilder;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};

/// Schema, filter pushdown and scan of a table.
pub trait ScanPlanner: fmt::Debug + Send + Sync + 'static {
    fn schema(&self) -> SchemaRef;

    /// Returns how far `plan` applies a filter. A filter that it does not apply exactly is evaluated above the scan.
    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown;

    /// Plans the scan; `columns` are indices into `schema`, `filters` are those not `Unsupported`. There is no limit:
    /// none can be applied below the principal's filter.
    fn plan(
        &self,
        state: &dyn Session,
        columns: &[usize],
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>>;
}

/// Returns the pushdown of a filter that may narrow the scan but is always evaluated above it.
pub fn pruning_only(narrows: bool) -> TableProviderFilterPushDown {
    match narrows {
        true => TableProviderFilterPushDown::Inexact,
        false => TableProviderFilterPushDown::Unsupported,
    }
}

/// A [`ScanPlanner`] as a DataFusion table.
#[derive(Debug)]
pub struct ScanProvider<S>(pub S);

impl<S: ScanPlanner> TableProvider for ScanProvider<S> {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters.iter().map(|filter| self.0.pushdown(filter)).collect())
    }

    // Spelled as `async_trait` does, but for the future: see `domain::type_erased`.
    fn scan<'life0, 'life1, 'life2, 'life3, 'async_trait>(
        &'life0 self,
        state: &'life1 dyn Session,
        projection: Option<&'life2 Vec<usize>>,
        filters: &'life3 [Expr],
        _limit: Option<usize>,
    ) -> BoxFuture<'async_trait, Result<Arc<dyn ExecutionPlan>>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        'life3: 'async_trait,
        Self: 'async_trait,
    {
        let every: Vec<usize>;
        let columns = match projection {
            Some(columns) => columns,
            None => {
                every = (0..self.0.schema().fields().len()).collect();
                &every
            }
        };
        let plan = self.plan_with_rewritten(state, columns, filters);
        ready(plan).boxed()
    }
}

impl<S: ScanPlanner> ScanProvider<S> {
    /// Plans a scan, and a filter above it of those that are `Unsupported` by now: nothing else evaluates what was `Exact` before a later
    /// pass of the optimizer wrote it otherwise (`x IN (1, NULL)` becomes `x = 1 OR NULL`).
    fn plan_with_rewritten(
        &self,
        state: &dyn Session,
        columns: &[usize],
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let is_rewritten =
            |filter: &Expr| self.0.pushdown(filter) == TableProviderFilterPushDown::Unsupported;
        let (rewritten, filters): (Vec<Expr>, Vec<Expr>) = filters.iter().cloned().partition(is_rewritten);
        let Some(condition) = conjunction(rewritten) else { return self.0.plan(state, columns, &filters) };
        let schema = self.0.schema();
        let mut read = columns.to_vec();
        for column in condition.column_refs() {
            let at = schema.index_of(&column.name)?;
            if !read.contains(&at) {
                read.push(at);
            }
        }
        let rows = self.0.plan(state, &read, &filters)?;
        let condition = state.create_physical_expr(condition, &DFSchema::try_from(rows.schema())?)?;
        let shown = (0..columns.len()).collect();
        let filter = FilterExecBuilder::new(condition, rows).apply_projection(Some(shown))?;
        Ok(Arc::new(filter.build()?))
    }
}
