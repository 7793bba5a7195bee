//! Context of one query: its principal, one pinned snapshot, and what it reads besides.
//!
//! Scans and tables take it; `principal_catalog.rs` makes of it the catalog that DataFusion plans with.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionState;
use datafusion::execution::runtime_env::RuntimeEnv;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::log::{QueryLog, QueryRecord, QueryTracker};
use super::org_streams::{MessageStreams, OrgStreamsCache};
use super::scan::row_security::VisibleStreams;
use super::scan::text_batch_size::TextBatchSize;
use super::spread::workers::Workers;
use crate::domain::annotation::{Annotation, AnnotationFilter};
use crate::domain::audit::{AuditFilter, AuditRecord};
use crate::domain::cluster::{ClusterNode, Shard, TailRequest, ingest_node};
use crate::domain::device::{Device, DeviceFilter, DeviceStatus};
use crate::domain::event::{Event, EventFilter};
use crate::domain::job::{Job, JobFilter};
use crate::domain::mqtt::status::SessionStatus;
use crate::domain::ports::{DeviceStatusSource, ModelScorer};
use crate::domain::quarantine::{QuarantineFilter, QuarantineRecord};
use crate::domain::reading::Reading;
use crate::domain::retention::StreamStarts;
use crate::domain::{Error, Micros, Principal, Result, StreamId};
use crate::store::Store;
use crate::store::catalog::Catalog;
use crate::store::snapshot::Snapshot;

/// The parts of the server that queries read from.
pub struct QueryServices {
    pub store: Arc<Store>,
    pub states: Arc<dyn DeviceStatusSource>,
    pub models: Arc<dyn ModelScorer>,
    pub log: Arc<QueryLog>,
    pub org_streams: OrgStreamsCache,
    /// The query nodes that a query can be divided among; none outside a cluster.
    pub workers: Arc<Workers>,
    /// Runtime of the rest of the server.
    pub main_runtime: Handle,
}

/// The principal, snapshot and catalog of a query, and the tracker that counts the resources it uses.
#[derive(Clone)]
pub struct QueryContext {
    pub principal: Arc<Principal>,
    pub snapshot: Arc<Snapshot>,
    pub tracker: Arc<QueryTracker>,
    /// Bounds the batch size by the longest text that the query can read.
    pub text_batch_size: TextBatchSize,
    visible: Arc<OnceLock<Arc<VisibleStreams>>>,
    raw: Arc<OnceLock<Arc<VisibleStreams>>>,
    services: Arc<QueryServices>,
}

impl fmt::Debug for QueryContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueryContext")
    }
}

impl QueryContext {
    /// Pins a snapshot with every row acknowledged so far, and what else is wanted of the owner of the lake. Runs on the main
    /// runtime, which has the connections to the owner and to the catalog's database.
    ///
    /// # Errors
    /// `Unavailable` when the owner of the lake does not answer.
    pub async fn pin(
        services: &Arc<QueryServices>,
        principal: &Principal,
        tracker: Arc<QueryTracker>,
        wanted: TailRequest,
    ) -> Result<Self> {
        let pinned =
            services.store.current_snapshot(wanted).await.inspect_err(|error| tracker.fail(error.kind))?;
        Ok(Self::over(services, principal, tracker, pinned))
    }

    /// Makes a context to plan with: its snapshot may lack rows.
    pub fn for_planning(
        services: &Arc<QueryServices>,
        principal: &Principal,
        tracker: Arc<QueryTracker>,
    ) -> Self {
        Self::over(services, principal, tracker, services.store.snapshot())
    }

    fn over(
        services: &Arc<QueryServices>,
        principal: &Principal,
        tracker: Arc<QueryTracker>,
        snapshot: Snapshot,
    ) -> Self {
        Self {
            principal: Arc::new(principal.clone()),
            snapshot: Arc::new(snapshot),
            tracker,
            text_batch_size: TextBatchSize::default(),
            visible: Arc::default(),
            raw: Arc::default(),
            services: services.clone(),
        }
    }

    /// Returns the streams that the principal may read, with the start of their retention. They are looked up once, on
    /// first use, so they may be newer than the snapshot: a stream created in between has no rows in it.
    pub fn visible_streams(&self) -> &Arc<VisibleStreams> {
        let from = &self.snapshot.retention_bounds.visible_from;
        self.visible.get_or_init(|| self.streams_seen(from))
    }

    /// Like [`Self::visible_streams`], but includes expired readings that are not yet purged: windows without
    /// statistics are computed from them.
    pub fn visible_streams_with_expired(&self) -> &Arc<VisibleStreams> {
        let from = &self.snapshot.retention_bounds.purged_before;
        self.raw.get_or_init(|| self.streams_seen(from))
    }

