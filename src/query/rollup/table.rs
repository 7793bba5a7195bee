//! Table of partials that the optimizer rule substitutes for `readings`.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use super::filters::Conditions;
use super::level;
use super::partial;
use super::partials_scan::PartialsScan;
use super::range_split::{RangeSplit, RangeSplitter};
use crate::domain::StreamId;
use crate::domain::time::{MICROS_PER_HOUR, MICROS_PER_SECOND};
use crate::query::context::QueryContext;
use crate::query::functions::buckets::Buckets;
use crate::query::scan::opaque_scan::OpaqueScanExec;
use crate::query::scan::table_provider::ScanPlanner;

const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
/// Up to this many windows are read faster by one thread than by several.
const MAX_SINGLE_PARTITION_WINDOWS: usize = 8192;

/// Partials of the readings that meet some conditions: at least one row for every stream and bucket with readings.
#[derive(Debug)]
pub struct RollupTable {
    pub query_context: QueryContext,
    pub conditions: Conditions,
    /// No row combines readings of two buckets. Without buckets, a row may cover all time.
    pub buckets: Option<Buckets>,
}

impl RollupTable {
    fn splits(&self) -> Result<Vec<Arc<RangeSplit>>> {
        let streams = self.conditions.choose(self.query_context.visible_streams().ids().to_vec())?;
        let windows = self.query_context.catalog().streams.windows(streams.iter().map(|id| StreamId(*id)));
        let mut splitter =
            RangeSplitter::new(&self.query_context.snapshot, self.conditions.ts, self.buckets.as_ref());
        // Expired readings do not count, even if statistics of them exist.
        splitter.from = self.query_context.snapshot.retention_bounds.visible_from.clone();
        let known = streams.iter().filter_map(|id| Some((*id, windows.get(id)?)));
        known.map(|(id, windows)| Ok(Arc::new(splitter.split(id, windows)?))).collect()
    }

    /// Estimates the rows to read as one per minute and stream, or per hour where buckets consist of hours, independent
    /// of the data.
    fn estimate_windows(&self, streams: usize) -> usize {
        let (from, to) = self.conditions.ts;
        let range = to.saturating_sub(from).max(0);
        let minutes = range / MICROS_PER_MINUTE;
        let rows = match level::can_use_hours(self.buckets.as_ref()) {
            // The first and the last hour are read by windows.
            true => minutes.min(range / MICROS_PER_HOUR + 2 * MICROS_PER_HOUR / MICROS_PER_MINUTE),
            false => minutes,
        };
        usize::try_from(rows).unwrap_or(usize::MAX).saturating_mul(streams)
    }
}

impl ScanPlanner for RollupTable {
    fn schema(&self) -> SchemaRef {
        partial::schema()
    }

    /// All filters are already in the conditions.
    fn pushdown(&self, _: &Expr) -> TableProviderFilterPushDown {
        TableProviderFilterPushDown::Unsupported
    }

    fn plan(&self, state: &dyn Session, columns: &[usize], _: &[Expr]) -> Result<Arc<dyn ExecutionPlan>> {
        let splits = self.splits()?;
        let windows = self.estimate_windows(splits.len());
        let partitions =
            if windows > MAX_SINGLE_PARTITION_WINDOWS { state.config().target_partitions() } else { 1 };
        let rows = PartialsScan::new(
            &self.query_context,
            splits,
            self.buckets.clone(),
            columns.to_vec(),
            partitions,
        )?;
        Ok(Arc::new(OpaqueScanExec::new(rows, partitions).with_estimate(windows)))
    }
}
