//! The session of a task: a part of a query that another query node was asked.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionState;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::SessionConfig;
use datafusion_distributed::{
    DistributedExt, WorkerPlanRewriteEvent, WorkerPlanRewriteEventResponse, WorkerQueryContext,
    WorkerSessionBuilder,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tonic::codegen::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::SpreadCounts;
use super::guarded_window::WindowGuard;
use super::inline_codec::InlineCodec;
use super::node_channels::NodeChannels;
use super::operators;
use super::panic_guard;
use super::rollup_codec::RollupCodec;
use super::scan_codec::ScanCodec;
use super::task_trackers::{self, TaskTrackers};
use super::window_codec::WindowCodec;
use crate::domain::cluster::CatalogMark;
use crate::domain::{Error, OrgId, Principal};
use crate::query::context::{QueryContext, QueryServices};
use crate::query::log::QueryTracker;
use crate::query::rollup::aggregates;

const QUERY_HEADER: &str = "basalt-query";
const ORG_HEADER: &str = "basalt-org";
const CATALOG_HEADER: &str = "basalt-catalog";

/// Knowledge of other nodes about a query beside the plans of its tasks; each call about it has this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskHeaders {
    /// Id of the query's tracker.
    pub query: Uuid,
    /// The organization of the caller.
    pub org: OrgId,
    /// Mark of the catalog that the node that was asked had when the plan was ready, and so each stream of the plan; `None` when
    /// that is not known.
    pub catalog: Option<CatalogMark>,
}

impl TaskHeaders {
    /// Describes a query that was asked here, for calls that need nothing of the catalog.
    pub fn of(tracker: &QueryTracker) -> Self {
        Self { query: tracker.id, org: tracker.org(), catalog: None }
    }

    /// Returns the headers of a call to another node, which [`TaskHeaders::read`] reads there.
    pub fn to_headers(self) -> HeaderMap {
        let value =
            |text: String| HeaderValue::try_from(text).expect("UUIDs and numbers have no other characters");
        let mut headers = HeaderMap::from_iter([
            (HeaderName::from_static(QUERY_HEADER), value(self.query.to_string())),
            (HeaderName::from_static(ORG_HEADER), HeaderValue::from(self.org.0)),
        ]);
        if let Some(mark) = self.catalog {
            headers.insert(CATALOG_HEADER, value(mark.to_string()));
        }
        headers
    }

    /// Reads the headers of a call.
    ///
    /// # Errors
    /// `Invalid` naming the header that is missing or malformed.
    pub fn read(headers: &HeaderMap) -> crate::domain::Result<Self> {
        let has_mark = headers.contains_key(CATALOG_HEADER);
        Ok(Self {
            query: read(headers, QUERY_HEADER)?,
            org: OrgId(read(headers, ORG_HEADER)?),
            catalog: has_mark.then(|| read(headers, CATALOG_HEADER)).transpose()?,
        })
    }
}

fn read<T: std::str::FromStr>(headers: &HeaderMap, name: &'static str) -> crate::domain::Result<T> {
    let text = headers.get(name).and_then(|value| value.to_str().ok());
    let value = text.and_then(|text| text.parse().ok());
    value.ok_or_else(|| Error::field(name, "must be a header of every call about a query"))
}

/// Returns the session that tasks begin with: that of queries, and the aggregates that only plans have. A task finds all
/// functions by their names.
pub fn template(queries: &SessionState) -> SessionState {
    let mut builder = SessionStateBuilder::new_from_existing(queries.clone());
    builder.aggregate_functions().get_or_insert_default().extend(aggregates::all());
    builder.build()
}

/// Makes the sessions of tasks.
pub struct TaskSessions {
    pub(super) services: Arc<QueryServices>,
    pub(super) template: SessionState,
    pub(super) trackers: Arc<TaskTrackers>,
    pub(super) channels: NodeChannels,
    /// Threads that a task can occupy for long.
    pub(super) threads: Handle,
    pub(super) counts: Arc<SpreadCounts>,
}

