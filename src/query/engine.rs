//! Query engine: plans SQL and streams record batches, on its own threads.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::config::ConfigExtension;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SessionState;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use url::Url;
use uuid::Uuid;

use super::admission::{QueryAdmission, long_running_permits};
use super::context::{QueryContext, QueryServices};
use super::error::from_datafusion;
use super::executor::{self, ExecutionEnv, QueryLimits, StartedQuery};
use super::guard::interrupt::InterruptOption;
use super::guard::operators;
use super::information_schema;
use super::log::{QueryInfo, QueryTracker, Surface};
use super::memory_pool::QueryMemoryPool;
use super::options::{EngineOptions, StatementLimits};
use super::org_streams::OrgStreamsCache;
use super::params::Params;
use super::plan_cache::{PlanCache, PlannedStatement};
use super::postgres::settings_option::SettingsOption;
use super::postgres::{LazyPostgresCompat, StatementNotes};
use super::running::{self, RunningQueries};
use super::runtimes::QueryRuntimes;
use super::semantics::{bind_parameters, explain_correlated};
use super::session_template;
use super::spread::Spread;
use crate::domain::cluster::TailRequest;
use crate::domain::memory_usage::MemoryUsage;
use crate::domain::ports::{ConnectionSettings, DeviceStatusSource, ModelScorer};
use crate::domain::running_query::RunningQuery;
use crate::domain::{Error, Kind, Principal, Result};
use crate::store::Store;

/// Grace after the time limit, within which a query should notice the limit itself; after it the query is abandoned.
const TIMEOUT_GRACE: Duration = Duration::from_secs(2);

/// A result, streamed as it is computed.
pub struct QueryOutput {
    pub schema: SchemaRef,
    pub batches: BoxStream<'static, Result<RecordBatch>>,
}

/// The query engine, shared through an `Arc`.
pub struct Engine {
    pub(super) services: Arc<QueryServices>,
    pub(super) template: SessionState,
    pub(super) options: EngineOptions,
    /// Limits of statements, those of `options` at first.
    statement_limits: RwLock<StatementLimits>,
    /// Catalog tables and functions for PostgreSQL tools.
    pub(super) postgres: LazyPostgresCompat,
    pub(super) plan_cache: PlanCache,
    pub(super) admission: QueryAdmission,
    pub(super) running: RunningQueries,
    pub(super) threads: QueryRuntimes,
    /// Divides queries among query nodes; `None` outside a cluster.
    pub(super) spread: Option<Arc<Spread>>,
}

