//! Buckets of some streams: combines partials, exact quantiles and rows posted by clients.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_plan::execute_stream;
use futures::TryStreamExt;

use super::bucket_batch::{self, BucketSums};
use super::exact_statistics::ExactStatistics;
use super::partial::{self, PartialFields, PartialInput};
use super::partials_scan::PartialsScan;
use super::range_split::{RangeSplit, RangeSplitter};
use super::series_spec::SeriesSpec;
use super::{from_readings, from_statistics, quantiles};
use crate::domain::StreamId;
use crate::domain::min_max::MinMax;
use crate::domain::statistic::{BucketFields, Statistic};
use crate::domain::time::MICROS_PER_SECOND;
use crate::query::scan::opaque_scan::OpaqueScanExec;
use crate::store::statistics::time_ranges::TimeRanges;

/// Some streams of a step query.
pub struct SeriesChunk {
    pub spec: Arc<SeriesSpec>,
    /// Ascending, all visible.
    pub ids: Vec<i32>,
    pub context: Arc<TaskContext>,
}

impl SeriesChunk {
    /// Returns the buckets with values, by stream and time, as a batch of `bucket_batch::schema`.
    pub async fn read(self) -> Result<RecordBatch> {
        let windows =
            self.spec.query_context.catalog().streams.windows(self.ids.iter().map(|id| StreamId(*id)));
        let mut splitter =
            RangeSplitter::new(&self.spec.query_context.snapshot, self.spec.range, Some(&self.spec.buckets));
        let known = self.ids.iter().filter_map(|id| Some((*id, windows.get(id)?)));
        let splits = known.map(|(id, windows)| splitter.split(id, windows)).collect::<Result<Vec<_>>>()?;
        let posted = self.posted().await?;
        let with_posted = |split: RangeSplit| {
            let times = posted.iter().filter(|row| row.stream.0 == split.stream).map(span);
            let times = TimeRanges::new(times.collect());
            let of_stream = &windows[&split.stream];
            if times.is_empty() { split } else { split.without(of_stream, &times) }
        };
        let splits: Vec<RangeSplit> = splits.into_iter().map(with_posted).collect();
        let mut sums = BucketSums::new();
        if self.spec.fields.quantiles {
            let splits = quantiles::split_for_exact_quantiles(&self.spec, splits, &windows).await?;
            self.add_windows(&splits, &mut sums).await?;
            self.add_raw(&splits, &mut sums).await?;
        } else {
            self.add_partials(splits.into_iter().map(Arc::new).collect(), &mut sums).await?;
        }
        for row in &posted {
            self.add_row(row, &mut sums)?;
        }
        bucket_batch::encode(&sums, self.spec.fields)
    }

    async fn posted(&self) -> Result<Vec<Statistic>> {
        let (from, to) = self.spec.range;
        if !self.spec.overlay || from >= to {
            return Ok(Vec::new());
        }
        let (snapshot, ids) = (self.spec.query_context.snapshot.clone(), self.ids.clone());
        from_statistics::blocking(move || {
            from_statistics::read_posted(&snapshot, &ids, MinMax::new(from, to - 1))
        })
        .await
    }

