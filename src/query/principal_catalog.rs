//! The catalog that DataFusion plans a query with: one schema of the tables and views that the principal may read.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SessionState;

use super::context::QueryContext;
use super::functions::anomaly_score::AnomalyScore;
use super::information_schema::PostgresInformationSchema;
use super::scan::table_provider::ScanProvider;
use super::schema_names::{CATALOG, INFORMATION_SCHEMA, PG_CATALOG, SCHEMA};
use super::scopes::QueryTable;
use super::tables::{
    annotations, audit_log, clients, commands, components, core_views, devices, documents, events, groups,
    jobs, latest, messages, mqtt_sessions, nodes, products, quarantine, query_log, readings, shards, sites,
    statistics, streams,
};
use crate::domain::client::Client;
use crate::domain::command::CommandFilter;
use crate::domain::device::{Device, DeviceFilter};
use crate::domain::document::{Document, DocumentKind};
use crate::domain::pagination::Pagination;
use crate::domain::stream::StreamFilter;

/// A table that a principal may read.
#[derive(Debug, Clone)]
pub struct TableInfo {
    pub name: &'static str,
    pub schema: SchemaRef,
    pub is_view: bool,
}

/// A catalog with one schema, which contains only tables that the principal may read.
#[derive(Clone)]
pub struct PrincipalCatalog {
    context: QueryContext,
    /// Found by name, but not listed among the schemas: `information_schema` is the same for everybody.
    pg_catalog: Option<Arc<dyn SchemaProvider>>,
}

impl PrincipalCatalog {
    pub fn new(context: &QueryContext) -> Self {
        Self { context: context.clone(), pg_catalog: None }
    }

    /// Adds PostgreSQL's system catalog.
    pub fn with_pg_catalog(self, pg_catalog: Arc<dyn SchemaProvider>) -> Self {
        Self { pg_catalog: Some(pg_catalog), ..self }
    }

    /// Creates a session over this catalog. `template` provides functions, rules and settings. The session is a copy of
    /// the template with another catalog: building one anew costs more than a small query.
    pub fn into_session(self, template: &SessionState) -> SessionState {
        let mut session = template.clone();
        let QueryContext { principal, tracker, .. } = &self.context;
        let anomaly_score =
            AnomalyScore::new(self.context.models().clone(), principal.clone(), tracker.clone());
        session.register_catalog_list(Arc::new(self));
        session.register_udwf(Arc::new(anomaly_score.into())).expect("a session takes functions");
        // Fixes the value of `now()` for this query.
        session.mark_start_execution();
        session
    }