    pub(super) fn device_status(&self, device: &Device) -> DeviceStatus {
        match &self.snapshot.owner {
            Some(owner) => owner.states.devices.get(&device.id).cloned().unwrap_or_default(),
            None => self.services.states.status(device),
        }
    }

    pub(super) fn models(&self) -> &Arc<dyn ModelScorer> {
        &self.services.models
    }

    fn streams_seen(&self, from: &Arc<StreamStarts>) -> Arc<VisibleStreams> {
        self.services.org_streams.visible(&self.catalog().streams, &self.principal, from)
    }

    /// Whether there are nodes to divide the query among.
    pub fn can_spread(&self) -> bool {
        self.services.workers.are_several()
    }

    /// Returns the catalog as it is now; only readings and the like are pinned by the snapshot.
    pub fn catalog(&self) -> &Catalog {
        self.services.store.catalog()
    }

    /// Returns the ids of the devices that the principal sees completely, ascending.
    pub fn own_devices(&self) -> Vec<i32> {
        let seen = self.catalog().devices.devices(&self.principal, &DeviceFilter::default());
        let own = seen.iter().filter(|device| self.principal.owns_device(device.org, device.id));
        own.map(|device| device.id.0).collect()
    }

    /// Returns the events that the principal may see.
    pub async fn events(&self, filter: EventFilter) -> Result<Vec<Event>> {
        let (catalog, principal) = (self.services.store.catalog().clone(), self.principal.clone());
        let rows = async move { catalog.events.events(&principal, &filter).await };
        read_on(&self.services.main_runtime, "the event log", rows).await
    }

    /// Returns the annotations that the principal may see.
    pub async fn annotations(&self, filter: AnnotationFilter) -> Result<Vec<Annotation>> {
        let (catalog, principal) = (self.services.store.catalog().clone(), self.principal.clone());
        let rows = async move { catalog.annotations.annotations(&principal, &filter).await };
        read_on(&self.services.main_runtime, "annotations", rows).await
    }

    /// Returns the audit records that the principal may see, read on the main runtime as in `read_on`. It does not end with the
    /// query: refusals that it writes before it reads would be lost.
    pub async fn audit_log(&self, filter: AuditFilter) -> Result<Vec<AuditRecord>> {
        let (catalog, principal) = (self.services.store.catalog().clone(), self.principal.clone());
        let reading = self
            .services
            .main_runtime
            .spawn(async move { catalog.audit.audit_log(&principal, &filter).await });
        reading.await.map_err(|e| Error::internal("reading the audit log was interrupted").with_source(e))?
    }

    /// Returns the quarantined readings that the principal may see.
    pub async fn quarantined(&self, filter: QuarantineFilter) -> Result<Vec<QuarantineRecord>> {
        let (catalog, principal) = (self.services.store.catalog().clone(), self.principal.clone());
        let rows = async move { catalog.quarantine.quarantined(&principal, &filter).await };
        read_on(&self.services.main_runtime, "the quarantine", rows).await
    }

    /// Returns the jobs that the principal may see.
    pub async fn jobs(&self, filter: JobFilter) -> Result<Vec<Job>> {
        let (catalog, principal) = (self.services.store.catalog().clone(), self.principal.clone());
        let rows = async move { catalog.jobs.jobs(&principal, &filter).await };
        read_on(&self.services.main_runtime, "jobs", rows).await
    }

    /// Returns the nodes of the cluster that the principal may see.
    pub async fn nodes(&self) -> Result<Vec<ClusterNode>> {
        let (catalog, principal) = (self.services.store.catalog().clone(), self.principal.clone());
        let rows = async move { catalog.nodes.nodes(&principal).await };
        read_on(&self.services.main_runtime, "nodes", rows).await
    }

    /// Returns the shards of the data, as far as the query sees them; none for a principal that does not see the nodes either.
    ///
    /// # Errors
    /// `Unavailable` when the catalog's database does not answer, or another server has taken the lake over.
    pub async fn shards(&self) -> Result<Vec<Shard>> {
        if !self.sees_host_metrics() {
            return Ok(Vec::new());
        }
        // Of a lost lake, epoch and seqs are no longer the owner's.
        self.services.store.check_ownership()?;
        let nodes = self.nodes().await?;
        let epoch = match &self.snapshot.owner {
            Some(owner) => owner.epoch,
            None => self.services.store.owner_epoch(),
        };
        Ok(vec![Shard {
            id: 0,
            owner: ingest_node(&nodes).and_then(|node| node.url.clone()),
            epoch,
            seq: self.snapshot.seq,
            flushed_seq: self.snapshot.flushed_seq,
            lake_version: self.snapshot.lake.version,
        }])
    }

