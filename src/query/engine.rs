//! The query engine: SQL in, batches out, on threads of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::context::SessionState;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};
use tokio::runtime::{Handle, Runtime};

use super::error::from_datafusion;
use super::known::Known;
use super::limits::Gate;
use super::log::{Asked, QueryLog, Surface, Tally};
use super::memory::Share;
use super::params::Params;
use super::postgres::Lazy;
use super::run::{self, Limits};
use super::session::View;
use super::template;
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
    pub(super) gate: Gate,
    threads: Option<Runtime>,
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
        // Before the threads: a runtime must not be dropped on an early return from here.
        let template = template::build(&options, cores).map_err(from_datafusion)?;
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(cores)
            .thread_name("basalt-query")
            .enable_all()
            .build()
            .map_err(failed)?;
        let gate = Gate::new(options.running, options.waiting, options.queue_deadline);
        let (log, postgres, known) = (Arc::default(), Lazy::default(), Known::default());
        let home = Handle::current();
        Ok(Self {
            store,
            states,
            models,
            template,
            log,
            options,
            home,
            postgres,
            known,
            gate,
            threads: Some(threads),
        })
    }

    /// Runs one read-only statement as `principal` sees the data.
    ///
    /// # Errors
    /// `Invalid` with the reason in words; `Forbidden` naming the scope a table needs; `Busy`, `Timeout`,
    /// `TooLarge` for the limits.
    pub async fn sql(self: &Arc<Self>, principal: &Principal, question: Question) -> Result<Answer> {
        let tally = self.tally(principal, question.surface, Some(&question.text));
        let view = View::new(self, principal, tally.clone());
        let engine = self.clone();
        let start = async move { question.start(&engine, view).await };
        let limits = Limits { timeout: self.options.timeout, rows: Some(self.options.max_rows) };
        self.answer(limits, tally, Box::pin(start)).await
    }

    /// Bytes that all queries hold now.
    pub fn memory_in_use(&self) -> usize {
        self.template.runtime_env().memory_pool.reserved()
    }

    /// Queries that may start now without waiting.
    pub fn free_permits(&self) -> usize {
        self.gate.free()
    }

    /// Where queries are planned and run.
    pub(super) fn threads(&self) -> &Handle {
        self.threads.as_ref().expect("the threads live as long as the engine").handle()
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
        let patience = limits.timeout + self.options.queue_deadline + GRACE;
        let (schema, batches) = run::spawn(self.threads(), self.gate.clone(), limits, tally.clone(), start);
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

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
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
    async fn start(self, engine: &Arc<Engine>, view: View) -> Result<SendableRecordBatchStream> {
        let params = self.params.to_values()?;
        let session = engine.session(&view, self.surface)?;
        let mut plan = engine.plan(&session, &view, &self.text, self.surface).await?;
        if let Some(values) = params {
            plan = plan.with_param_values(values).map_err(from_datafusion)?;
        }
        let physical = session.create_physical_plan(&plan).await.map_err(from_datafusion)?;
        let context = view.task_context(&session);
        execute_stream(physical, context).map_err(from_datafusion)
    }
}