impl Engine {
    /// Starts the query threads. Must be called within the server's main runtime.
    pub fn new(
        store: Arc<Store>,
        states: Arc<dyn DeviceStatusSource>,
        models: Arc<dyn ModelScorer>,
        options: EngineOptions,
    ) -> Result<Self> {
        let failed =
            |e: std::io::Error| Error::unavailable("the query threads cannot be started").with_source(e);
        let cores = std::thread::available_parallelism().map_err(failed)?.get();
        let spill = &options.spill_dir;
        // Files that a killed process left there are of no use.
        let emptied = match std::fs::remove_dir_all(spill) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => std::fs::create_dir_all(spill),
        };
        emptied.map_err(|e| {
            Error::unavailable(format!("cannot create `{}` for queries to spill to: {e}", spill.display()))
        })?;
        let template = session_template::build(&options, cores).map_err(from_datafusion)?;
        let threads = QueryRuntimes::start(cores, long_running_permits(options.max_running))?;
        let admission = QueryAdmission::new(options.max_running, options.max_waiting, options.queue_deadline);
        let (log, postgres, plan_cache) =
            (Arc::default(), LazyPostgresCompat::default(), PlanCache::default());
        let services = Arc::new(QueryServices {
            store,
            states,
            models,
            log,
            org_streams: OrgStreamsCache::default(),
            workers: Arc::default(),
            main_runtime: Handle::current(),
        });
        let task_bytes = options.share_bytes.min(options.memory_bytes);
        let spread = options.spread.clone();
        let spread =
            spread.map(|how| Spread::new(&services, &template, threads.long_running(), how, task_bytes));
        let spread = spread.transpose()?.map(Arc::new);
        let limits = StatementLimits { timeout: options.timeout, max_rows: options.max_rows };
        Ok(Self {
            services,
            template,
            options,
            statement_limits: RwLock::new(limits),
            postgres,
            plan_cache,
            admission,
            running: RunningQueries::default(),
            threads,
            spread,
        })
    }

    /// Sets the longest time and the most rows of statements that start from now on.
    pub fn set_statement_limits(&self, timeout: Duration, max_rows: usize) {
        *self.statement_limits.write() = StatementLimits { timeout, max_rows };
    }

    pub(super) fn statement_limits(&self) -> StatementLimits {
        *self.statement_limits.read()
    }

    /// Sets the query nodes that queries can be divided among, by their listeners for tasks. Every node has to be given
    /// them in the same order.
    pub fn set_workers(&self, urls: Vec<Url>) {
        self.services.workers.set(urls);
    }

    /// Returns what this node needs to divide queries and to run tasks of others; `None` outside a cluster.
    pub fn spread(&self) -> Option<&Spread> {
        self.spread.as_deref()
    }

    /// Returns the threads on which tasks of other nodes run.
    pub fn task_threads(&self) -> &Handle {
        self.threads.short()
    }

    /// Runs one read-only statement on the data that `principal` may see.
    ///
    /// # Errors
    /// `Invalid` with the reason; `Forbidden` naming the scope that a table needs; `Busy`, `Timeout` or `TooLarge` for
    /// the limits.
    pub async fn sql(
        self: &Arc<Self>,
        principal: &Principal,
        request: StatementRequest,
    ) -> Result<QueryOutput> {
        let tracker = self.start_tracking(principal, request.surface, Some(&request.text));
        let wanted = TailRequest::for_statement(principal.org, &request.text);
        let query_context = QueryContext::pin(&self.services, principal, tracker.clone(), wanted).await?;
        let (engine, text_bytes) = (self.clone(), request.text.len());
        let start = async move { request.start(&engine, query_context).await };
        let StatementLimits { timeout, max_rows } = self.statement_limits();
        let limits = QueryLimits { timeout, max_rows: Some(max_rows) };
        let threads = self.threads.for_text(text_bytes).clone();
        self.run_query_on(threads, limits, tracker, Box::pin(start)).await
    }

    /// Returns the use of the memory pool of all queries.
    pub fn memory_usage(&self) -> MemoryUsage {
        let limit_bytes = self.options.memory_bytes;
        MemoryUsage { budget: "queries", used_bytes: self.memory_in_use(), limit_bytes }
    }

    /// Returns the bytes that all queries have reserved.
    pub fn memory_in_use(&self) -> usize {
        self.template.runtime_env().memory_pool.reserved()
    }

    /// Returns how many queries run.
    pub fn running_queries(&self) -> usize {
        self.admission.all.running()
    }

    /// Returns the queries of the principal's organization that wait or run, oldest first: its own, and those of others
    /// if it may see them.
    pub fn running(&self, principal: &Principal) -> Vec<RunningQuery> {
        let host = self.services.store.catalog().orgs.default_org();
        self.running.visible(principal, principal.org == host && !principal.is_restricted())
    }

    /// Cancels a query of the principal, or of another caller of its organization.
    ///
    /// # Errors
    /// `NotFound` for a query that has ended or that the principal does not see; `Forbidden` for another caller's
    /// without the scope.
    pub fn cancel(&self, principal: &Principal, id: Uuid) -> Result<RunningQuery> {
        self.running.cancel(principal, id)
    }

    /// Creates the tracker that writes the query's log record.
    pub(super) fn start_tracking(
        &self,
        principal: &Principal,
        surface: Surface,
        text: Option<&str>,
    ) -> Arc<QueryTracker> {
        let info = QueryInfo {
            started_at: self.services.store.clock().now(),
            text_hash: text.map(|text| hex::encode(Sha256::digest(text))),
            text: text.map(running::shorten),
            surface,
            caller: principal.caller,
            org: principal.org,
        };
        let pool: &Arc<dyn MemoryPool> = &self.template.runtime_env().memory_pool;
        let limit = self.options.share_bytes.min(self.options.memory_bytes);
        Arc::new(QueryTracker::new(
            self.services.log.clone(),
            info,
            QueryMemoryPool::new(pool.clone(), limit),
        ))
    }

    /// Waits until the schema of the result is known, that is, until planning has succeeded.
    pub(super) async fn run_query(
        &self,
        limits: QueryLimits,
        tracker: Arc<QueryTracker>,
        start: executor::StartFuture,
    ) -> Result<QueryOutput> {
        self.run_query_on(self.threads.short().clone(), limits, tracker, start).await
    }

    async fn run_query_on(
        &self,
        threads: Handle,
        limits: QueryLimits,
        tracker: Arc<QueryTracker>,
        start: executor::StartFuture,
    ) -> Result<QueryOutput> {
        // A long-running query waits twice: for a long-running permit and for a general one.
        let batch_timeout = limits.timeout + 2 * self.options.queue_deadline + TIMEOUT_GRACE;
        let long_running = self.threads.long_running().clone();
        self.running.add(&tracker);
        let environment = ExecutionEnv { threads, long_running, admission: self.admission.clone() };
        let (schema, batches) = executor::spawn(environment, limits, tracker.clone(), start);
        let mut batches = with_batch_timeout(batches, tracker.clone(), batch_timeout);
        let schema =
            tokio::time::timeout(batch_timeout, schema).await.map_err(|_| fail_with_timeout(&tracker))?;
        match schema {
            Ok(schema) => {
                // Awaits the first batch, so that an early failure can still be returned as an error.
                let first = batches.try_next().await?;
                let all = stream::iter(first.map(Ok)).chain(batches).boxed();
                Ok(QueryOutput { schema, batches: all })
            }
            Err(_) => match batches.next().await {
                Some(Err(e)) => Err(e),
                _ => Err(Error::internal("a query ended before it began")),
            },
        }
    }
}

