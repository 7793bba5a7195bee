//! `readings(stream_id, ts, value, text, quality, seq)`: every visible reading, one row per (stream_id, ts).

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use crate::query::context::QueryContext;
use crate::query::scan::bounds::{self, Bounds};
use crate::query::scan::divisible_scan::DivisibleScan;
use crate::query::scan::ordered_scan::OrderedStreamScan;
use crate::query::scan::readings_scan::ReadingsScan;
use crate::query::scan::table_provider::{ScanPlanner, pruning_only};
use crate::store::schema;

/// The readings of one snapshot that a principal may see.
#[derive(Debug)]
pub struct ReadingsTable {
    query_context: QueryContext,
}

impl ReadingsTable {
    pub fn new(query_context: QueryContext) -> Self {
        Self { query_context }
    }

    /// Returns the context, from which the rollup rule makes its own scan.
    pub fn query_context(&self) -> &QueryContext {
        &self.query_context
    }
}

impl ScanPlanner for ReadingsTable {
    fn schema(&self) -> SchemaRef {
        schema::readings()
    }

    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown {
        match bounds::is_key_comparison(filter) {
            true => TableProviderFilterPushDown::Exact,
            // Values select pages, but the filter itself stays above the principal's filter.
            false => pruning_only(bounds::is_value_comparison(filter)),
        }
    }

    fn plan(
        &self,
        state: &dyn Session,
        columns: &[usize],
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (bounds, rest) = Bounds::split(filters);
        let plain = rest.into_iter().filter(bounds::is_key_comparison);
        let filter = match conjunction(plain) {
            Some(all) => Some(state.create_physical_expr(all, &DFSchema::try_from(schema::readings())?)?),
            None => None,
        };
        let partitions = state.config().target_partitions();
        let one = bounds.one_stream();
        let (query_context, visible) =
            (self.query_context.clone(), self.query_context.visible_streams().clone());
        let scan = ReadingsScan { query_context, visible, bounds, filter, partitions };
        if columns.contains(&schema::TEXT) {
            scan.record_text_lengths();
        }
        match one {
            Some(stream) => Ok(Arc::new(OrderedStreamScan::new(scan, stream, columns)?.into_exec()?)),
            None if self.query_context.can_spread() => DivisibleScan::plan(scan, columns),
            None => scan.plan(columns),
        }
    }
}
