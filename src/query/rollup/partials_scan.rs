//! Scan of the partials of some streams and a time range, as a leaf of a plan.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::from_readings;
use super::from_statistics::{self, StatisticsReadUnit};
use super::level;
use super::partial::{self, PartialBuilder, PartialFields};
use super::range_split::RangeSplit;
use crate::query::context::QueryContext;
use crate::query::functions::buckets::Buckets;
use crate::query::scan::opaque_scan::RowSource;

/// Approximate rows of a batch.
const BATCH_ROWS: usize = 8192;

/// Reads partials of whole hours and windows from computed statistics, and all others from raw readings.
pub struct PartialsScan {
    query_context: QueryContext,
    splits: Arc<Vec<Arc<RangeSplit>>>,
    units: Vec<StatisticsReadUnit>,
    scans: Vec<Arc<dyn ExecutionPlan>>,
    buckets: Option<Buckets>,
    /// Indices into `partial::schema`.
    columns: Vec<usize>,
    schema: SchemaRef,
    partitions: usize,
}

impl PartialsScan {
    /// `splits` must be ordered by stream, and the context's principal must see all of these streams.
    pub fn new(
        query_context: &QueryContext,
        splits: Vec<Arc<RangeSplit>>,
        buckets: Option<Buckets>,
        columns: Vec<usize>,
        partitions: usize,
    ) -> Result<Self> {
        Ok(Self {
            units: from_statistics::units(&query_context.snapshot, &splits, partitions),
            scans: from_readings::scans(query_context, &splits, partitions)?,
            schema: Arc::new(partial::schema().project(&columns)?),
            query_context: query_context.clone(),
            splits: Arc::new(splits),
            buckets,
            columns,
            partitions: partitions.max(1),
        })
    }

    fn adder(&self) -> PartialBuilder {
        PartialBuilder::new(self.buckets.clone(), PartialFields::of(&self.columns))
    }

    /// Reads every `partitions`-th unit of computed statistics.
    fn stored(&self, partition: usize) -> BoxStream<'static, Result<RecordBatch>> {
        let units: Vec<StatisticsReadUnit> =
            self.units.iter().skip(partition).step_by(self.partitions).cloned().collect();
        let (snapshot, buckets, fields) =
            (self.query_context.snapshot.clone(), self.buckets.clone(), PartialFields::of(&self.columns));
        let read = move |unit: StatisticsReadUnit| {
            let (snapshot, buckets) = (snapshot.clone(), buckets.clone());
            async move {
                let read = move || from_statistics::read_partials(&snapshot, &unit, buckets, fields);
                let done = tokio::task::spawn_blocking(read).await;
                done.map_err(|e| exec_datafusion_err!("reading statistics was interrupted: {e}"))?
            }
        };
        stream::iter(units).then(read).boxed()
    }

    /// Reads raw readings.
    fn raw(&self, partition: usize, context: &Arc<TaskContext>) -> BoxStream<'static, Result<RecordBatch>> {
        let context = context.clone();
        let rows = self.scans.clone().into_iter().map(move |scan| scan.execute(partition, context.clone()));
        let rows = stream::iter(rows).try_flatten().boxed();
        let raw = ReadingsToPartials { rows, splits: self.splits.clone(), adder: Some(self.adder()) };
        stream::try_unfold(raw, |mut raw| async move { Ok(raw.next().await?.map(|batch| (batch, raw))) })
            .boxed()
    }
}

/// Converts raw readings to partials.
struct ReadingsToPartials {
    rows: BoxStream<'static, Result<RecordBatch>>,
    splits: Arc<Vec<Arc<RangeSplit>>>,
    /// `None` at the end.
    adder: Option<PartialBuilder>,
}

impl ReadingsToPartials {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(mut adder) = self.adder.take() else { return Ok(None) };
        while let Some(batch) = self.rows.try_next().await? {
            from_readings::add_readings(&batch, &self.splits, &mut adder)?;
            if adder.finished_rows() >= BATCH_ROWS {
                let partials = adder.finish_batch()?;
                self.adder = Some(adder);
                return Ok(Some(partials));
            }
        }
        Ok(Some(adder.finish_batch()?))
    }
}

impl RowSource for PartialsScan {
    fn name(&self) -> &'static str {
        "Rollup"
    }

    fn detail(&self) -> Option<&'static str> {
        Some(match level::can_use_hours(self.buckets.as_ref()) {
            true => "levels=[hours, windows, readings]",
            false => "levels=[windows, readings]",
        })
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let columns = self.columns.clone();
        // Statistics are read on another thread, while raw readings are decoded here.
        let rows = stream::select(self.stored(partition), self.raw(partition, &context));
        let rows = rows.map(move |batch| Ok(batch?.project(&columns)?));
        let rows = rows.try_filter(|batch| std::future::ready(batch.num_rows() > 0));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
