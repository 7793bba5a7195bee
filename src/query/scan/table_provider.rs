//! Adapter that makes a DataFusion table of a [`ScanPlanner`].

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

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

#[async_trait]
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

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match projection {
            Some(columns) => self.0.plan(state, columns, filters),
            None => {
                let every: Vec<usize> = (0..self.0.schema().fields().len()).collect();
                self.0.plan(state, &every, filters)
            }
        }
    }
}
