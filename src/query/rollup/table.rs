//! Partials as a table that the rule puts in the place of `readings`.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use super::filters::Conditions;
use super::partial;
use super::rows::Partials;
use super::split::{Split, Splitter};
use crate::domain::StreamId;
use crate::domain::time::MICROS_PER_SECOND;
use crate::query::functions::buckets::Buckets;
use crate::query::scan::leaf::Leaf;
use crate::query::scan::provider::Scan;
use crate::query::session::View;

/// So many windows are read faster by one thread than handed out to several.
const FEW_WINDOWS: usize = 8192;

/// What readings amount to under some conditions: at least one row for every stream and bucket that has readings.
#[derive(Debug)]
pub struct Rollup {
    pub view: View,
    pub conditions: Conditions,
    /// No row mixes readings of two of them; without, rows may be of all time.
    pub buckets: Option<Buckets>,
}

impl Rollup {
    fn splits(&self) -> Result<Vec<Arc<Split>>> {
        let streams = self.conditions.choose(self.view.visible().ids().to_vec())?;
        let windows = self.view.catalog().windows(streams.iter().map(|id| StreamId(*id)));
        let mut splitter = Splitter::new(&self.view.snapshot, self.conditions.ts, self.buckets.as_ref());
        // Readings that have expired are none, whatever is known of them.
        splitter.from = self.view.snapshot.kept.shown.clone();
        let known = streams.iter().filter_map(|id| Some((*id, windows.get(id)?)));
        known.map(|(id, windows)| Ok(Arc::new(splitter.split(id, windows)?))).collect()
    }

    /// How many windows of a minute as many streams have in the range that was asked for, whatever there is of them.
    fn windows(&self, streams: usize) -> usize {
        let (from, to) = self.conditions.ts;
        let minutes = to.saturating_sub(from).max(0) / (60 * MICROS_PER_SECOND);
        usize::try_from(minutes).unwrap_or(usize::MAX).saturating_mul(streams)
    }
}

impl Scan for Rollup {
    fn schema(&self) -> SchemaRef {
        partial::schema()
    }

    /// What was asked of readings is in the conditions.
    fn pushdown(&self, _: &Expr) -> TableProviderFilterPushDown {
        TableProviderFilterPushDown::Unsupported
    }

    fn plan(&self, state: &dyn Session, columns: &[usize], _: &[Expr]) -> Result<Arc<dyn ExecutionPlan>> {
        let splits = self.splits()?;
        let windows = self.windows(splits.len());
        let partitions = if windows > FEW_WINDOWS { state.config().target_partitions() } else { 1 };
        let rows = Partials::new(&self.view, splits, self.buckets.clone(), columns.to_vec(), partitions)?;
        Ok(Arc::new(Leaf::new(rows, partitions).with_estimate(windows)))
    }
}
