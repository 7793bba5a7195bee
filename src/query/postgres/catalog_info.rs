//! Contents of `pg_catalog`: one database, its schemas, and the tables that a principal may read, with their columns.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::datasource::TableType;
use datafusion::error::DataFusionError;
use datafusion_pg_catalog::pg_catalog::catalog_info::CatalogInfo;

use super::SCHEMAS;
use crate::query::principal_catalog::TableInfo;
use crate::query::schema_names::{CATALOG, SCHEMA};

/// Tables and their columns, without any rows.
#[derive(Debug, Clone)]
pub(super) struct PrincipalCatalogInfo(Arc<Vec<TableInfo>>);

impl PrincipalCatalogInfo {
    /// Takes the tables as they are read; unsigned numbers are told as what they are sent as, `bigint`.
    pub(super) fn new(mut tables: Vec<TableInfo>) -> Self {
        for table in &mut tables {
            let fields = table.schema.fields().iter().map(|field| match field.data_type() {
                DataType::UInt64 => Arc::new(field.as_ref().clone().with_data_type(DataType::Int64)),
                _ => Arc::clone(field),
            });
            table.schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        }
        Self(Arc::new(tables))
    }

    fn find(&self, catalog: &str, schema: &str, table: &str) -> Option<&TableInfo> {
        let is_shown = catalog == CATALOG && schema == SCHEMA;
        self.0.iter().find(|known| is_shown && known.name == table)
    }
}

#[async_trait]
impl CatalogInfo for PrincipalCatalogInfo {
    async fn catalog_names(&self) -> Result<Vec<String>, DataFusionError> {
        Ok(vec![CATALOG.to_owned()])
    }

    async fn schema_names(&self, catalog: &str) -> Result<Option<Vec<String>>, DataFusionError> {
        Ok((catalog == CATALOG).then(|| SCHEMAS.map(str::to_owned).to_vec()))
    }

    async fn table_names(&self, catalog: &str, schema: &str) -> Result<Option<Vec<String>>, DataFusionError> {
        let is_known = catalog == CATALOG && SCHEMAS.contains(&schema);
        let tables = if schema == SCHEMA { self.0.as_slice() } else { &[] };
        Ok(is_known.then(|| tables.iter().map(|table| table.name.to_owned()).collect()))
    }

    async fn table_schema(
        &self,
        catalog: &str,
        schema: &str,
        table: &str,
    ) -> Result<Option<SchemaRef>, DataFusionError> {
        Ok(self.find(catalog, schema, table).map(|table| table.schema.clone()))
    }

    async fn table_type(
        &self,
        catalog: &str,
        schema: &str,
        table: &str,
    ) -> Result<Option<TableType>, DataFusionError> {
        let of = |table: &TableInfo| if table.is_view { TableType::View } else { TableType::Base };
        Ok(self.find(catalog, schema, table).map(of))
    }
}
