//! One request's DataFusion session: the tables its principal may name, over one pinned snapshot.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionState;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{FunctionRegistry, TaskContext};

use super::describe::Table;
use super::engine::Engine;
use super::functions::anomaly_score::AnomalyScore;
use super::log::{Record, Tally};
use super::scan::provider::Provider;
use super::scan::text_rows::Longest;
use super::scan::visible::Visible;
use super::scopes;
use super::tables::{
    audit_log, core_views, devices, events, groups, latest, messages, query_log, readings, statistics,
    streams,
};
use crate::domain::audit::{AuditFilter, Record as AuditRecord};
use crate::domain::device::{Device, DeviceFilter, DeviceStatus};
use crate::domain::event::{Event, EventFilter};
use crate::domain::page::Page;
use crate::domain::reading::Reading;
use crate::domain::stream::StreamFilter;
use crate::domain::{Error, Micros, Principal, StreamId};
use crate::store::catalog::Catalog;
use crate::store::snapshot::Snapshot;

/// What a request sees: principal, snapshot, catalog; and where it counts what it takes.
#[derive(Clone)]
pub struct View {
    pub principal: Arc<Principal>,
    pub snapshot: Arc<Snapshot>,
    pub tally: Arc<Tally>,
    /// How long the texts are that the query can meet.
    pub texts: Longest,
    visible: Arc<OnceLock<Arc<Visible>>>,
    raw: Arc<OnceLock<Arc<Visible>>>,
    engine: Arc<Engine>,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

impl View {
    /// Pins the present.
    pub fn new(engine: &Arc<Engine>, principal: &Principal, tally: Arc<Tally>) -> Self {
        Self {
            principal: Arc::new(principal.clone()),
            snapshot: Arc::new(engine.store.snapshot()),
            tally,
            texts: Longest::default(),
            visible: Arc::default(),
            raw: Arc::default(),
            engine: engine.clone(),
        }
    }

    /// The streams of the principal and from when on their readings are kept, found once and only by who needs them.
    /// They may be of a moment after the snapshot: a stream made in between has no rows in it.
    pub fn visible(&self) -> &Arc<Visible> {
        let find = || Arc::new(self.streams_seen().since(&self.snapshot.kept.shown));
        self.visible.get_or_init(find)
    }

    /// The same with readings that have expired and are still there: windows without statistics are computed from them.
    pub fn raw(&self) -> &Arc<Visible> {
        let find = || Arc::new(self.streams_seen().since(&self.snapshot.kept.there));
        self.raw.get_or_init(find)
    }

    fn streams_seen(&self) -> Visible {
        Visible::new(self.engine.store.catalog().visible_streams(&self.principal))
    }

    pub fn catalog(&self) -> &Catalog {
        self.engine.store.catalog()
    }

    /// Ids of the devices that are wholly the principal's, ascending.
    pub fn own_devices(&self) -> Vec<i32> {
        let seen = self.catalog().devices(&self.principal, &DeviceFilter::default());
        let own = seen.iter().filter(|device| self.principal.owns_device(device.org, device.id));
        own.map(|device| device.id.0).collect()
    }

    /// Events the principal sees. The database is asked where the rest of the server asks it: a connection made on
    /// the threads of queries would wait for these.
    pub async fn events(&self, filter: EventFilter) -> crate::domain::Result<Vec<Event>> {
        let (catalog, principal) = (self.engine.store.catalog().clone(), self.principal.clone());
        let asked = self.engine.home.spawn(async move { catalog.events(&principal, &filter).await });
        asked.await.map_err(|e| Error::internal("reading the event log was interrupted").because(e))?
    }

    /// Rows of the audit log that the principal sees; asked as events are.
    pub async fn audit_log(&self, filter: AuditFilter) -> crate::domain::Result<Vec<AuditRecord>> {
        let (catalog, principal) = (self.engine.store.catalog().clone(), self.principal.clone());
        let asked = self.engine.home.spawn(async move { catalog.audit_log(&principal, &filter).await });
        asked.await.map_err(|e| Error::internal("reading the audit log was interrupted").because(e))?
    }

    /// The present, by the server's clock.
    pub fn now(&self) -> Micros {
        self.engine.store.clock().now()
    }

    fn readings(&self) -> Arc<dyn TableProvider> {
        Arc::new(Provider(readings::Readings::new(self.clone())))
    }

