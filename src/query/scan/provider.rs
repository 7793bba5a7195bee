//! A table of SQL out of what is particular to it.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

/// What differs from table to table.
pub trait Scan: fmt::Debug + Send + Sync + 'static {
    fn schema(&self) -> SchemaRef;

    /// How far `plan` heeds a filter: one that it does not apply exactly stays above.
    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown;

    /// The rows; `columns` are indices into `schema`, `filters` are those not `Unsupported`. A limit is no business of
    /// it: it cannot be used below the principal's filter.
    fn plan(
        &self,
        state: &dyn Session,
        columns: &[usize],
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>>;
}

/// For a filter that narrows what is read, if it does, and stays above.
pub fn hint(narrows: bool) -> TableProviderFilterPushDown {
    match narrows {
        true => TableProviderFilterPushDown::Inexact,
        false => TableProviderFilterPushDown::Unsupported,
    }
}

/// A scan as DataFusion knows tables.
#[derive(Debug)]
pub struct Provider<S>(pub S);

#[async_trait]
impl<S: Scan> TableProvider for Provider<S> {
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
