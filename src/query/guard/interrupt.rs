//! Interrupts a statement between two batches, wherever it computes.
//!
//! Dropping a future ends it at its next await. A join whose condition is never true does not await: it computes for as
//! long as there are pairs of rows. [`InterruptExec`] wraps operators of that kind, and [`InterruptExpr`] the condition
//! that a join evaluates for each batch of pairs; both check [`Interrupt`], as PostgreSQL does in CHECK_FOR_INTERRUPTS.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{EmptyRecordBatchStream, RecordBatchStream, SendableRecordBatchStream};
use futures::{Stream, StreamExt};
use parking_lot::Mutex;

use super::pass_through::{PassThroughExec, StreamWrapper};
use crate::domain::{Error, Kind};

/// An operator yields to other tasks of its thread after computing for this long.
const TIME_SLICE: Duration = Duration::from_millis(20);
/// Deadline of a statement for which none is set yet.
const NO_DEADLINE_MS: u64 = u64::MAX;

/// Interrupt state of a statement, shared by its caller and all operators.
#[derive(Debug)]
pub struct Interrupt {
    begun: Instant,
    /// Deadline in milliseconds after `begun`; 0 means cancelled.
    deadline_ms: AtomicU64,
    /// Total execution time limit, for the error message.
    limit_ms: AtomicU64,
}

/// Returns the error of a statement that exceeded its execution time limit.
pub fn timeout_error(limit: Duration) -> Error {
    Error::new(Kind::Timeout, format!("the query ran longer than {} s", limit.as_secs_f64()))
}

impl Default for Interrupt {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            deadline_ms: AtomicU64::new(NO_DEADLINE_MS),
            limit_ms: AtomicU64::new(0),
        }
    }
}

impl Interrupt {
    /// Cancels the statement: nobody waits for it.
    pub fn cancel(&self) {
        self.deadline_ms.store(0, Ordering::Relaxed);
    }

    /// Sets the deadline to end after `left` of the statement's `limit`, unless it is cancelled. Time spent waiting for
    /// the reader does not count: the deadline is set anew whenever computing resumes.
    pub fn end_after(&self, left: Duration, limit: Duration) {
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(NO_DEADLINE_MS);
        self.limit_ms.store(limit_ms, Ordering::Relaxed);
        let at = u64::try_from((self.begun.elapsed() + left).as_millis()).unwrap_or(NO_DEADLINE_MS).max(1);
        let set = |known: u64| (known != 0).then_some(at);
        // Fails only if the statement is already cancelled.
        let _ = self.deadline_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, set);
    }

    /// Whether the statement is cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.deadline_ms.load(Ordering::Relaxed) == 0
    }

    /// Checks whether the statement may continue.
    ///
    /// # Errors
    /// `Timeout` after the deadline or a cancellation.
    pub fn check(&self) -> Result<()> {
        let deadline = self.deadline_ms.load(Ordering::Relaxed);
        if deadline == NO_DEADLINE_MS || self.begun.elapsed().as_millis() < u128::from(deadline) {
            return Ok(());
        }
        let error = timeout_error(Duration::from_millis(self.limit_ms.load(Ordering::Relaxed)));
        Err(DataFusionError::External(Box::new(error)))
    }
}

/// Config extension that passes the interrupt to the functions of a statement.
#[derive(Debug, Clone)]
pub struct InterruptOption(pub Arc<Interrupt>);

impl ConfigExtension for InterruptOption {
    const PREFIX: &'static str = "basalt";
}

impl ExtensionOptions for InterruptOption {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _: &str) -> Result<()> {
        Err(DataFusionError::Configuration(format!("there is no setting `{key}`")))
    }

    /// Lists no entries: `information_schema` must not show any.
    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

/// Passes batches on until the interrupt ends the statement, and yields to other tasks.
pub type InterruptExec = PassThroughExec<InterruptWrapper>;

/// One execution of a partition of an operator.
#[derive(Debug, Default)]
pub struct PartitionRun {
    /// Rows that it has passed on.
    pub rows: AtomicUsize,
    /// Memory that is reserved for it until it has ended; `None` for operators that reserve by themselves.
    pub memory: Option<Arc<MemoryReservation>>,
}

