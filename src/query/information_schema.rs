//! `information_schema` as PostgreSQL has it: the engine's own, with columns that PostgreSQL's has, empty tables of keys
//! and constraints, which our tables have none of, and the right to read each table.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::information_schema::InformationSchemaProvider;
use datafusion::catalog::{CatalogProviderList, MemTable, SchemaProvider, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::LogicalPlan;

use super::column_info::{ColumnInfo, FIELDS, Kind};
use super::schema_names::{CATALOG, INFORMATION_SCHEMA, PG_CATALOG, ROLE, SCHEMA};

/// The number of a column within its table.
const ORDINAL_POSITION: &str = "ordinal_position";

/// Tables without rows and their columns.
const EMPTY_TABLES: [(&str, &[&str]); 7] = [
    ("check_constraints", &["constraint_catalog", "constraint_schema", "constraint_name", "check_clause"]),
    (
        "constraint_column_usage",
        &[
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
        ],
    ),
    (
        "constraint_table_usage",
        &[
            "table_catalog",
            "table_schema",
            "table_name",
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
        ],
    ),
    (
        "key_column_usage",
        &[
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            ORDINAL_POSITION,
            POSITION_IN_UNIQUE_CONSTRAINT,
        ],
    ),
    (
        "referential_constraints",
        &[
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "unique_constraint_catalog",
            "unique_constraint_schema",
            "unique_constraint_name",
            "match_option",
            "update_rule",
            "delete_rule",
        ],
    ),
    (
        "table_constraints",
        &[
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "constraint_type",
            "is_deferrable",
            "initially_deferred",
            "enforced",
            "nulls_distinct",
        ],
    ),
    (
        "sequences",
        &[
            "sequence_catalog",
            "sequence_schema",
            "sequence_name",
            "data_type",
            "start_value",
            "minimum_value",
            "maximum_value",
            "increment",
            "cycle_option",
        ],
    ),
];
const POSITION_IN_UNIQUE_CONSTRAINT: &str = "position_in_unique_constraint";

/// Whether a statement reads a table of the schema. Those of functions list what the context of its execution knows.
pub fn is_read(plan: &LogicalPlan) -> bool {
    let mut is_read = false;
    let walked = plan.apply_with_subqueries(|node| {
        is_read |= match node {
            LogicalPlan::TableScan(scan) => scan.table_name.schema() == Some(INFORMATION_SCHEMA),
            _ => false,
        };
        Ok(if is_read { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    is_read || walked.is_err()
}

/// The only row of `character_sets`.
const CHARACTER_SETS: [(&str, Option<&str>); 8] = [
    ("character_set_catalog", None),
    ("character_set_schema", None),
    ("character_set_name", Some("UTF8")),
    ("character_repertoire", Some("UCS")),
    ("form_of_use", Some("UTF8")),
    ("default_collate_catalog", Some(CATALOG)),
    ("default_collate_schema", Some(PG_CATALOG)),
    ("default_collate_name", Some("C")),
];

/// Tables of the rights to tables. They are alike, since there is one role and nothing is granted to all.
const PRIVILEGE_TABLES: [&str; 2] = ["role_table_grants", "table_privileges"];

/// Columns of these tables and their value, which is the name of the table where there is none.
const PRIVILEGES: [(&str, Option<&str>); 8] = [
    ("grantor", Some(ROLE)),
    ("grantee", Some(ROLE)),
    ("table_catalog", Some(CATALOG)),
    ("table_schema", Some(SCHEMA)),
    ("table_name", None),
    ("privilege_type", Some("SELECT")),
    ("is_grantable", Some("NO")),
    ("with_hierarchy", Some("YES")),
];

/// The schema over the catalog of one principal.
#[derive(Debug)]
pub struct PostgresInformationSchema {
    engine: InformationSchemaProvider,
    catalogs: Arc<dyn CatalogProviderList>,
}

impl PostgresInformationSchema {
    /// Creates the schema over `catalogs`, which list only tables that the principal may read.
    pub fn new(catalogs: Arc<dyn CatalogProviderList>) -> Self {
        Self { engine: InformationSchemaProvider::new(catalogs.clone()), catalogs }
    }

    /// Returns the schema of the tables that the principal may read.
    fn tables(&self) -> Option<Arc<dyn SchemaProvider>> {
        self.catalogs.catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA))
    }

    /// Returns every column of the tables that the catalog lists.
    async fn columns(&self) -> Result<Vec<ColumnInfo>> {
        let Some(schema) = self.tables() else { return Ok(Vec::new()) };
        let mut columns = Vec::new();
        for name in schema.table_names() {
            let Some(table) = schema.table(&name).await? else { continue };
            for (at, field) in table.schema().fields().iter().enumerate() {
                columns.push(ColumnInfo { table: name.clone(), number: at + 1, field: field.clone() });
            }
        }
        Ok(columns)
    }
}

#[async_trait]
impl SchemaProvider for PostgresInformationSchema {
    fn table_names(&self) -> Vec<String> {
        let empty = EMPTY_TABLES.iter().map(|(name, _)| *name);
        let ours = empty.chain(PRIVILEGE_TABLES).chain(["character_sets"]).map(str::to_owned);
        self.engine.table_names().into_iter().chain(ours).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        match name {
            "columns" => columns(&self.columns().await?).map(Some),
            "character_sets" => character_sets().map(Some),
            name if PRIVILEGE_TABLES.contains(&name) => {
                let readable = self.tables().map(|schema| schema.table_names());
                privileges(&readable.unwrap_or_default()).map(Some)
            }
            _ => match EMPTY_TABLES.iter().find(|(known, _)| *known == name) {
                Some((_, columns)) => empty(columns).map(Some),
                None => self.engine.table(name).await,
            },
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.table_names().iter().any(|known| known == name)
    }
}

fn schema(names: impl Iterator<Item = &'static str>) -> SchemaRef {
    let field = |name: &'static str| {
        let is_number = matches!(name, ORDINAL_POSITION | POSITION_IN_UNIQUE_CONSTRAINT);
        Field::new(name, if is_number { DataType::Int32 } else { DataType::Utf8 }, true)
    };
    Arc::new(Schema::new(names.map(field).collect::<Vec<_>>()))
}

fn empty(columns: &'static [&'static str]) -> Result<Arc<dyn TableProvider>> {
    let schema = schema(columns.iter().copied());
    Ok(Arc::new(MemTable::try_new(schema.clone(), vec![vec![RecordBatch::new_empty(schema)]])?))
}

fn character_sets() -> Result<Arc<dyn TableProvider>> {
    let schema = schema(CHARACTER_SETS.iter().map(|(name, _)| *name));
    let row = CHARACTER_SETS.map(|(_, value)| Arc::new(StringArray::from(vec![value])) as ArrayRef);
    let rows = RecordBatch::try_new(schema.clone(), row.to_vec())?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![rows]])?))
}

