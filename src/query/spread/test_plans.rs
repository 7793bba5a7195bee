//! Plans over few rows, for tests: window operators, and what is below them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::context::SessionState;
use datafusion::execution::{SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{WindowFrame, WindowFunctionDefinition};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::window::WindowExpr;
use datafusion::physical_expr::{LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::windows::create_window_expr;
use datafusion::physical_plan::{ExecutionPlan, collect};

use super::windows;
use crate::store::schema::{self, STREAM_ID, TS};

/// A call of a function of DataFusion, over `PARTITION BY stream_id ORDER BY ts` unless that is changed.
#[derive(Clone)]
pub struct WindowCall {
    pub function: &'static str,
    pub args: Vec<Arc<dyn PhysicalExpr>>,
    pub partition_by: Vec<Arc<dyn PhysicalExpr>>,
    pub order_by: Vec<PhysicalSortExpr>,
    pub frame: WindowFrame,
    pub ignore_nulls: bool,
    pub filter: Option<Arc<dyn PhysicalExpr>>,
}

impl WindowCall {
    /// A call with a time, from the first row to the current one.
    pub fn of(function: &'static str) -> Self {
        Self {
            function,
            args: vec![ts()],
            partition_by: vec![stream_id()],
            order_by: vec![PhysicalSortExpr::new_default(ts())],
            frame: WindowFrame::new(Some(false)),
            ignore_nulls: false,
            filter: None,
        }
    }

    /// A call with all times of a stream.
    pub fn of_all(function: &'static str) -> Self {
        Self { frame: WindowFrame::new(None), ..Self::of(function) }
    }

    /// Returns the call as an operator has it, over the columns of `schema`.
    pub fn build(self) -> Arc<dyn WindowExpr> {
        let Self { function, args, partition_by, order_by, frame, ignore_nulls, filter } = self;
        let state = functions();
        let definition = match state.window_functions().get(function) {
            Some(window) => WindowFunctionDefinition::WindowUDF(window.clone()),
            None => WindowFunctionDefinition::AggregateUDF(state.aggregate_functions()[function].clone()),
        };
        create_window_expr(
            &definition,
            function.to_owned(),
            &args,
            &partition_by,
            &order_by,
            Arc::new(frame),
            schema(),
            ignore_nulls,
            false,
            filter,
        )
        .unwrap()
    }

    /// A window operator with this function alone.
    pub fn over(self, rows: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        windows::operator_of(vec![self.build()], rows).unwrap()
    }
}

/// A session with all functions of DataFusion.
pub fn functions() -> SessionState {
    SessionStateBuilder::new_with_default_features().build()
}

/// The columns: those of a scan of readings that reads their keys.
pub fn schema() -> SchemaRef {
    Arc::new(schema::readings().project(&[STREAM_ID, TS]).unwrap())
}

/// The first column: the id of the stream.
pub fn stream_id() -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new("stream_id", 0))
}

/// The second column: the time, microseconds.
pub fn ts() -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new("ts", 1))
}

/// Rows of the streams 1 and 2 with as many times each, in order.
pub fn batch(times: i64) -> RecordBatch {
    let schema = schema();
    let streams = (1..=2).flat_map(|stream| (0..times).map(move |_| stream));
    let times = Int64Array::from_iter_values((0..2).flat_map(|_| 0..times));
    let times = cast(&times, schema.field(1).data_type()).unwrap();
    let columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from_iter_values(streams)), times];
    RecordBatch::try_new(schema, columns).unwrap()
}

/// Some partitions with equal rows, in an order that no operator knows.
pub fn rows(partitions: usize) -> Arc<dyn ExecutionPlan> {
    let partitions = vec![vec![batch(5)]; partitions];
    MemorySourceConfig::try_new_exec(&partitions, schema(), None).unwrap()
}

/// Rows by a hash of a column, in two partitions.
pub fn exchanged(rows: Arc<dyn ExecutionPlan>, key: Arc<dyn PhysicalExpr>) -> Arc<dyn ExecutionPlan> {
    Arc::new(RepartitionExec::try_new(rows, Partitioning::Hash(vec![key], 2)).unwrap())
}

/// Rows in the order of these columns within each partition.
pub fn sorted(
    rows: Arc<dyn ExecutionPlan>,
    columns: impl IntoIterator<Item = Arc<dyn PhysicalExpr>>,
) -> Arc<dyn ExecutionPlan> {
    let order = LexOrdering::new(columns.into_iter().map(PhysicalSortExpr::new_default)).unwrap();
    Arc::new(SortExec::new(order, rows).with_preserve_partitioning(true))
}

/// Rows as DataFusion plans them below a window by stream: exchanged, then sorted.
pub fn rows_by_stream() -> Arc<dyn ExecutionPlan> {
    sorted(exchanged(rows(2), stream_id()), [stream_id(), ts()])
}

/// The rows of a plan, sorted.
pub async fn answer(plan: Arc<dyn ExecutionPlan>) -> Vec<String> {
    let batches = collect(plan, Arc::new(TaskContext::default())).await.unwrap();
    let text = pretty_format_batches(&batches).unwrap().to_string();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}