    fn statistics(&self, overlay: bool) -> Arc<dyn TableProvider> {
        Arc::new(Provider(statistics::Statistics::new(self.clone(), overlay)))
    }

    fn events_table(&self) -> Arc<dyn TableProvider> {
        Arc::new(Provider(events::Events::new(self.clone())))
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

    fn query_log(&self) -> Vec<Arc<Record>> {
        self.engine.log.visible(&self.principal)
    }

    /// Whether numbers that tell of all organizations together are for this principal: one of the default
    /// organization that sees all of it.
    fn sees_the_host(&self) -> bool {
        let host = self.engine.store.catalog().default_org();
        self.principal.org == host && !self.principal.is_restricted()
    }

    /// The newest reading of a stream, of any quality.
    pub fn newest(&self, stream: i32) -> Option<Reading> {
        let last = self.engine.store.last(&self.principal, StreamId(stream))?;
        Some(last.newest)
    }

    /// A table or view that the principal may read.
    pub(super) fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !scopes::may_read(&self.principal, name) {
            return Ok(None);
        }
        Ok(Some(match name {
            "readings" => self.readings(),
            "devices" => self.devices()?,
            "streams" => self.streams()?,
            "latest" => Arc::new(Provider(latest::Latest::new(self.clone()))),
            "query_log" => Arc::new(query_log::table(&self.query_log(), self.sees_the_host())?),
            "audit_log" => Arc::new(Provider(audit_log::AuditLog::new(self.clone()))),
            "groups" => {
                Arc::new(groups::table(&self.engine.store.catalog().groups(&self.principal, Page::ALL))?)
            }
            "statistics" => self.statistics(false),
            "messages" => Arc::new(Provider(messages::Messages::new(self.clone()))),
            "events" => self.events_table(),
            "core_valuestatistics" => Arc::new(core_views::core_valuestatistics(self.statistics(true))?),
            "core_eventlog" => Arc::new(core_views::core_eventlog(self.events_table())?),
            "core_value" => Arc::new(core_views::core_value(self.readings())?),
            "core_data" => Arc::new(core_views::core_data(self.streams()?)?),
            "core_device" => Arc::new(core_views::core_device(self.devices()?)?),
            _ => return Ok(None),
        }))
    }

    /// The tables the principal may read.
    pub fn tables(&self) -> Result<Vec<Table>> {
        let mut tables = Vec::new();
        for (name, _) in scopes::TABLES {
            if let Some(table) = self.table(name)? {
                let is_view = table.table_type() == TableType::View;
                tables.push(Table { name, schema: table.schema(), is_view });
            }
        }
        Ok(tables)
    }

    /// A session over this view; `template` brings functions, rules and settings, `pg_catalog` a schema beside the tables'.
    /// It is a copy with another catalog: building one anew costs more than a small query does.
    pub fn session(
        &self,
        template: &SessionState,
        pg_catalog: Option<Arc<dyn SchemaProvider>>,
    ) -> SessionState {
        let mut session = template.clone();
        session.register_catalog_list(Arc::new(Tables { view: self.clone(), pg_catalog }));
        let (models, who) = (self.engine.models.clone(), self.principal.clone());
        let anomaly_score = AnomalyScore::new(models, who, self.tally.clone());
        session.register_udwf(Arc::new(anomaly_score.into())).expect("a session takes functions");
        // What `now()` means to this query.
        session.mark_start_execution();
        session
    }

    /// What a plan of this query is executed in: its memory is the query's share.
    pub fn task_context(&self, session: &SessionState) -> Arc<TaskContext> {
        let mut runtime = RuntimeEnv::clone(session.runtime_env());
        runtime.memory_pool = self.tally.share.clone();
        Arc::new(self.texts.context(TaskContext::from(session).with_runtime(Arc::new(runtime))))
    }
}

pub const CATALOG: &str = "basalt";
pub const SCHEMA: &str = "public";
pub const PG_CATALOG: &str = "pg_catalog";

/// The one catalog, its one schema, and in that only tables the principal may read.
#[derive(Clone)]
struct Tables {
    view: View,
    /// Found by its name, and not among the schemas: `information_schema` tells everybody the same.
    pg_catalog: Option<Arc<dyn SchemaProvider>>,
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tables")
    }
}

impl CatalogProviderList for Tables {
    /// Statements only read; there is nothing to register.
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

impl CatalogProvider for Tables {
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
impl SchemaProvider for Tables {
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
