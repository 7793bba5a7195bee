//! `documents`: the documents of the MK platform that the principal sees, of every kind.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::devices::to_json_text;
use super::row_table::{self, ColumnDef, RowTable, column};
use super::{ints, text, times};
use crate::domain::document::Document;
use crate::query::scan::table_provider::ScanProvider;
use crate::store::schema::timestamp;

type DocumentRow = Arc<Document>;

/// Creates the table of these documents, in their order; without any it tells the columns.
pub fn table(documents: Vec<DocumentRow>) -> Result<ScanProvider<RowTable<DocumentRow>>> {
    Ok(row_table::table("Documents", documents, columns()))
}

fn columns() -> Vec<ColumnDef<DocumentRow>> {
    vec![
        column("id", DataType::Int32, false, |rows: &[DocumentRow]| ints(rows, |d| Some(d.id.0))),
        column("uuid", DataType::Utf8, false, |rows| text(rows, |d| d.uuid.to_string())),
        column("kind", DataType::Utf8, false, |rows| text(rows, |d| d.spec.kind().name().to_owned())),
        column("name", DataType::Utf8, false, |rows| text(rows, |d| d.name.clone())),
        column("version", DataType::Int32, false, |rows| ints(rows, |d| Some(d.version))),
        column("device_id", DataType::Int32, true, |rows| ints(rows, |d| d.spec.device().map(|id| id.0))),
        column("body", DataType::Utf8, false, |rows| text(rows, |d| to_json_text(&d.spec.public_content()))),
        column("created_at", timestamp(), false, |rows| times(rows, |d| Some(d.created_at))),
        column("updated_at", timestamp(), false, |rows| times(rows, |d| Some(d.updated_at))),
    ]
}
