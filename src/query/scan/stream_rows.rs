//! The rows of one stream, by time or from the newest back: a plan knows that they lie so and does not sort them.

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

use super::back;
use super::leaf::{Leaf, Rows};
use super::plan::ReadingsScan;
use crate::store::schema::{self, STREAM_ID, TS};

/// What is read of one stream.
#[derive(Clone)]
pub struct StreamRows {
    scan: ReadingsScan,
    stream: i32,
    columns: Vec<usize>,
    newest_first: bool,
    schema: SchemaRef,
}

impl StreamRows {
    /// By time; `columns` are indices into `schema::readings()`, `stream` is the only one that the bounds name.
    pub fn new(scan: ReadingsScan, stream: i32, columns: &[usize]) -> Result<Self> {
        let schema = Arc::new(schema::readings().project(columns)?);
        Ok(Self { scan, stream, columns: columns.to_vec(), newest_first: false, schema })
    }

    /// The same rows from the newest back.
    pub fn newest_first(self) -> Self {
        Self { newest_first: true, ..self }
    }

    /// A single partition in its order. What the plan is told follows from the question alone.
    pub fn leaf(self) -> Result<Leaf<Self>> {
        let order = SortOptions { descending: self.newest_first, nulls_first: self.newest_first };
        let by_time = column(&self.schema, TS).map(|ts| PhysicalSortExpr::new(ts, order));
        self.leaf_by(by_time.into_iter().collect())
    }

    fn leaf_by(self, order: Vec<PhysicalSortExpr>) -> Result<Leaf<Self>> {
        let is_stream = AcrossPartitions::Uniform(Some(ScalarValue::Int32(Some(self.stream))));
        let is_stream = column(&self.schema, STREAM_ID).map(|id| ConstExpr::new(id, is_stream));
        let mut known = EquivalenceProperties::new_with_orderings(self.schema.clone(), [order]);
        known.add_constants(is_stream)?;
        // A row a second is as good a guess as any: what there really is may be of others.
        let seconds = self.scan.bounds.seconds();
        let leaf = Leaf::new(self, 1).with_known(known);
        Ok(match seconds {
            Some(seconds) => leaf.with_estimate(seconds),
            None => leaf,
        })
    }
}

impl Rows for StreamRows {
    fn name(&self) -> &'static str {
        if self.newest_first { "StreamRowsNewestFirst" } else { "StreamRows" }
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn open(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        match self.newest_first {
            false => self.scan.plan_stream(&self.columns)?.execute(0, context),
            true => back::open(&self.scan, self.stream, &self.columns, self.schema.clone(), context),
        }
    }

    /// No two rows of a stream are of one time: what an order says after `ts` does not matter.
    fn turned(&self, order: &[PhysicalSortExpr]) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let is = |sort: &PhysicalSortExpr, column: usize| {
            let place = sort.expr.downcast_ref::<Column>().map(Column::index);
            place.is_some_and(|place| self.columns.get(place) == Some(&column))
        };
        let Some(first) = order.iter().find(|sort| !is(sort, STREAM_ID)).filter(|sort| is(sort, TS)) else {
            return Ok(None);
        };
        let turned = Self { newest_first: first.options.descending, ..self.clone() };
        Ok(Some(Arc::new(turned.leaf_by(order.to_vec())?)))
    }
}

/// A column of `schema::readings()`, where it is among those read.
fn column(of: &Schema, column: usize) -> Option<Arc<dyn PhysicalExpr>> {
    let readings = schema::readings();
    let name = readings.field(column).name();
    Some(Arc::new(Column::new(name, of.index_of(name).ok()?)))
}
