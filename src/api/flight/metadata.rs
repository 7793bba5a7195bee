//! What clients ask about the server and its tables, of which they see those that their key may read.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetDbSchemas, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
    SqlInfo,
};

use crate::app::sql::SqlTable;
use crate::domain::{Error, Result};

const CATALOG: &str = "basalt";
const SCHEMA: &str = "public";
const TABLE: &str = "TABLE";
const VIEW: &str = "VIEW";

fn failed(e: FlightError) -> Error {
    Error::invalid(format!("this cannot be listed: {e}")).because(e)
}

/// What the server can do.
pub fn abilities() -> Result<SqlInfoData> {
    let mut info = SqlInfoDataBuilder::new();
    info.append(SqlInfo::FlightSqlServerName, "Basalt");
    info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    // Of the Arrow format.
    info.append(SqlInfo::FlightSqlServerArrowVersion, "1.5");
    info.append(SqlInfo::FlightSqlServerReadOnly, true);
    info.append(SqlInfo::FlightSqlServerSql, true);
    info.append(SqlInfo::FlightSqlServerSubstrait, false);
    // None: everything is read from a snapshot.
    info.append(SqlInfo::FlightSqlServerTransaction, 0i32);
    info.append(SqlInfo::FlightSqlServerCancel, false);
    info.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    info.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    info.build().map_err(failed)
}

pub fn abilities_asked(asked: CommandGetSqlInfo, known: &SqlInfoData) -> Result<RecordBatch> {
    asked.into_builder(known).build().map_err(failed)
}

pub fn catalogs(asked: CommandGetCatalogs) -> Result<RecordBatch> {
    let mut found = asked.into_builder();
    found.append(CATALOG);
    found.build().map_err(failed)
}

pub fn schemas(asked: CommandGetDbSchemas) -> Result<RecordBatch> {
    let mut found = asked.into_builder();
    found.append(CATALOG, SCHEMA);
    found.build().map_err(failed)
}

pub fn table_types(asked: CommandGetTableTypes) -> Result<RecordBatch> {
    let mut found = asked.into_builder();
    found.append(TABLE);
    found.append(VIEW);
    found.build().map_err(failed)
}

/// Of `visible` tables those asked for.
pub fn tables(asked: CommandGetTables, visible: &[SqlTable]) -> Result<RecordBatch> {
    let mut found = asked.into_builder();
    for table in visible {
        let kind = if table.is_view { VIEW } else { TABLE };
        found.append(CATALOG, SCHEMA, table.name, kind, &table.schema).map_err(failed)?;
    }
    found.build().map_err(failed)
}

/// The columns of a list, whatever is in it.
pub fn schema_of(batch: Result<RecordBatch>) -> Result<Arc<Schema>> {
    Ok(batch?.schema())
}
