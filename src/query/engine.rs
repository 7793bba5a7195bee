//! The query engine: SQL in, batches out, on threads of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionState;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::logical_expr::LogicalPlan;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use super::error::from_datafusion;
use super::guard::interrupt::InterruptOption;
use super::guard::operators;
use super::known::Known;
use super::limits::{Gates, long_running_of};
use super::log::{Asked, QueryLog, Surface, Tally};
use super::memory::Share;
use super::params::Params;
use super::plan::Planned;
use super::postgres::Lazy;
use super::run::{self, Limits, Place, Started};
use super::session::View;
use super::template;
use super::threads::Threads;
use crate::domain::ports::{DeviceStates, Models};
use crate::domain::{Error, Kind, Principal, Result};
use crate::store::Store;

/// A query notices its time limit itself within this, or is given up.
const GRACE: Duration = Duration::from_secs(2);

/// How much queries may take.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    pub timeout: Duration,
    pub max_rows: usize,
    /// Memory of all queries together, bytes.
    pub memory_bytes: usize,
    /// Memory of one query, bytes; past `memory_bytes` it means no more than that.
    pub share_bytes: usize,
    pub running: usize,
    pub waiting: usize,
    /// Longest wait for a permit.
    pub queue_deadline: Duration,
    /// Where queries that outgrow memory spill.
    pub spill_dir: PathBuf,
}

/// An answer as it is computed.
pub struct Answer {
    pub schema: SchemaRef,
    pub batches: BoxStream<'static, Result<RecordBatch>>,
}

/// The engine. Cheap to share.
pub struct Engine {
    pub(super) store: Arc<Store>,
    pub(super) states: Arc<dyn DeviceStates>,
    pub(super) models: Arc<dyn Models>,
    pub(super) template: SessionState,
    pub(super) log: Arc<QueryLog>,
    pub(super) options: EngineOptions,
    /// Where the rest of the server runs.
    pub(super) home: Handle,
    /// What tools of PostgreSQL are given beside the tables.
    pub(super) postgres: Lazy,
    pub(super) known: Known,
    pub(super) gates: Gates,
    pub(super) threads: Threads,
}

impl Engine {
    /// Starts the query threads; within the runtime of the rest of the server.
    pub fn new(
        store: Arc<Store>,
        states: Arc<dyn DeviceStates>,
        models: Arc<dyn Models>,
        options: EngineOptions,
    ) -> Result<Self> {
        let failed = |e: std::io::Error| Error::unavailable("the query threads cannot be started").because(e);
        let cores = std::thread::available_parallelism().map_err(failed)?.get();
        let spill = &options.spill_dir;
        // What a killed process left there is of use to nobody.
        let emptied = match std::fs::remove_dir_all(spill) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => std::fs::create_dir_all(spill),
        };
        emptied.map_err(|e| {
            Error::unavailable(format!("cannot create `{}` for queries to spill to: {e}", spill.display()))
        })?;
        let template = template::build(&options, cores).map_err(from_datafusion)?;
        let threads = Threads::start(cores, long_running_of(options.running))?;
        let gates = Gates::new(options.running, options.waiting, options.queue_deadline);
        let (log, postgres, known) = (Arc::default(), Lazy::default(), Known::default());
        let home = Handle::current();
        Ok(Self { store, states, models, template, log, options, home, postgres, known, gates, threads })
    }

    /// Runs one read-only statement as `principal` sees the data.
    ///
    /// # Errors
    /// `Invalid` with the reason in words; `Forbidden` naming the scope a table needs; `Busy`, `Timeout`,
    /// `TooLarge` for the limits.
    pub async fn sql(self: &Arc<Self>, principal: &Principal, question: Question) -> Result<Answer> {
        let tally = self.tally(principal, question.surface, Some(&question.text));
        let view = View::new(self, principal, tally.clone());
        let (engine, text_bytes) = (self.clone(), question.text.len());
        let start = async move { question.start(&engine, view).await };
        let limits = Limits { timeout: self.options.timeout, rows: Some(self.options.max_rows) };
        let threads = self.threads.for_text(text_bytes).clone();
        self.answer_on(threads, limits, tally, Box::pin(start)).await
    }

    /// Bytes that all queries hold now.
    pub fn memory_in_use(&self) -> usize {
        self.template.runtime_env().memory_pool.reserved()
    }

    /// Queries that may start now without waiting.
    pub fn free_permits(&self) -> usize {
        self.gates.all.free()
    }

    /// Begins the record of a query.
    pub(super) fn tally(&self, principal: &Principal, surface: Surface, text: Option<&str>) -> Arc<Tally> {
        let asked = Asked {
            at: self.store.clock().now(),
            text_hash: text.map(|text| hex::encode(Sha256::digest(text))),
            surface,
            caller: principal.caller,
            org: principal.org,
        };
        let pool: &Arc<dyn MemoryPool> = &self.template.runtime_env().memory_pool;
        let limit = self.options.share_bytes.min(self.options.memory_bytes);
        Arc::new(Tally::new(self.log.clone(), asked, Share::new(pool.clone(), limit)))
    }

    /// Waits until the answer's schema is known, which is when planning has succeeded.
    pub(super) async fn answer(
        &self,
        limits: Limits,
        tally: Arc<Tally>,
        start: run::Start,
    ) -> Result<Answer> {
        self.answer_on(self.threads.short().clone(), limits, tally, start).await
    }

    async fn answer_on(
        &self,
        threads: Handle,
        limits: Limits,
        tally: Arc<Tally>,
        start: run::Start,
    ) -> Result<Answer> {
        // A long-running query waits twice: for one of these, and for any to end.
        let patience = limits.timeout + 2 * self.options.queue_deadline + GRACE;
        let long_running = self.threads.long_running().clone();
        let place = Place { threads, long_running, gates: self.gates.clone() };
        let (schema, batches) = run::spawn(place, limits, tally.clone(), start);
        let mut batches = patient(batches, tally.clone(), patience);
        let schema = tokio::time::timeout(patience, schema).await.map_err(|_| stuck(&tally))?;
        match schema {
            Ok(schema) => {
                // The first batch tells of a failure while an error can still be answered as one.
                let first = batches.try_next().await?;
                let all = stream::iter(first.map(Ok)).chain(batches).boxed();
                Ok(Answer { schema, batches: all })
            }
            Err(_) => match batches.next().await {
                Some(Err(e)) => Err(e),
                _ => Err(Error::internal("a query ended before it began")),
            },
        }
    }
}