    async fn add_partials(&self, splits: Vec<Arc<RangeSplit>>, sums: &mut BucketSums) -> Result<()> {
        let BucketFields { mean, rms, min, max, .. } = self.spec.fields;
        let wanted = [
            (true, partial::STREAM_ID),
            (true, partial::TS),
            (true, partial::COUNT),
            (mean, partial::MEAN),
            (rms, partial::RMS),
            (min, partial::MIN),
            (max, partial::MAX),
        ];
        let columns = wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, column)| column).collect();
        let partitions = self.context.session_config().target_partitions();
        let rows = PartialsScan::new(
            &self.spec.query_context,
            splits,
            Some(self.spec.buckets.clone()),
            columns,
            partitions,
        )?;
        let mut batches =
            execute_stream(Arc::new(OpaqueScanExec::new(rows, partitions)), self.context.clone())?;
        while let Some(batch) = batches.try_next().await? {
            self.add_batch(&batch, sums)?;
        }
        Ok(())
    }

    fn add_batch(&self, batch: &RecordBatch, sums: &mut BucketSums) -> Result<()> {
        let ids = batch.column(0).as_primitive::<Int32Type>().values();
        let times = batch.column(1).as_primitive::<TimestampMicrosecondType>().values();
        let counts = batch.column(2).as_primitive::<Int64Type>().values();
        let number =
            |name: &str| batch.column_by_name(name).map(|c| c.as_primitive::<Float64Type>().values());
        let (mean, rms, min, max) = (number("mean"), number("rms"), number("min"), number("max"));
        let at =
            |column: Option<&arrow::buffer::ScalarBuffer<f64>>, i: usize| column.map_or(f64::NAN, |c| c[i]);
        for i in 0..batch.num_rows() {
            let part = PartialInput {
                rows: 1,
                count: counts[i] as u64,
                mean: at(mean, i),
                rms: at(rms, i),
                min: at(min, i),
                max: at(max, i),
            };
            self.add(sums, (ids[i], times[i]), part, None)?;
        }
        Ok(())
    }

    /// Adds computed rows of windows that are buckets.
    async fn add_windows(&self, splits: &[Arc<RangeSplit>], sums: &mut BucketSums) -> Result<()> {
        let (snapshot, splits) = (self.spec.query_context.snapshot.clone(), splits.to_vec());
        for row in
            from_statistics::blocking(move || from_statistics::read_windows(&snapshot, &splits)).await?
        {
            self.add_row(&row, sums)?;
        }
        Ok(())
    }

    /// Adds raw readings, day after day.
    async fn add_raw(&self, splits: &[Arc<RangeSplit>], sums: &mut BucketSums) -> Result<()> {
        let query_context = &self.spec.query_context;
        let memory = MemoryConsumer::new("Steps").register(self.context.memory_pool());
        let around = |_, ts| self.spec.buckets.around(ts);
        let wanted = splits.iter().map(|split| (split.stream, split.raw.clone())).collect();
        let mut summaries = ExactStatistics::new(wanted, &around, &memory);
        for day in from_readings::days(query_context, splits) {
            let scan = from_readings::plan_day_of_splits(query_context, day, splits)?;
            let Some(scan) = scan else { continue };
            let mut batches = execute_stream(scan, self.context.clone())?;
            while let Some(batch) = batches.try_next().await? {
                summaries.add(&batch)?;
            }
        }
        for window in summaries.finish() {
            let Some(of) = window.summary else { continue };
            let part = PartialInput {
                rows: 1,
                count: of.count,
                mean: of.mean,
                rms: of.rms,
                min: of.min,
                max: of.max,
            };
            let quantiles = of.quantiles.map(|q| [Some(q.median), Some(q.q1), Some(q.q3)]);
            self.add(sums, (window.stream, window.start), part, quantiles)?;
        }
        Ok(())
    }

    fn add_row(&self, row: &Statistic, sums: &mut BucketSums) -> Result<()> {
        let Some(mean) = row.mean.filter(|_| row.count > 0) else { return Ok(()) };
        let part = PartialInput {
            rows: 1,
            count: row.count as u64,
            mean,
            rms: row.rms.unwrap_or(mean),
            min: row.min.unwrap_or(mean),
            max: row.max.unwrap_or(mean),
        };
        self.add(sums, (row.stream.0, row.ts.0), part, Some([row.median, row.q1, row.q3]))
    }

    fn add(
        &self,
        sums: &mut BucketSums,
        (stream, ts): (i32, i64),
        part: PartialInput,
        quantiles: Option<[Option<f64>; 3]>,
    ) -> Result<()> {
        if part.count == 0 {
            return Ok(());
        }
        let BucketFields { mean, rms, min, max, .. } = self.spec.fields;
        let sum = sums.entry((stream, self.spec.buckets.around(ts)?.0)).or_default();
        sum.partial.add(part, PartialFields { rows: false, mean, rms, min, max });
        sum.parts += 1;
        sum.quantiles = quantiles.filter(|_| sum.parts == 1);
        Ok(())
    }
}

/// Returns the half-open time range of a row.
fn span(row: &Statistic) -> (i64, i64) {
    (row.ts.0, row.ts.0.saturating_add(i64::from(row.window_s) * MICROS_PER_SECOND))
}
