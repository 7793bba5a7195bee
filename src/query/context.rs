//! Context of one query: a DataFusion session with the tables its principal may name, over one pinned snapshot.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionState;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{FunctionRegistry, TaskContext};

use super::describe::TableInfo;
use super::engine::Engine;
use super::functions::anomaly_score::AnomalyScore;
use super::log::{QueryRecord, QueryTracker};
use super::scan::row_security::VisibleStreams;
use super::scan::table_provider::ScanProvider;
use super::scan::text_batch_size::TextBatchSize;
use super::scopes;
use super::tables::{
    audit_log, core_views, devices, events, groups, latest, messages, query_log, readings, statistics,
    streams,
};
use crate::domain::audit::{AuditFilter, AuditRecord};
use crate::domain::device::{Device, DeviceFilter, DeviceStatus};
use crate::domain::event::{Event, EventFilter};
use crate::domain::pagination::Pagination;
use crate::domain::reading::Reading;
use crate::domain::stream::StreamFilter;
use crate::domain::{Error, Micros, Principal, StreamId};
use crate::store::catalog::Catalog;
use crate::store::snapshot::Snapshot;

/// The principal, snapshot and catalog of a query, and the tracker that counts the resources it uses.
#[derive(Clone)]
pub struct QueryContext {
    pub principal: Arc<Principal>,
    pub snapshot: Arc<Snapshot>,
    pub tally: Arc<QueryTracker>,
    /// Bounds the batch size by the longest text that the query can read.
    pub text_batch_size: TextBatchSize,
    visible: Arc<OnceLock<Arc<VisibleStreams>>>,
    raw: Arc<OnceLock<Arc<VisibleStreams>>>,
    engine: Arc<Engine>,
}

impl fmt::Debug for QueryContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

impl QueryContext {
    /// Pins the current snapshot.
    pub fn new(engine: &Arc<Engine>, principal: &Principal, tally: Arc<QueryTracker>) -> Self {
        Self {
            principal: Arc::new(principal.clone()),
            snapshot: Arc::new(engine.store.snapshot()),
            tally,
            text_batch_size: TextBatchSize::default(),
            visible: Arc::default(),
            raw: Arc::default(),
            engine: engine.clone(),
        }
    }

    /// Returns the streams that the principal may read, with the start of their retention. They are looked up once, on
    /// first use, so they may be newer than the snapshot: a stream created in between has no rows in it.
    pub fn visible_streams(&self) -> &Arc<VisibleStreams> {
        let find =
            || Arc::new(self.streams_seen().with_retention(&self.snapshot.retention_bounds.visible_from));
        self.visible.get_or_init(find)
    }

    /// Like [`Self::visible_streams`], but includes expired readings that are not yet purged: windows without
    /// statistics are computed from them.
    pub fn visible_streams_with_expired(&self) -> &Arc<VisibleStreams> {
        let find =
            || Arc::new(self.streams_seen().with_retention(&self.snapshot.retention_bounds.purged_before));
        self.raw.get_or_init(find)
    }

    fn streams_seen(&self) -> VisibleStreams {
        VisibleStreams::new(self.engine.store.catalog().visible_streams(&self.principal))
    }

    pub fn catalog(&self) -> &Catalog {
        self.engine.store.catalog()
    }

    /// Returns the ids of the devices that the principal sees completely, ascending.
    pub fn own_devices(&self) -> Vec<i32> {
        let seen = self.catalog().devices(&self.principal, &DeviceFilter::default());
        let own = seen.iter().filter(|device| self.principal.owns_device(device.org, device.id));
        own.map(|device| device.id.0).collect()
    }

    /// Returns the events that the principal may see. The database call runs on the main runtime: a connection opened
    /// on a query thread would have to wait for the query threads.
    pub async fn events(&self, filter: EventFilter) -> crate::domain::Result<Vec<Event>> {
        let (catalog, principal) = (self.engine.store.catalog().clone(), self.principal.clone());
        let asked = self.engine.main_runtime.spawn(async move { catalog.events(&principal, &filter).await });
        asked.await.map_err(|e| Error::internal("reading the event log was interrupted").with_source(e))?
    }

    /// Returns the audit records that the principal may see, read on the main runtime as in [`Self::events`].
    pub async fn audit_log(&self, filter: AuditFilter) -> crate::domain::Result<Vec<AuditRecord>> {
        let (catalog, principal) = (self.engine.store.catalog().clone(), self.principal.clone());
        let asked =
            self.engine.main_runtime.spawn(async move { catalog.audit_log(&principal, &filter).await });
        asked.await.map_err(|e| Error::internal("reading the audit log was interrupted").with_source(e))?
    }

    /// Returns the server's current time.
    pub fn now(&self) -> Micros {
        self.engine.store.clock().now()
    }

    fn readings(&self) -> Arc<dyn TableProvider> {
        Arc::new(ScanProvider(readings::ReadingsTable::new(self.clone())))
    }

    fn statistics(&self, overlay: bool) -> Arc<dyn TableProvider> {
        Arc::new(ScanProvider(statistics::StatisticsTable::new(self.clone(), overlay)))
    }

    fn events_table(&self) -> Arc<dyn TableProvider> {
        Arc::new(ScanProvider(events::EventsTable::new(self.clone())))
    }

