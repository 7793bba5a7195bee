//! `readings(stream_id, ts, value, text, quality, seq)`: every visible reading, one row a (stream_id, ts).

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::query::scan::bounds::{self, Bounds};
use crate::query::scan::plan::ReadingsScan;
use crate::query::session::View;
use crate::store::schema;

/// Readings of one snapshot, as one principal sees them.
#[derive(Debug)]
pub struct Readings {
    view: View,
}

impl Readings {
    pub fn new(view: View) -> Self {
        Self { view }
    }

    pub fn view(&self) -> &View {
        &self.view
    }
}

#[async_trait]
impl TableProvider for Readings {
    fn schema(&self) -> SchemaRef {
        schema::readings()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let answer = |filter: &&Expr| {
            if bounds::is_plain(filter) {
                TableProviderFilterPushDown::Exact
            } else if bounds::is_of_value(filter) {
                // A hint: it chooses pages, and the filter itself stays above the principal's.
                TableProviderFilterPushDown::Inexact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        };
        Ok(filters.iter().map(answer).collect())
    }

    /// The limit is a hint that cannot be used below the principal's filter.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (bounds, rest) = Bounds::split(filters);
        let plain = rest.into_iter().filter(bounds::is_plain);
        let filter = match conjunction(plain) {
            Some(all) => Some(state.create_physical_expr(all, &DFSchema::try_from(schema::readings())?)?),
            None => None,
        };
        let partitions = state.config().target_partitions();
        let scan = ReadingsScan { view: &self.view, bounds, filter, partitions };
        scan.plan(projection.map_or(&schema::ALL, Vec::as_slice))
    }
}