fn stuck(tally: &Tally) -> Error {
    tally.fail(Kind::Timeout);
    Error::new(Kind::Timeout, "the query ran longer than it may")
}

/// Batches, none awaited for longer than `patience`: an operator of a query can compute for minutes without ever
/// looking at its time limit, and whoever asked must not wait with it.
fn patient(
    batches: run::Batches,
    tally: Arc<Tally>,
    patience: Duration,
) -> BoxStream<'static, Result<RecordBatch>> {
    let next = move |mut batches: run::Batches| {
        let tally = tally.clone();
        async move {
            let next = tokio::time::timeout(patience, batches.next()).await;
            let next = next.unwrap_or_else(|_| Some(Err(stuck(&tally))));
            next.map(|batch| (batch, batches))
        }
    };
    stream::unfold(batches, next).fuse().boxed()
}

/// A statement and its parameters, as given.
#[derive(Debug, Clone)]
pub struct Question {
    pub text: String,
    pub params: Params,
    /// Where it came from; tools of PostgreSQL are given its catalog as well.
    pub surface: Surface,
}

impl Question {
    /// Plans it over what `view` sees and begins to execute it.
    async fn start(self, engine: &Arc<Engine>, view: View) -> Result<Started> {
        let params = self.params.to_values()?;
        let mut session = engine.session(&view, self.surface)?;
        let Planned { mut plan, has_bounded } =
            engine.plan(&session, &view, &self.text, self.surface).await?;
        if has_bounded {
            let interrupt = InterruptOption(view.tally.interrupt.clone());
            session.config_mut().options_mut().extensions.insert(interrupt);
        }
        if let Some(values) = params {
            plan = plan.with_param_values(values).map_err(from_datafusion)?;
        }
        let mut guarded = guarded(&session, &plan, &view).await?;
        if let Some(rows) = guarded.batch_rows {
            // Some sources are told the size of their batches when they are planned.
            *session.config_mut() = session.config().clone().with_batch_size(rows);
            guarded = self::guarded(&session, &plan, &view).await?;
        }
        let operators::Guarded { plan, is_long_running, .. } = guarded;
        let mut context = view.task_context(&session);
        if session.config().batch_size() < context.session_config().batch_size() {
            let runtime = context.runtime_env();
            context = Arc::new(TaskContext::from(&session).with_runtime(runtime));
        }
        Ok(Started { stream: run::when_polled(plan, context), is_long_running })
    }
}

/// The physical plan of a statement, with what keeps it within its bounds.
async fn guarded(session: &SessionState, plan: &LogicalPlan, view: &View) -> Result<operators::Guarded> {
    let physical = session.create_physical_plan(plan).await.map_err(from_datafusion)?;
    let physical = view.texts.fit(physical).map_err(from_datafusion)?;
    let full_batch = session.config().batch_size();
    operators::guard(physical, &view.tally.interrupt, full_batch).map_err(from_datafusion)
}
