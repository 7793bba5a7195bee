//! Adapter that makes a DataFusion table of a [`ScanPlanner`].

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
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
        let plan = match projection {
            Some(columns) => self.0.plan(state, columns, filters),
            None => {
                let every: Vec<usize> = (0..self.0.schema().fields().len()).collect();
                self.0.plan(state, &every, filters)
            }
        };
        ready(plan).boxed()
    }
}