    /// Returns a table or view that the principal may read.
    pub fn find_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        QueryTable::find_readable(name, &self.context.principal).map(|table| self.open(table)).transpose()
    }

    fn open(&self, table: QueryTable) -> Result<Arc<dyn TableProvider>> {
        Ok(match table {
            QueryTable::Readings => self.readings(),
            QueryTable::Devices => self.devices()?,
            QueryTable::Streams => self.streams()?,
            QueryTable::Latest => Arc::new(ScanProvider(latest::LatestTable::new(self.context.clone()))),
            QueryTable::QueryLog => {
                Arc::new(query_log::table(&self.context.query_log(), self.context.sees_host_metrics())?)
            }
            QueryTable::AuditLog => {
                Arc::new(ScanProvider(audit_log::AuditLogTable::new(self.context.clone())))
            }
            QueryTable::Groups => self.groups()?,
            QueryTable::Products => self.products()?,
            QueryTable::Clients => self.clients()?,
            QueryTable::Commands => self.commands()?,
            QueryTable::Documents => self.documents()?,
            QueryTable::Sites => Arc::new(sites::table(self.documents_of(DocumentKind::Site))?),
            QueryTable::Components => {
                Arc::new(components::table(self.documents_of(DocumentKind::Component))?)
            }
            QueryTable::Quarantine => {
                Arc::new(ScanProvider(quarantine::QuarantineTable::new(self.context.clone())))
            }
            QueryTable::Jobs => Arc::new(ScanProvider(jobs::JobsTable::new(self.context.clone()))),
            QueryTable::Nodes => Arc::new(ScanProvider(nodes::NodesTable::new(self.context.clone()))),
            QueryTable::Shards => Arc::new(ScanProvider(shards::ShardsTable::new(self.context.clone()))),
            QueryTable::MqttSessions => Arc::new(mqtt_sessions::table(self.context.mqtt_sessions())?),
            QueryTable::Statistics => self.statistics(false),
            QueryTable::Messages => {
                Arc::new(ScanProvider(messages::MessagesTable::new(self.context.clone())))
            }
            QueryTable::Events => self.events_table(),
            QueryTable::Annotations => {
                Arc::new(ScanProvider(annotations::AnnotationsTable::new(self.context.clone())))
            }
            QueryTable::CoreValuestatistics => {
                Arc::new(core_views::core_valuestatistics(self.statistics(true))?)
            }
            QueryTable::CoreEventlog => Arc::new(core_views::core_eventlog(self.events_table())?),
            QueryTable::CoreValue => Arc::new(core_views::core_value(self.readings())?),
            QueryTable::CoreData => Arc::new(core_views::core_data(self.streams()?)?),
            QueryTable::CoreDevice => Arc::new(core_views::core_device(self.devices()?)?),
        })
    }

    /// Returns the tables that the principal may read.
    pub fn tables(&self) -> Result<Vec<TableInfo>> {
        let mut tables = Vec::new();
        for table in QueryTable::readable_by(&self.context.principal) {
            let (name, is_view) = (table.name(), table.is_view());
            tables.push(TableInfo { name, schema: self.open(table)?.schema(), is_view });
        }
        Ok(tables)
    }

    fn readings(&self) -> Arc<dyn TableProvider> {
        Arc::new(ScanProvider(readings::ReadingsTable::new(self.context.clone())))
    }

    fn statistics(&self, overlay: bool) -> Arc<dyn TableProvider> {
        Arc::new(ScanProvider(statistics::StatisticsTable::new(self.context.clone(), overlay)))
    }

    fn events_table(&self) -> Arc<dyn TableProvider> {
        Arc::new(ScanProvider(events::EventsTable::new(self.context.clone())))
    }

    fn devices(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = self.context.catalog().devices(&self.context.principal, &DeviceFilter::default());
        let product =
            |device: &Device| self.context.catalog().product_of(device).ok().map(|product| product.id);
        Ok(Arc::new(devices::table(&rows, |device| self.context.device_status(device), product)?))
    }

    fn streams(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = self.context.catalog().streams(&self.context.principal, &StreamFilter::default());
        Ok(Arc::new(streams::table(&rows)?))
    }

    fn products(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = self.context.catalog().products(&self.context.principal, Pagination::ALL);
        Ok(Arc::new(products::table(&rows)?))
    }

    fn clients(&self) -> Result<Arc<dyn TableProvider>> {
        let catalog = self.context.catalog();
        let user = |client: &Client| client.spec.user.and_then(|user| catalog.user_name(user));
        Ok(Arc::new(clients::table(&catalog.clients_for_audit(&self.context.principal), user)?))
    }

    fn commands(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = self.context.catalog().commands(&self.context.principal, &CommandFilter::default());
        Ok(Arc::new(commands::table(rows)?))
    }

    fn documents_of(&self, kind: DocumentKind) -> Vec<Arc<Document>> {
        self.context.catalog().documents(&self.context.principal, kind)
    }

    fn documents(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = DocumentKind::ALL.into_iter().flat_map(|kind| self.documents_of(kind));
        Ok(Arc::new(documents::table(rows.collect())?))
    }

    fn groups(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = self.context.catalog().groups(&self.context.principal, Pagination::ALL);
        Ok(Arc::new(groups::table(&rows)?))
    }
}

impl fmt::Debug for PrincipalCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrincipalCatalog")
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
            INFORMATION_SCHEMA => Some(Arc::new(PostgresInformationSchema::new(Arc::new(self.clone())))),
            _ => None,
        }
    }
}

#[async_trait]
impl SchemaProvider for PrincipalCatalog {
    fn table_names(&self) -> Vec<String> {
        QueryTable::readable_by(&self.context.principal).map(|table| table.name().to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        self.find_table(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        QueryTable::find_readable(name, &self.context.principal).is_some()
    }
}