impl TaskSessions {
    /// Brings this node's catalog as far as that of the node that was asked, so that streams of a task are known here. A mark
    /// that is too high costs a question to the database; one that is too low may cost the task, because its streams are not
    /// known. The connections to the database are on the main runtime.
    async fn catch_up_to(&self, mark: Option<CatalogMark>) -> crate::domain::Result<()> {
        let catalog = self.services.store.catalog().clone();
        let caught_up = self.services.main_runtime.spawn(async move { catalog.catch_up_to(mark).await });
        caught_up
            .await
            .map_err(|e| Error::internal("following the catalog was interrupted").with_source(e))?
    }

    /// Adds the settings of queries to those that `datafusion-distributed` made for the task.
    fn configure(&self, config: &mut SessionConfig, query_context: QueryContext) {
        let (own, options) = (self.template.config().options(), config.options_mut());
        options.catalog = own.catalog.clone();
        options.execution = own.execution.clone();
        options.optimizer = own.optimizer.clone();
        options.sql_parser = own.sql_parser.clone();
        let interrupt = query_context.tracker.interrupt.clone();
        config.set_distributed_user_codec(ScanCodec::for_task(query_context.clone()));
        config.set_distributed_user_codec(RollupCodec::for_task(query_context));
        config.set_distributed_user_codec(InlineCodec::for_task(interrupt.clone()));
        let guard = WindowGuard { interrupt, threads: self.threads.clone() };
        config.set_distributed_user_codec(WindowCodec::for_task(guard));
        config.set_distributed_channel_resolver(self.channels.clone());
        config.set_distributed_worker_plan_rewrite_handler(|event: WorkerPlanRewriteEvent<'_>| {
            operators::check_task(&event.plan)?;
            Ok(WorkerPlanRewriteEventResponse::new(panic_guard::guard_task(event.plan)))
        });
    }
}

impl WorkerSessionBuilder for TaskSessions {
    // Spelled as `async_trait` does, but for the future: see `domain::type_erased`.
    fn build_session_state<'life0, 'async_trait>(
        &'life0 self,
        task: WorkerQueryContext,
    ) -> BoxFuture<'async_trait, Result<SessionState>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        self.build(task)
    }
}

impl TaskSessions {
    fn build(&self, task: WorkerQueryContext) -> BoxFuture<'_, Result<SessionState>> {
        self.build_session(task).boxed()
    }

    async fn build_session(&self, task: WorkerQueryContext) -> Result<SessionState> {
        let WorkerQueryContext { mut builder, headers } = task;
        let failed = |error: Error| DataFusionError::External(Box::new(error));
        let TaskHeaders { query, org, catalog } = TaskHeaders::read(&headers).map_err(failed)?;
        self.catch_up_to(catalog).await.map_err(failed)?;
        let tracker = self.trackers.of(query, org);
        task_trackers::check_org(&tracker, org).map_err(failed)?;
        let query_context =
            QueryContext::for_planning(&self.services, &Principal::system(org), tracker.clone());
        let mut config = builder.config().take().unwrap_or_default();
        self.configure(&mut config, query_context);
        let mut runtime = RuntimeEnv::clone(self.template.runtime_env());
        runtime.memory_pool = tracker.memory_pool.clone();
        self.counts.tasks.fetch_add(1, Ordering::Relaxed);
        let builder = SessionStateBuilder::new_from_existing(self.template.clone());
        Ok(builder.with_config(config).with_runtime_env(Arc::new(runtime)).build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_travel_and_a_missing_one_is_named() {
        let catalog = Some(CatalogMark { writer: Uuid::new_v4(), version: i64::MAX });
        let sent = TaskHeaders { query: Uuid::new_v4(), org: OrgId(7), catalog };
        let without_mark = TaskHeaders { catalog: None, ..sent };
        for headers in [sent, without_mark] {
            assert_eq!(TaskHeaders::read(&headers.to_headers()).unwrap(), headers);
        }
        for name in [QUERY_HEADER, ORG_HEADER] {
            let mut headers = sent.to_headers();
            headers.remove(name);
            let error = TaskHeaders::read(&headers).unwrap_err();
            assert_eq!(error.fields[0].field, name);
        }
        let mut headers = sent.to_headers();
        headers.insert(CATALOG_HEADER, HeaderValue::from_static("7"));
        assert_eq!(TaskHeaders::read(&headers).unwrap_err().fields[0].field, CATALOG_HEADER);
    }
}
