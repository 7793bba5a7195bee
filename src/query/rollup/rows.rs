//! The partials of some streams and a range of time, as a leaf of a plan.

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

use super::partial::{self, Adder, Fields};
use super::raw;
use super::split::Split;
use super::stored::{self, Unit};
use crate::query::functions::buckets::Buckets;
use crate::query::scan::leaf::Rows;
use crate::query::session::View;

/// Partials handed on at a time, about.
const BATCH_ROWS: usize = 8192;

/// Partials: of whole windows from computed statistics, of everything else from raw readings.
pub struct Partials {
    view: View,
    splits: Arc<Vec<Arc<Split>>>,
    units: Vec<Unit>,
    scans: Vec<Arc<dyn ExecutionPlan>>,
    buckets: Option<Buckets>,
    /// Indices into `partial::schema`.
    columns: Vec<usize>,
    schema: SchemaRef,
    partitions: usize,
}

impl Partials {
    /// `splits` are of ascending streams, all of which the view's principal sees.
    pub fn new(
        view: &View,
        splits: Vec<Arc<Split>>,
        buckets: Option<Buckets>,
        columns: Vec<usize>,
        partitions: usize,
    ) -> Result<Self> {
        Ok(Self {
            units: stored::units(&view.snapshot, &splits, partitions),
            scans: raw::scans(view, &splits, partitions)?,
            schema: Arc::new(partial::schema().project(&columns)?),
            view: view.clone(),
            splits: Arc::new(splits),
            buckets,
            columns,
            partitions: partitions.max(1),
        })
    }

    fn adder(&self) -> Adder {
        Adder::new(self.buckets.clone(), Fields::of(&self.columns))
    }

    /// From computed statistics: every so many-th unit.
    fn stored(&self, partition: usize) -> BoxStream<'static, Result<RecordBatch>> {
        let units: Vec<Unit> = self.units.iter().skip(partition).step_by(self.partitions).cloned().collect();
        let (snapshot, buckets, fields) =
            (self.view.snapshot.clone(), self.buckets.clone(), Fields::of(&self.columns));
        let read = move |unit: Unit| {
            let (snapshot, buckets) = (snapshot.clone(), buckets.clone());
            async move {
                let read = move || stored::read(&snapshot, &unit, buckets, fields);
                let done = tokio::task::spawn_blocking(read).await;
                done.map_err(|e| exec_datafusion_err!("reading statistics was interrupted: {e}"))?
            }
        };
        stream::iter(units).then(read).boxed()
    }

    /// From raw readings.
    fn raw(&self, partition: usize, context: &Arc<TaskContext>) -> BoxStream<'static, Result<RecordBatch>> {
        let context = context.clone();
        let rows = self.scans.clone().into_iter().map(move |scan| scan.execute(partition, context.clone()));
        let rows = stream::iter(rows).try_flatten().boxed();
        let raw = Raw { rows, splits: self.splits.clone(), adder: Some(self.adder()) };
        stream::try_unfold(raw, |mut raw| async move { Ok(raw.next().await?.map(|batch| (batch, raw))) })
            .boxed()
    }
}

/// Raw readings on their way to partials.
struct Raw {
    rows: BoxStream<'static, Result<RecordBatch>>,
    splits: Arc<Vec<Arc<Split>>>,
    /// None at the end.
    adder: Option<Adder>,
}

impl Raw {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(mut adder) = self.adder.take() else { return Ok(None) };
        while let Some(batch) = self.rows.try_next().await? {
            raw::add(&batch, &self.splits, &mut adder)?;
            if adder.done() >= BATCH_ROWS {
                let partials = adder.take()?;
                self.adder = Some(adder);
                return Ok(Some(partials));
            }
        }
        Ok(Some(adder.take()?))
    }
}

impl Rows for Partials {
    fn name(&self) -> &'static str {
        "Rollup"
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let columns = self.columns.clone();
        // Statistics are read on another thread: raw readings are decoded meanwhile.
        let rows = stream::select(self.stored(partition), self.raw(partition, &context));
        let rows = rows.map(move |batch| Ok(batch?.project(&columns)?));
        let rows = rows.try_filter(|batch| std::future::ready(batch.num_rows() > 0));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
