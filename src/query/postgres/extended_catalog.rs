//! Extends the library's `pg_catalog` by what clients query and it lacks: columns of `pg_class` that are null for our
//! tables, our own functions in `pg_proc`, all settings, and tables without rows. Of its databases there is one.

use std::sync::Arc;

use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, cast, col, ident, lit};
use datafusion::scalar::ScalarValue;

use super::{empty_tables, pg_proc, settings};
use crate::query::schema_names::CATALOG;

/// `pg_class.relacl` and `reloptions`: rights and options of tables.
const ABSENT_COLUMNS: [&str; 2] = ["relacl", "reloptions"];

/// The number of `pg_class` itself, by which descriptions of tables are found.
const PG_CLASS_OID: i32 = 1259;

/// The catalog with these columns, which are null, and our functions.
#[derive(Debug)]
pub(super) struct ExtendedPgCatalog(pub Arc<dyn SchemaProvider>);

#[async_trait]
impl SchemaProvider for ExtendedPgCatalog {
    fn table_names(&self) -> Vec<String> {
        self.0.table_names().into_iter().chain(empty_tables::NAMES.map(str::to_owned)).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        if name == "pg_settings" {
            return settings::table().map(Some);
        }
        if empty_tables::has(name) {
            return empty_tables::table(name);
        }
        let table = self.0.table(name).await?;
        match table {
            Some(table) if name == "pg_class" => Ok(Some(Arc::new(complete(table)?))),
            Some(table) if name == "pg_database" => Ok(Some(Arc::new(only_ours(table)?))),
            Some(table) if name == "pg_proc" => match self.0.table("pg_namespace").await? {
                Some(namespaces) => Ok(Some(Arc::new(pg_proc::with_ours(table, namespaces)?))),
                None => Ok(Some(table)),
            },
            table => Ok(table),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        empty_tables::has(name) || self.0.table_exist(name)
    }
}

fn complete(table: Arc<dyn TableProvider>) -> Result<ViewTable> {
    let mut columns: Vec<Expr> = table.schema().fields().iter().map(|field| ident(field.name())).collect();
    columns.extend(ABSENT_COLUMNS.map(|name| cast(lit(ScalarValue::Null), DataType::Utf8).alias(name)));
    columns.push(lit(PG_CLASS_OID).alias("tableoid"));
    let plan = LogicalPlanBuilder::scan("pg_class", provider_as_source(table), None)?;
    Ok(ViewTable::new(plan.project(columns)?.build()?, None))
}

/// Leaves out the database `postgres` that the library adds.
fn only_ours(table: Arc<dyn TableProvider>) -> Result<ViewTable> {
    let plan = LogicalPlanBuilder::scan("pg_database", provider_as_source(table), None)?;
    Ok(ViewTable::new(plan.filter(col("datname").eq(lit(CATALOG)))?.build()?, None))
}