    /// Returns the sessions of MQTT clients that the principal may see.
    pub(super) fn mqtt_sessions(&self) -> Vec<SessionStatus> {
        let Some(owner) = &self.snapshot.owner else {
            return self.services.states.mqtt_sessions(&self.principal);
        };
        let org = self.principal.org;
        let sessions = owner.states.sessions.iter();
        sessions.filter(|session| session.owner.is_visible_to(org, &self.principal)).cloned().collect()
    }

    /// Returns the server's current time.
    pub fn now(&self) -> Micros {
        self.services.store.clock().now()
    }

    pub(super) fn query_log(&self) -> Vec<Arc<QueryRecord>> {
        self.services.log.visible(&self.principal)
    }

    /// Whether the principal may see numbers that cover all organizations together: an unrestricted principal of the
    /// default organization.
    pub(super) fn sees_host_metrics(&self) -> bool {
        let host = self.services.store.catalog().orgs.default_org();
        self.principal.org == host && !self.principal.is_restricted()
    }

    /// Returns the streams of the principal's organization; `None` when the principal does not see all of it.
    pub fn org_streams(&self) -> Option<Arc<MessageStreams>> {
        let from = &self.snapshot.retention_bounds.visible_from;
        self.services.org_streams.get(&self.catalog().streams, &self.principal, from)
    }

    /// Returns the newest readings of streams by their own times, of any quality, which may be later than the snapshot.
    /// Streams without readings are left out. `None` on a query node, which knows current readings only.
    pub fn newest_by_time(&self, streams: &[StreamId]) -> Option<Vec<Reading>> {
        if self.snapshot.owner.is_some() {
            return None;
        }
        let newest = |stream: &StreamId| self.services.store.newest_by_time(&self.principal, *stream);
        Some(streams.iter().filter_map(newest).collect())
    }

    /// Returns the current reading of a stream, of any quality.
    pub fn current_reading(&self, stream: i32) -> Option<Reading> {
        let Some(owner) = &self.snapshot.owner else {
            return Some(self.services.store.latest(&self.principal, StreamId(stream))?.newest);
        };
        let is_kept = |reading: &Reading| {
            reading.ts.0 >= self.snapshot.retention_bounds.visible_from.start_of(reading.stream.0)
        };
        let is_visible = self.visible_streams().contains(stream);
        owner.newest_reading(stream).filter(|reading| is_visible && is_kept(reading))
    }

    /// Returns the context to execute a plan of this query in. Its memory pool is the query's own. It knows no functions by
    /// name: a plan holds its functions, and to copy hundreds of names takes longer than some queries.
    pub fn task_context(&self, session: &SessionState) -> Arc<TaskContext> {
        let (id, config) = (session.session_id().to_owned(), session.config().clone());
        let (scalar, higher_order) = (HashMap::new(), HashMap::new());
        let (aggregate, window) = (HashMap::new(), HashMap::new());
        let runtime = session.runtime_env().clone();
        let context = TaskContext::new(None, id, config, scalar, higher_order, aggregate, window, runtime);
        self.limit_context(context)
    }

    /// Like [`Self::task_context`], but it knows the functions of the session: `information_schema` lists them, and a plan of
    /// another node is decoded with them.
    pub fn task_context_with_functions(&self, session: &SessionState) -> Arc<TaskContext> {
        self.limit_context(TaskContext::from(session))
    }

    fn limit_context(&self, context: TaskContext) -> Arc<TaskContext> {
        let mut runtime = RuntimeEnv::clone(&context.runtime_env());
        runtime.memory_pool = self.tracker.memory_pool.clone();
        Arc::new(self.text_batch_size.limit_context(context.with_runtime(Arc::new(runtime))))
    }
}

/// Reads rows of the catalog's database on the main runtime: a connection that was opened on a query thread would have to wait for
/// the query threads. The reading ends with its query, so that a silent database keeps its connection for no longer.
async fn read_on<T: Send + 'static>(
    runtime: &Handle,
    what: &str,
    rows: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let reading = AbortOnDropHandle::new(runtime.spawn(rows));
    reading.await.map_err(|e| Error::internal(format!("reading {what} was interrupted")).with_source(e))?
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_reading_ends_with_its_query() {
        let (sender, end) = oneshot::channel::<()>();
        let rows = async move {
            let _sender = sender;
            std::future::pending::<Result<()>>().await
        };
        let runtime = Handle::current();
        let query = read_on(&runtime, "a table", rows);
        // It has begun to wait when it is dropped.
        assert!(timeout(Duration::ZERO, query).await.is_err());
        let answer = timeout(Duration::from_secs(60), end).await.expect("the reading is dropped");
        assert!(answer.is_err(), "it sends nothing");
    }
}
