//! `statistics`: aggregates of each window, computed by the server or posted by clients.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use crate::query::context::QueryContext;
use crate::query::rollup::statistics_scan::{StatisticsScan, WindowRequest};
use crate::query::scan::bounds::{self, Bounds};
use crate::query::scan::opaque_scan::OpaqueScanExec;
use crate::query::scan::table_provider::{ScanPlanner, pruning_only};
use crate::store::table::Table;

/// The visible columns of the stored ones.
const COLUMNS: [&str; 12] =
    ["stream_id", "ts", "window_s", "count", "mean", "rms", "median", "min", "max", "q1", "q3", "origin"];

/// The statistics of one snapshot that a principal may see.
#[derive(Debug)]
pub struct StatisticsTable {
    query_context: QueryContext,
    /// Whether a row posted by a client replaces the computed one, as in DataStone's lists.
    overlay: bool,
}

impl StatisticsTable {
    /// Creates the table `statistics` of SQL, or with `overlay` the one under `core_valuestatistics`.
    pub fn new(query_context: QueryContext, overlay: bool) -> Self {
        Self { query_context, overlay }
    }
}

fn columns() -> Vec<usize> {
    let stored = Table::Statistics.schema();
    COLUMNS.iter().map(|name| stored.index_of(name).expect("a column shown is stored")).collect()
}

/// Returns the columns that are shown: the stored ones without `rows` and `seq`.
pub fn schema() -> SchemaRef {
    Arc::new(Table::Statistics.schema().project(&columns()).expect("columns of this schema"))
}

impl ScanPlanner for StatisticsTable {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    /// Comparisons of stream_id and ts narrow the scan.
    fn pushdown(&self, filter: &Expr) -> TableProviderFilterPushDown {
        pruning_only(bounds::is_key_comparison(filter))
    }

    fn plan(&self, state: &dyn Session, shown: &[usize], filters: &[Expr]) -> Result<Arc<dyn ExecutionPlan>> {
        let bounds = Bounds::from_filters(filters);
        let all = columns();
        let columns = shown.iter().map(|i| all[*i]).collect();
        let visible = self.query_context.visible_streams().ids().iter().copied();
        let wanted = |id: &i32| bounds.streams.as_ref().is_none_or(|ids| ids.contains(id));
        let request = WindowRequest {
            streams: visible.filter(wanted).collect(),
            ts: bounds.ts,
            overlay: self.overlay,
            columns,
        };
        let partitions = state.config().target_partitions();
        Ok(Arc::new(OpaqueScanExec::new(
            StatisticsScan::new(&self.query_context, request, partitions)?,
            partitions,
        )))
    }
}
