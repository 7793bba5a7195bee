//! Scan of the partials of some streams and a time range, as a leaf of a plan.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::from_readings;
use super::from_statistics::{self, StatisticsReadUnit};
use super::level;
use super::partial::{self, PartialBuilder, PartialFields};
use super::partials_sources::PartialsSources;
use super::range_split::RangeSplit;
use crate::query::context::QueryContext;
use crate::query::functions::buckets::Buckets;
use crate::query::scan::opaque_scan::{OpaqueScanExec, RowSource};

/// Approximate rows of a batch.
const BATCH_ROWS: usize = 8192;

/// The leaf of a scan of partials.
pub type PartialsExec = OpaqueScanExec<PartialsScan>;

/// Reads partials of whole hours and windows from computed statistics, and all others from raw readings.
pub struct PartialsScan {
    sources: Arc<PartialsSources>,
    units: Vec<StatisticsReadUnit>,
    schema: SchemaRef,
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
        let partitions = partitions.max(1);
        Self::over(PartialsSources {
            snapshot: query_context.snapshot.clone(),
            readings: from_readings::scans(query_context, &splits, partitions)?,
            splits,
            buckets,
            columns,
            partitions,
        })
    }

    /// Creates a scan of these sources.
    pub fn over(sources: PartialsSources) -> Result<Self> {
        Ok(Self {
            units: from_statistics::units(&sources.snapshot, &sources.splits, sources.partitions),
            schema: Arc::new(partial::schema().project(&sources.columns)?),
            sources: Arc::new(sources),
        })
    }

    /// Returns the sources that the scan reads, for its estimate and for what is sent to another node.
    pub fn sources(&self) -> &PartialsSources {
        &self.sources
    }

    /// Divides the scan by streams among `count` nodes, one scan for each.
    pub fn divide(&self, count: usize) -> Result<Vec<PartialsScan>> {
        self.sources.divide(count)?.into_iter().map(Self::over).collect()
    }

    /// Returns the scan as a leaf of a plan, with as many partitions as its sources have.
    pub fn into_exec(self) -> PartialsExec {
        let partitions = self.sources.partitions;
        OpaqueScanExec::new(self, partitions)
    }

    fn adder(&self) -> PartialBuilder {
        PartialBuilder::new(self.sources.buckets.clone(), PartialFields::of(&self.sources.columns))
    }

    /// Reads every `partitions`-th unit of computed statistics.
    fn stored(&self, partition: usize) -> BoxStream<'static, Result<RecordBatch>> {
        let units: Vec<StatisticsReadUnit> =
            self.units.iter().skip(partition).step_by(self.sources.partitions).cloned().collect();
        let sources = self.sources.clone();
        let read = move |unit: StatisticsReadUnit| {
            let sources = sources.clone();
            async move {
                let PartialsSources { snapshot, buckets, columns, .. } = &*sources;
                let (snapshot, buckets, fields) =
                    (snapshot.clone(), buckets.clone(), PartialFields::of(columns));
                let read = move || from_statistics::read_partials(&snapshot, &unit, buckets, fields);
                let done = tokio::task::spawn_blocking(read).await;
                done.map_err(|e| exec_datafusion_err!("reading statistics was interrupted: {e}"))?
            }
        };
        stream::iter(units).then(read).boxed()
    }

    /// Reads raw readings.
    fn raw(&self, partition: usize, context: &Arc<TaskContext>) -> BoxStream<'static, Result<RecordBatch>> {
        let (sources, context) = (self.sources.clone(), context.clone());
        let scans = 0..sources.readings.len();
        let rows = scans.map(move |scan| sources.readings[scan].open(partition, context.clone()));
        let rows = stream::iter(rows).try_flatten().boxed();
        let raw = ReadingsToPartials { rows, sources: self.sources.clone(), adder: Some(self.adder()) };
        stream::try_unfold(raw, |mut raw| async move { Ok(raw.next().await?.map(|batch| (batch, raw))) })
            .boxed()
    }
}

/// Converts raw readings to partials.
struct ReadingsToPartials {
    rows: BoxStream<'static, Result<RecordBatch>>,
    sources: Arc<PartialsSources>,
    /// `None` at the end.
    adder: Option<PartialBuilder>,
}

impl ReadingsToPartials {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(mut adder) = self.adder.take() else { return Ok(None) };
        while let Some(batch) = self.rows.try_next().await? {
            from_readings::add_readings(&batch, &self.sources.splits, &mut adder)?;
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
        Some(match level::can_use_hours(self.sources.buckets.as_ref()) {
            true => "levels=[hours, windows, readings]",
            false => "levels=[windows, readings]",
        })
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let columns = self.sources.columns.clone();
        // Statistics are read on another thread, while raw readings are decoded here.
        let rows = stream::select(self.stored(partition), self.raw(partition, &context));
        let rows = rows.map(move |batch| Ok(batch?.project(&columns)?));
        let rows = rows.try_filter(|batch| std::future::ready(batch.num_rows() > 0));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