    fn devices(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = self.engine.store.catalog().devices(&self.principal, &DeviceFilter::default());
        let status = |device: &Device| -> DeviceStatus { self.engine.states.status(device) };
        Ok(Arc::new(devices::table(&rows, status)?))
    }

    fn streams(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = self.engine.store.catalog().streams(&self.principal, &StreamFilter::default());
        Ok(Arc::new(streams::table(&rows)?))
    }

    fn query_log(&self) -> Vec<Arc<QueryRecord>> {
        self.engine.log.visible(&self.principal)
    }

    /// Whether the principal may see numbers that cover all organizations together: an unrestricted principal of the
    /// default organization.
    fn sees_host_metrics(&self) -> bool {
        let host = self.engine.store.catalog().default_org();
        self.principal.org == host && !self.principal.is_restricted()
    }

    /// Returns the newest reading of a stream, of any quality.
    pub fn newest_reading(&self, stream: i32) -> Option<Reading> {
        let last = self.engine.store.latest(&self.principal, StreamId(stream))?;
        Some(last.newest)
    }

    /// Returns a table or view that the principal may read.
    pub(super) fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !scopes::may_read(&self.principal, name) {
            return Ok(None);
        }
        Ok(Some(match name {
            "readings" => self.readings(),
            "devices" => self.devices()?,
            "streams" => self.streams()?,
            "latest" => Arc::new(ScanProvider(latest::LatestTable::new(self.clone()))),
            "query_log" => Arc::new(query_log::table(&self.query_log(), self.sees_host_metrics())?),
            "audit_log" => Arc::new(ScanProvider(audit_log::AuditLogTable::new(self.clone()))),
            "groups" => Arc::new(groups::table(
                &self.engine.store.catalog().groups(&self.principal, Pagination::ALL),
            )?),
            "statistics" => self.statistics(false),
            "messages" => Arc::new(ScanProvider(messages::MessagesTable::new(self.clone()))),
            "events" => self.events_table(),
            "core_valuestatistics" => Arc::new(core_views::core_valuestatistics(self.statistics(true))?),
            "core_eventlog" => Arc::new(core_views::core_eventlog(self.events_table())?),
            "core_value" => Arc::new(core_views::core_value(self.readings())?),
            "core_data" => Arc::new(core_views::core_data(self.streams()?)?),
            "core_device" => Arc::new(core_views::core_device(self.devices()?)?),
            _ => return Ok(None),
        }))
    }

    /// Returns the tables that the principal may read.
    pub fn tables(&self) -> Result<Vec<TableInfo>> {
        let mut tables = Vec::new();
        for (name, _) in scopes::TABLES {
            if let Some(table) = self.table(name)? {
                let is_view = table.table_type() == TableType::View;
                tables.push(TableInfo { name, schema: table.schema(), is_view });
            }
        }
        Ok(tables)
    }

    /// Creates a session over this context. `template` provides functions, rules and settings, `pg_catalog` a schema
    /// beside that of the tables. The session is a copy of the template with another catalog: building one anew costs
    /// more than a small query.
    pub fn session(
        &self,
        template: &SessionState,
        pg_catalog: Option<Arc<dyn SchemaProvider>>,
    ) -> SessionState {
        let mut session = template.clone();
        session.register_catalog_list(Arc::new(PrincipalCatalog { view: self.clone(), pg_catalog }));
        let (models, who) = (self.engine.models.clone(), self.principal.clone());
        let anomaly_score = AnomalyScore::new(models, who, self.tally.clone());
        session.register_udwf(Arc::new(anomaly_score.into())).expect("a session takes functions");
        // Fixes the value of `now()` for this query.
        session.mark_start_execution();
        session
    }

    /// Returns the context to execute a plan of this query in. Its memory pool is the query's own.
    pub fn task_context(&self, session: &SessionState) -> Arc<TaskContext> {
        let mut runtime = RuntimeEnv::clone(session.runtime_env());
        runtime.memory_pool = self.tally.memory_pool.clone();
        Arc::new(
            self.text_batch_size.limit_context(TaskContext::from(session).with_runtime(Arc::new(runtime))),
        )
    }
}

pub const CATALOG: &str = "basalt";
pub const SCHEMA: &str = "public";
pub const PG_CATALOG: &str = "pg_catalog";

/// A catalog with one schema, which contains only tables that the principal may read.
#[derive(Clone)]
struct PrincipalCatalog {
    view: QueryContext,
    /// Found by name, but not listed among the schemas: `information_schema` is the same for everybody.
    pg_catalog: Option<Arc<dyn SchemaProvider>>,
}

impl fmt::Debug for PrincipalCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tables")
    }
}

impl CatalogProviderList for PrincipalCatalog {
    /// Registers nothing: statements only read.
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::new(self.clone()) as _)
    }
}

impl CatalogProvider for PrincipalCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec![SCHEMA.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            SCHEMA => Some(Arc::new(self.clone()) as _),
            PG_CATALOG => self.pg_catalog.clone(),
            _ => None,
        }
    }
}

#[async_trait]
impl SchemaProvider for PrincipalCatalog {
    fn table_names(&self) -> Vec<String> {
        let names = scopes::TABLES.iter().map(|(name, _)| *name);
        names.filter(|name| scopes::may_read(&self.view.principal, name)).map(str::to_owned).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        self.view.table(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        scopes::may_read(&self.view.principal, name)
    }
}
