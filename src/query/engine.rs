//! The query engine: SQL in, batches out, on threads of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::{SQLOptions, SessionState};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tokio::runtime::{Handle, Runtime};

use super::error::from_datafusion;
use super::limits::Gate;
use super::rollup::rule::UseStatistics;
use super::run::{self, Limits};
use super::session::View;
use super::{functions, params, scopes};
use crate::domain::ports::DeviceStates;
use crate::domain::{Error, Kind, Principal, Result};
use crate::store::Store;

/// Footers of Parquet files kept in memory.
const FOOTER_CACHE_BYTES: usize = 64 << 20;
/// What all queries may spill together: a query must not fill the disk the log is on.
const SPILL_BYTES: u64 = 4 << 30;
/// A query notices its time limit itself within this, or is given up.
const GRACE: Duration = Duration::from_secs(2);
/// Functions that make gigabytes out of one number, outside the memory pool.
const UNBOUNDED: [&str; 7] =
    ["repeat", "lpad", "rpad", "array_repeat", "array_resize", "range", "generate_series"];
/// Longest SQL text, bytes.
const MAX_SQL: usize = 256 * 1024;

/// How much queries may take.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    pub timeout: Duration,
    pub max_rows: usize,
    /// Memory of all queries together, bytes.
    pub memory_bytes: usize,
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
    pub(super) template: SessionState,
    pub(super) gate: Gate,
    pub(super) options: EngineOptions,
    /// Where the rest of the server runs.
    pub(super) home: Handle,
    threads: Option<Runtime>,
}

impl Engine {
    /// Starts the query threads; within the runtime of the rest of the server.
    pub fn new(store: Arc<Store>, states: Arc<dyn DeviceStates>, options: EngineOptions) -> Result<Self> {
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
        let template = template(&options, cores).map_err(from_datafusion)?;
        let threads = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(cores)
            .thread_name("basalt-query")
            .enable_all()
            .build()
            .map_err(failed)?;
        let gate = Gate::new(options.running, options.waiting, options.queue_deadline);
        let home = Handle::current();
        Ok(Self { store, states, template, gate, options, home, threads: Some(threads) })
    }

    /// Runs one read-only statement as `principal` sees the data. `params` is an object, an array or null.
    ///
    /// # Errors
    /// `Invalid` with the reason in words; `Forbidden` naming the scope a table needs; `Busy`, `Timeout`,
    /// `TooLarge` for the limits.
    pub async fn sql(
        self: &Arc<Self>,
        principal: &Principal,
        text: &str,
        params: &serde_json::Value,
    ) -> Result<Answer> {
        if text.trim().is_empty() {
            return Err(Error::field("query", "is empty"));
        }
        if text.len() > MAX_SQL {
            return Err(Error::too_large(format!("the query is longer than {MAX_SQL} bytes")));
        }
        let (engine, principal, text) = (self.clone(), principal.clone(), text.to_owned());
        let params = params::from_json(params)?;
        let start = async move {
            let view = View::new(&engine, &principal);
            let session = view.session(&engine.template).map_err(from_datafusion)?;
            let mut plan = plan(&session, &principal, &text).await?;
            if let Some(values) = params {
                plan = plan.with_param_values(values).map_err(from_datafusion)?;
            }
            let physical = session.create_physical_plan(&plan).await.map_err(from_datafusion)?;
            execute_stream(physical, session.task_ctx()).map_err(from_datafusion)
        };
        let limits = Limits { timeout: self.options.timeout, rows: Some(self.options.max_rows) };
        self.answer(limits, Box::pin(start)).await
    }

    /// Waits until the answer's schema is known, which is when planning has succeeded.
    pub(super) async fn answer(&self, limits: Limits, start: run::Start) -> Result<Answer> {
        let (told, schema) = tokio::sync::oneshot::channel();
        let start = Box::pin(async move {
            let stream = start.await?;
            // The asker may have left; then the query ends with its stream.
            let _ = told.send(stream.schema());
            Ok(stream)
        });
        let threads = self.threads.as_ref().expect("the threads live as long as the engine");
        let patience = limits.timeout + self.options.queue_deadline + GRACE;
        let batches = run::spawn(threads.handle(), self.gate.clone(), limits, start);
        let mut batches = patient(batches, patience);
        let schema = tokio::time::timeout(patience, schema).await.map_err(|_| stuck())?;
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

fn stuck() -> Error {
    Error::new(Kind::Timeout, "the query ran longer than it may")
}

/// Batches, none awaited for longer than `patience`: an operator of a query can compute for minutes without ever
/// looking at its time limit, and whoever asked must not wait with it.
fn patient(batches: run::Batches, patience: Duration) -> BoxStream<'static, Result<RecordBatch>> {
    let next = move |mut batches: run::Batches| async move {
        let next = tokio::time::timeout(patience, batches.next()).await.unwrap_or(Some(Err(stuck())));
        next.map(|batch| (batch, batches))
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

async fn plan(session: &SessionState, principal: &Principal, text: &str) -> Result<LogicalPlan> {
    let dialect = session.config_options().sql_parser.dialect;
    let statement = session.sql_to_statement(text, &dialect).map_err(from_datafusion)?;
    let tables = session.resolve_table_references(&statement).map_err(from_datafusion)?;
    scopes::check(principal, &tables)?;
    let plan = session.statement_to_plan(statement).await.map_err(from_datafusion)?;
    let read_only =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    read_only.verify_plan(&plan).map_err(|e| {
        let why = from_datafusion(e);
        Error::invalid(format!("only reading statements can run here: {}", why.message)).because(why)
    })?;
    Ok(plan)
}

/// Functions, rules and settings every query shares.
fn template(options: &EngineOptions, cores: usize) -> datafusion::error::Result<SessionState> {
    let mut config = SessionConfig::new()
        .with_target_partitions(cores)
        .with_information_schema(true)
        .with_default_catalog_and_schema("basalt", "public")
        .with_create_default_catalog_and_schema(false);
    let settings = config.options_mut();
    settings.execution.time_zone = Some("UTC".to_owned());
    settings.execution.parquet.pushdown_filters = true;
    settings.execution.use_row_number_estimates_to_optimize_partitioning = true;
    settings.sql_parser.dialect = datafusion::config::Dialect::PostgreSQL;
    settings.sql_parser.map_string_types_to_utf8view = false;
    settings.execution.parquet.schema_force_view_types = false;
    let runtime: Arc<RuntimeEnv> = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(options.memory_bytes)))
        .with_metadata_cache_limit(FOOTER_CACHE_BYTES)
        .with_temp_file_path(&options.spill_dir)
        .with_max_temp_directory_size(SPILL_BYTES)
        .build_arc()?;
    let builder = functions::register(SessionStateBuilder::new_with_default_features());
    let builder = builder.with_optimizer_rule(Arc::new(UseStatistics));
    let mut state = builder.with_config(config).with_runtime_env(runtime).build();
    for name in UNBOUNDED {
        state.deregister_udf(name)?;
    }
    Ok(state)
}