/// Batches that an operator has passed on, by partition. Only its streams keep that, so it ends with them.
#[derive(Debug, Default)]
pub struct PassedRows(Mutex<HashMap<usize, Weak<PartitionRun>>>);

impl PassedRows {
    /// Begins to execute a partition. Rows of an execution before do not count: a plan can be executed again.
    pub fn begin(&self, partition: usize, memory: Option<Arc<MemoryReservation>>) -> Arc<PartitionRun> {
        let run = Arc::new(PartitionRun { memory, ..PartitionRun::default() });
        self.0.lock().insert(partition, Arc::downgrade(&run));
        run
    }

    /// Returns the execution of a partition that goes on, or begins one.
    pub fn of(&self, partition: usize) -> Arc<PartitionRun> {
        let run = self.0.lock().get(&partition).and_then(Weak::upgrade);
        run.unwrap_or_else(|| self.begin(partition, None))
    }
}

/// The interrupt of an operator, and what it has passed on.
#[derive(Debug)]
pub struct InterruptWrapper {
    pub interrupt: Arc<Interrupt>,
    pub rows: Arc<PassedRows>,
}

impl StreamWrapper for InterruptWrapper {
    const NAME: &'static str = "InterruptExec";

    fn wrap(
        &self,
        input: SendableRecordBatchStream,
        partition: usize,
        _: &TaskContext,
    ) -> SendableRecordBatchStream {
        let (interrupt, run) = (self.interrupt.clone(), self.rows.of(partition));
        Box::pin(InterruptibleStream { input, interrupt, run, since: Instant::now() })
    }
}

struct InterruptibleStream {
    input: SendableRecordBatchStream,
    interrupt: Arc<Interrupt>,
    /// Keeps what is reserved for the operator, which may have dropped its own input long before it ends.
    run: Arc<PartitionRun>,
    /// Time of its last yield or wait.
    since: Instant,
}

impl InterruptibleStream {
    /// Drops the operator, and then what is reserved for it: whoever has read all may keep this stream.
    fn end(&mut self) {
        self.input = Box::pin(EmptyRecordBatchStream::new(self.input.schema()));
        self.run = Arc::default();
    }
}

impl Stream for InterruptibleStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(end) = self.interrupt.check() {
            return Poll::Ready(Some(Err(end)));
        }
        if self.since.elapsed() > TIME_SLICE {
            self.since = Instant::now();
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = self.input.poll_next_unpin(context);
        match &next {
            Poll::Pending => self.since = Instant::now(),
            Poll::Ready(Some(Ok(batch))) => {
                self.run.rows.fetch_add(batch.num_rows(), Ordering::Relaxed);
            }
            Poll::Ready(Some(Err(_))) => {}
            Poll::Ready(None) => self.end(),
        }
        next
    }
}

impl RecordBatchStream for InterruptibleStream {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}

/// An expression that checks the interrupt before each evaluation.
#[derive(Debug)]
pub struct InterruptExpr {
    inner: Arc<dyn PhysicalExpr>,
    interrupt: Arc<Interrupt>,
}

impl InterruptExpr {
    /// Wraps the condition of a join: one that is never true computes for long without a batch.
    pub fn new(inner: Arc<dyn PhysicalExpr>, interrupt: Arc<Interrupt>) -> Self {
        Self { inner, interrupt }
    }
}

impl PartialEq for InterruptExpr {
    fn eq(&self, other: &Self) -> bool {
        self.inner.as_ref() == other.inner.as_ref()
    }
}

impl Eq for InterruptExpr {}

impl Hash for InterruptExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for InterruptExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PhysicalExpr for InterruptExpr {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.inner.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.inner.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.interrupt.check()?;
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let [inner] = <[_; 1]>::try_from(children)
            .map_err(|_| DataFusionError::Internal("InterruptExpr has one child".to_owned()))?;
        Ok(Arc::new(Self::new(inner, self.interrupt.clone())))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}
