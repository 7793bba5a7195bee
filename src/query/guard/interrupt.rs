//! Ending a statement between two batches, wherever it computes.
//!
//! Dropping a future ends it where it waits. A join whose condition is never true does not wait: it computes for as long
//! as there are pairs of rows. [`InterruptExec`] stands on operators of that kind, and [`InterruptExpr`] around what a
//! join evaluates for each batch of pairs; both ask [`Interrupt`] whether the statement is to go on, as PostgreSQL does by
//! its CHECK_FOR_INTERRUPTS.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{RecordBatchStream, SendableRecordBatchStream};
use futures::{Stream, StreamExt};

use super::pass_through::{PassThroughExec, Watch};
use crate::domain::{Error, Kind};

/// An operator that has computed for so long lets other tasks of its thread run.
const TIME_SLICE: Duration = Duration::from_millis(20);
/// The deadline of a statement that has none yet.
const NEVER: u64 = u64::MAX;

/// Whether a statement is to go on. Shared by who asked and all operators.
#[derive(Debug)]
pub struct Interrupt {
    begun: Instant,
    /// Milliseconds after `begun` at which it ends; 0 ends it now.
    deadline_ms: AtomicU64,
    /// How long it may compute in all.
    limit_ms: AtomicU64,
}

/// What a statement is told that has computed for longer than it may.
pub fn too_long(limit: Duration) -> Error {
    Error::new(Kind::Timeout, format!("the query ran longer than {} s", limit.as_secs_f64()))
}

impl Default for Interrupt {
    fn default() -> Self {
        Self { begun: Instant::now(), deadline_ms: AtomicU64::new(NEVER), limit_ms: AtomicU64::new(0) }
    }
}

impl Interrupt {
    /// Ends the statement: nobody waits for it.
    pub fn cancel(&self) {
        self.deadline_ms.store(0, Ordering::Relaxed);
    }

    /// Ends the statement after `left` of its `limit`, unless it is cancelled before. Time in which it waits for its reader does not
    /// count: each stretch of computing sets the deadline anew.
    pub fn end_after(&self, left: Duration, limit: Duration) {
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(NEVER);
        self.limit_ms.store(limit_ms, Ordering::Relaxed);
        let at = u64::try_from((self.begun.elapsed() + left).as_millis()).unwrap_or(NEVER).max(1);
        let set = |known: u64| (known != 0).then_some(at);
        // Cancelled already is no failure.
        let _ = self.deadline_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, set);
    }

    /// Whether nobody waits for the statement any more.
    pub fn is_cancelled(&self) -> bool {
        self.deadline_ms.load(Ordering::Relaxed) == 0
    }

    /// # Errors
    /// `Timeout` once the statement is to end.
    pub fn check(&self) -> Result<()> {
        let deadline = self.deadline_ms.load(Ordering::Relaxed);
        if deadline == NEVER || self.begun.elapsed().as_millis() < u128::from(deadline) {
            return Ok(());
        }
        let error = too_long(Duration::from_millis(self.limit_ms.load(Ordering::Relaxed)));
        Err(DataFusionError::External(Box::new(error)))
    }
}

/// The interrupt of a statement among the options that its functions are called with.
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

    /// Nothing that `information_schema` could show.
    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

/// Passes batches on while the statement is to go on, and yields to other tasks.
pub type InterruptExec = PassThroughExec<Interruption>;

/// What ends an operator, and what it passed on.
#[derive(Debug)]
pub struct Interruption {
    pub interrupt: Arc<Interrupt>,
    /// Rows passed on, of all partitions.
    pub rows: Arc<AtomicUsize>,
}

impl Watch for Interruption {
    const NAME: &'static str = "InterruptExec";

    fn watch(
        &self,
        input: SendableRecordBatchStream,
        _: usize,
        _: &TaskContext,
    ) -> SendableRecordBatchStream {
        let (interrupt, rows) = (self.interrupt.clone(), self.rows.clone());
        Box::pin(Interruptible { input, interrupt, rows, since: Instant::now() })
    }
}

struct Interruptible {
    input: SendableRecordBatchStream,
    interrupt: Arc<Interrupt>,
    rows: Arc<AtomicUsize>,
    /// When it last waited.
    since: Instant,
}

impl Stream for Interruptible {
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
                self.rows.fetch_add(batch.num_rows(), Ordering::Relaxed);
            }
            Poll::Ready(_) => {}
        }
        next
    }
}

impl RecordBatchStream for Interruptible {
    fn schema(&self) -> SchemaRef {
        self.input.schema()
    }
}

/// A condition that is evaluated while the statement is to go on.
#[derive(Debug)]
pub struct InterruptExpr {
    inner: Arc<dyn PhysicalExpr>,
    interrupt: Arc<Interrupt>,
}

impl InterruptExpr {
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
