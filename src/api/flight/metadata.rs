//! Flight SQL metadata: server capabilities, the schemas of results, and the catalog of tables that the caller's key may read.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetDbSchemas, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
    SqlInfo,
};
use futures::stream;

use crate::app::sql::SqlTable;
use crate::domain::{Error, Result};

const CATALOG: &str = "basalt";
const SCHEMA: &str = "public";
const TABLE: &str = "TABLE";
const VIEW: &str = "VIEW";

fn failed(e: FlightError) -> Error {
    Error::invalid(format!("this cannot be listed: {e}")).with_source(e)
}

/// Builds the server capabilities.
pub fn build_sql_info() -> Result<SqlInfoData> {
    let mut info = SqlInfoDataBuilder::new();
    info.append(SqlInfo::FlightSqlServerName, "Basalt");
    info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    // The version of the Arrow format.
    info.append(SqlInfo::FlightSqlServerArrowVersion, "1.5");
    info.append(SqlInfo::FlightSqlServerReadOnly, true);
    info.append(SqlInfo::FlightSqlServerSql, true);
    info.append(SqlInfo::FlightSqlServerSubstrait, false);
    // 0: no transactions, because every statement reads from a snapshot.
    info.append(SqlInfo::FlightSqlServerTransaction, 0i32);
    info.append(SqlInfo::FlightSqlServerCancel, false);
    info.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    info.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    info.build().map_err(failed)
}

/// Returns the requested ones of the `known` capabilities.
pub fn sql_info(command: CommandGetSqlInfo, known: &SqlInfoData) -> Result<RecordBatch> {
    command.into_builder(known).build().map_err(failed)
}

/// Returns the only catalog there is, `basalt`.
pub fn catalogs(command: CommandGetCatalogs) -> Result<RecordBatch> {
    let mut found = command.into_builder();
    found.append(CATALOG);
    found.build().map_err(failed)
}

/// Returns the only schema there is, `public`, unless the filters of the command exclude it.
pub fn schemas(command: CommandGetDbSchemas) -> Result<RecordBatch> {
    let mut found = command.into_builder();
    found.append(CATALOG, SCHEMA);
    found.build().map_err(failed)
}

/// Returns the types by which `tables` can be filtered: `TABLE` and `VIEW`.
pub fn table_types(command: CommandGetTableTypes) -> Result<RecordBatch> {
    let mut found = command.into_builder();
    found.append(TABLE);
    found.append(VIEW);
    found.build().map_err(failed)
}

/// Returns the requested ones of the `visible` tables.
pub fn tables(command: CommandGetTables, visible: &[SqlTable]) -> Result<RecordBatch> {
    let mut found = command.into_builder();
    for table in visible {
        let kind = if table.is_view { VIEW } else { TABLE };
        found.append(CATALOG, SCHEMA, table.name, kind, &table.schema).map_err(failed)?;
    }
    found.build().map_err(failed)
}

/// Returns the schema in which a result of the engine is sent: dictionaries as their values, and every column nullable. Clients
/// refuse a result whose schema differs from the one it was announced with, and whether a column can be null is known
/// better once the statement has been optimized.
pub fn sent_schema(schema: &SchemaRef) -> SchemaRef {
    let nullable = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let nullable: SchemaRef = Arc::new(Schema::new(nullable.collect::<Vec<_>>()));
    let encoder = FlightDataEncoderBuilder::new().with_schema(nullable.clone()).build(stream::empty());
    encoder.known_schema().unwrap_or(nullable)
}

/// Returns the schema of a metadata list.
pub fn schema_of(batch: Result<RecordBatch>) -> Result<Arc<Schema>> {
    Ok(batch?.schema())
}