/// Creates a table of rights: `readable` tables may be read, and nothing else.
fn privileges(readable: &[String]) -> Result<Arc<dyn TableProvider>> {
    let schema = schema(PRIVILEGES.iter().map(|(name, _)| *name));
    let columns = PRIVILEGES.map(|(_, value)| -> ArrayRef {
        let cells = readable.iter().map(|table| value.unwrap_or(table.as_str()));
        Arc::new(StringArray::from_iter_values(cells))
    });
    let rows = RecordBatch::try_new(schema.clone(), columns.to_vec())?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![rows]])?))
}

/// Creates `columns`, with the types of PostgreSQL instead of the engine's.
fn columns(columns: &[ColumnInfo]) -> Result<Arc<dyn TableProvider>> {
    let fields = FIELDS.map(|(name, kind)| Field::new(name, kind.data_type(), true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let values = FIELDS.map(|(name, kind)| -> ArrayRef {
        match kind {
            Kind::Number => {
                Arc::new(columns.iter().map(|column| column.number(name)).collect::<Int32Array>())
            }
            Kind::Text => Arc::new(columns.iter().map(|column| column.text(name)).collect::<StringArray>()),
        }
    });
    let rows = RecordBatch::try_new(schema.clone(), values.to_vec())?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![rows]])?))
}
