//! Single-stream scan that declares its order (ts ascending or descending), so that the planner adds no sort.

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    AcrossPartitions, ConstExpr, EquivalenceProperties, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};

use super::opaque_scan::{OpaqueScanExec, RowSource};
use super::readings_scan::ReadingsScan;
use super::reverse_scan;
use crate::store::schema::{self, STREAM_ID, TS};

/// A scan of one stream in time order.
#[derive(Clone)]
pub struct OrderedStreamScan {
    scan: ReadingsScan,
    stream: i32,
    columns: Vec<usize>,
    newest_first: bool,
    schema: SchemaRef,
}

impl OrderedStreamScan {
    /// Scans by ascending time. `columns` are indices into `schema::readings()`; `stream` must be the only stream of
    /// the bounds.
    pub fn new(scan: ReadingsScan, stream: i32, columns: &[usize]) -> Result<Self> {
        let schema = Arc::new(schema::readings().project(columns)?);
        Ok(Self { scan, stream, columns: columns.to_vec(), newest_first: false, schema })
    }

    /// Reverses the order to newest first.
    pub fn newest_first(self) -> Self {
        Self { newest_first: true, ..self }
    }

    /// Creates a leaf with one ordered partition. Its declared properties follow from the query alone.
    pub fn into_exec(self) -> Result<OpaqueScanExec<Self>> {
        let order = SortOptions { descending: self.newest_first, nulls_first: self.newest_first };
        let by_time = column(&self.schema, TS).map(|ts| PhysicalSortExpr::new(ts, order));
        self.into_ordered_exec(by_time.into_iter().collect())
    }

    fn into_ordered_exec(self, order: Vec<PhysicalSortExpr>) -> Result<OpaqueScanExec<Self>> {
        let is_stream = AcrossPartitions::Uniform(Some(ScalarValue::Int32(Some(self.stream))));
        let is_stream = column(&self.schema, STREAM_ID).map(|id| ConstExpr::new(id, is_stream));
        let mut known = EquivalenceProperties::new_with_orderings(self.schema.clone(), [order]);
        known.add_constants(is_stream)?;
        // The estimate is one row per second: the real number may depend on rows of others.
        let seconds = self.scan.bounds.seconds();
        let leaf = OpaqueScanExec::new(self, 1).with_equivalences(known);
        Ok(match seconds {
            Some(seconds) => leaf.with_estimate(seconds),
            None => leaf,
        })
    }
}

impl RowSource for OrderedStreamScan {
    fn name(&self) -> &'static str {
        if self.newest_first { "StreamRowsNewestFirst" } else { "StreamRows" }
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        match self.newest_first {
            false => self.scan.plan_stream(&self.columns)?.execute(0, context),
            true => reverse_scan::open(&self.scan, self.stream, &self.columns, self.schema.clone(), context),
        }
    }

    /// Times are unique within a stream, so sort keys after `ts` are irrelevant.
    fn reordered(&self, order: &[PhysicalSortExpr]) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let is = |sort: &PhysicalSortExpr, column: usize| {
            let place = sort.expr.downcast_ref::<Column>().map(Column::index);
            place.is_some_and(|place| self.columns.get(place) == Some(&column))
        };
        let Some(first) = order.iter().find(|sort| !is(sort, STREAM_ID)).filter(|sort| is(sort, TS)) else {
            return Ok(None);
        };
        let turned = Self { newest_first: first.options.descending, ..self.clone() };
        Ok(Some(Arc::new(turned.into_ordered_exec(order.to_vec())?)))
    }
}

/// Returns the given column of `schema::readings()`, if it is among those read.
fn column(of: &Schema, column: usize) -> Option<Arc<dyn PhysicalExpr>> {
    let readings = schema::readings();
    let name = readings.field(column).name();
    Some(Arc::new(Column::new(name, of.index_of(name).ok()?)))
}
