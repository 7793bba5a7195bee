//! One query on several query nodes: a long scan is divided among them, and its rows meet where the query was asked.
//!
//! The node that is asked plans as ever. When the plan reads many rows and all of its operators are known to be right over
//! a part of the rows (`operators.rs`), `distribution.rs` lets `datafusion-distributed` cut it into stages: each node gets a
//! part of every scan's files (`scan_codec.rs`), or of a rollup's streams (`rollup_codec.rs`), and runs it as a task
//! (`task_session.rs`). Small tables that these are joined with are read before, and are in the plan of each task
//! (`small_joins.rs`). Window functions are computed by each node for some values of their PARTITION BY (`windows.rs`). A
//! task filters by stream and retention itself, so rows of others do not leave the node that reads them. All of this begins
//! when the query may run, with the permits that it needs (`spread_stream.rs`); when a node fails before the first rows, the
//! query runs on the node that was asked alone. When it has ended, that node asks the others what they have used
//! (`usage_collector.rs`), for the query log.
//!
//! This is the only folder that names `datafusion_distributed` and `datafusion_proto`.

mod distribution;
mod guarded_window;
mod inline_codec;
mod inline_join;
mod inline_table;
mod join_partners;
mod node_channels;
mod node_codec;
mod operators;
mod panic_guard;
mod planned_node;
mod rollup_codec;
mod rollup_message;
mod scan_codec;
mod scan_message;
mod small_joins;
mod spread_stream;
mod table_message;
mod task_merge;
mod task_session;
mod task_trackers;
mod usage_collector;
mod usage_service;
mod window_codec;
mod windows;
pub mod workers;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::execution::context::{QueryPlanner, SessionState};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use datafusion_distributed::Worker;
use tokio::runtime::Handle;
use tonic::service::Routes;

use super::context::{QueryContext, QueryServices};
use super::options::SpreadOptions;
use crate::domain::Result;
use crate::domain::cluster::SpreadTotals;
use node_channels::NodeChannels;
use spread_stream::Attempt;
use task_session::TaskSessions;
use task_trackers::TaskTrackers;
use usage_service::UsageService;
use workers::Workers;

/// Services of a query node that divide queries, and run parts of those that others divide.
pub struct Spread {
    options: SpreadOptions,
    workers: Arc<Workers>,
    channels: NodeChannels,
    planner: Arc<dyn QueryPlanner + Send + Sync>,
    /// The session that tasks begin with: that of this node's queries, without tables.
    template: SessionState,
    trackers: Arc<TaskTrackers>,
    worker: Worker,
    /// Threads that an operator can occupy for long.
    threads: Handle,
    counts: Arc<SpreadCounts>,
}

/// Counters since the start.
#[derive(Debug, Default)]
struct SpreadCounts {
    spread: AtomicU64,
    repeated: AtomicU64,
    tasks: AtomicU64,
}

impl Spread {
    /// Prepares to divide queries. `template` is the session of this node's queries, and `threads` are those of long-running
    /// ones. The tasks of a query of another node have `task_bytes` of memory together.
    ///
    /// # Errors
    /// `Invalid` naming the configuration key of a secret or of certificates that cannot be used.
    pub fn new(
        services: &Arc<QueryServices>,
        template: &SessionState,
        threads: &Handle,
        options: SpreadOptions,
        task_bytes: usize,
    ) -> Result<Self> {
        let template = task_session::template(template);
        let channels = NodeChannels::new(&options, services.workers.clone())?;
        let pool = template.runtime_env().memory_pool.clone();
        let trackers = Arc::new(TaskTrackers::new(pool, task_bytes));
        let counts = Arc::<SpreadCounts>::default();
        let sessions = TaskSessions {
            services: services.clone(),
            template: template.clone(),
            trackers: trackers.clone(),
            channels: channels.clone(),
            threads: threads.clone(),
            counts: counts.clone(),
        };
        let worker = Worker::from_session_builder(sessions)
            .with_runtime_env(template.runtime_env().clone())
            .with_version(env!("CARGO_PKG_VERSION"));
        Ok(Self {
            options,
            workers: services.workers.clone(),
            channels,
            planner: distribution::planner(),
            template,
            trackers,
            worker,
            threads: threads.clone(),
            counts,
        })
    }

    /// Returns the services by which other nodes give tasks to this one, and ask what these have used. Whoever can call them
    /// reads rows of every organization: they must be behind the cluster's secret.
    pub fn task_routes(&self) -> Routes {
        let tasks = self.worker.clone().into_worker_server();
        Routes::new(tasks).add_service(UsageService::new(self.trackers.clone()))
    }

    /// Returns what this node has done with others since its start.
    pub fn totals(&self) -> SpreadTotals {
        let total = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let SpreadCounts { spread, repeated, tasks } = &*self.counts;
        SpreadTotals { spread: total(spread), repeated: total(repeated), tasks: total(tasks) }
    }

    /// Returns the rows of a query that is divided among nodes when they are first polled; `None` when it has to run on this
    /// node alone, because it reads few rows, has an operator that cannot be divided, or there is no other node.
    pub fn divide(
        self: &Arc<Self>,
        plan: &Arc<dyn ExecutionPlan>,
        session: &SessionState,
        query_context: &QueryContext,
    ) -> Option<SendableRecordBatchStream> {
        if !self.options.is_enabled || !operators::can_be_divided(plan, self.options.min_rows, &self.template)
        {
            return None;
        }
        self.workers.with(&self.options.own_url)?;
        let attempt = Attempt {
            spread: self.clone(),
            plan: plan.clone(),
            session: session.clone(),
            query_context: query_context.clone(),
        };
        Some(attempt.into_stream())
    }
}

#[cfg(test)]
mod attempt_tests;
#[cfg(test)]
mod changed_task_tests;
#[cfg(test)]
mod task_tests;
#[cfg(test)]
mod test_plans;
#[cfg(test)]
mod usage_tests;
