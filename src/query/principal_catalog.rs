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
use super::schema_names::{CATALOG, INFORMATION_SCHEMA, PG_CATALOG, SCHEMA};
use super::scopes::QueryTable;
use super::tables::registry;

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
    /// Creates the catalog without `pg_catalog`, as every interface but that of PostgreSQL has it.
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
        let table = QueryTable::find_readable(name, &self.context.principal);
        table.map(|table| registry::open(table, &self.context)).transpose()
    }

    /// Returns the tables that the principal may read.
    pub fn tables(&self) -> Result<Vec<TableInfo>> {
        let mut tables = Vec::new();
        for table in QueryTable::readable_by(&self.context.principal) {
            let (name, is_view) = (table.name(), table.is_view());
            tables.push(TableInfo { name, schema: registry::open(table, &self.context)?.schema(), is_view });
        }
        Ok(tables)
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