fn fail_with_timeout(tracker: &QueryTracker) -> Error {
    tracker.fail(Kind::Timeout);
    Error::new(Kind::Timeout, "the query ran longer than it may")
}

/// Limits the wait for each batch to `batch_timeout`: an operator can compute for minutes without checking its time limit,
/// and the caller must not wait that long.
fn with_batch_timeout(
    batches: executor::QueryBatches,
    tracker: Arc<QueryTracker>,
    batch_timeout: Duration,
) -> BoxStream<'static, Result<RecordBatch>> {
    let next = move |mut batches: executor::QueryBatches| {
        let tracker = tracker.clone();
        async move {
            let next = tokio::time::timeout(batch_timeout, batches.next()).await;
            let next = next.unwrap_or_else(|_| Some(Err(fail_with_timeout(&tracker))));
            next.map(|batch| (batch, batches))
        }
    };
    stream::unfold(batches, next).fuse().boxed()
}

/// A statement and its parameters.
#[derive(Debug, Clone)]
pub struct StatementRequest {
    pub text: String,
    pub params: Params,
    /// Source of the statement; PostgreSQL clients also get `pg_catalog`.
    pub surface: Surface,
    /// Settings of the caller's connection; `None` where connections have none.
    pub settings: Option<Arc<dyn ConnectionSettings>>,
}

impl StatementRequest {
    /// Plans the statement over the tables of `query_context` and starts executing it.
    async fn start(self, engine: &Arc<Engine>, query_context: QueryContext) -> Result<StartedQuery> {
        let params = self.params.to_values()?;
        let mut session = engine.session(&query_context, self.surface)?;
        if let Some(settings) = self.settings {
            add_option(&mut session, SettingsOption(settings));
        }
        let PlannedStatement { mut plan, has_bounded, notes } =
            engine.plan(&session, &query_context, &self.text, self.surface).await?;
        if has_bounded {
            add_option(&mut session, InterruptOption(query_context.tracker.interrupt.clone()));
        }
        if let Some(values) = params {
            plan = bind_parameters(plan, values, &self.params).map_err(from_datafusion)?;
        }
        let lists_functions = information_schema::is_read(&plan);
        let guarded = create_guarded_plan(&session, &plan, &query_context).await;
        let limit = session.config_options().sql_parser.recursion_limit.get();
        let mut guarded = guarded.map_err(|error| explain_correlated(error, &self.text, limit))?;
        if let Some(rows) = guarded.batch_rows {
            // Some sources fix the size of their batches when they are planned.
            *session.config_mut() = session.config().clone().with_batch_size(rows);
            guarded = create_guarded_plan(&session, &plan, &query_context).await?;
        }
        let is_portable = guarded.has_portable_guards() && !query_context.text_batch_size.is_limited();
        let operators::GuardedPlan { plan, is_long_running, .. } = guarded;
        if let Some(spread) = engine.spread.as_ref().filter(|_| is_portable)
            && let Some(stream) = spread.divide(&plan, &session, &query_context)
        {
            return Ok(StartedQuery { stream: with_names(stream, &notes), is_long_running });
        }
        let context = match lists_functions {
            true => query_context.task_context_with_functions(&session),
            false => query_context.task_context(&session),
        };
        let stream = with_names(executor::execute_when_polled(plan, context), &notes);
        Ok(StartedQuery { stream, is_long_running })
    }
}

/// Adds an option that functions find when they run: they see the options as the properties of the execution have them, which were
/// taken when the session was made.
fn add_option(session: &mut SessionState, option: impl ConfigExtension) {
    session.config_mut().options_mut().extensions.insert(option);
    let options = Arc::clone(session.config_options());
    session.execution_props_mut().config_options = Some(options);
}

/// Gives the columns of a result the names that its client is told. Batches keep theirs.
fn with_names(stream: SendableRecordBatchStream, notes: &StatementNotes) -> SendableRecordBatchStream {
    let schema = notes.name_columns(stream.schema());
    match Arc::ptr_eq(&schema, &stream.schema()) {
        true => stream,
        false => Box::pin(RecordBatchStreamAdapter::new(schema, stream)),
    }
}

/// Creates the physical plan of a statement, with the guards that keep it within its limits.
async fn create_guarded_plan(
    session: &SessionState,
    plan: &LogicalPlan,
    query_context: &QueryContext,
) -> Result<operators::GuardedPlan> {
    let physical = session.create_physical_plan(plan).await.map_err(from_datafusion)?;
    let physical = query_context.text_batch_size.limit_plan(physical).map_err(from_datafusion)?;
    let full_batch = session.config().batch_size();
    operators::guard(physical, &query_context.tracker.interrupt, full_batch).map_err(from_datafusion)
}
