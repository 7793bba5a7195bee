//! `components`: the named bundles of streams of the devices that the principal sees.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::devices::to_json_text;
use super::row_table::{self, ColumnDef, RowTable, column};
use super::{ints, optional_text, text, times};
use crate::domain::document::{ComponentSpec, Document};
use crate::query::scan::table_provider::ScanProvider;
use crate::store::schema::timestamp;

/// A component with its document.
pub struct ComponentRow {
    document: Arc<Document>,
    component: ComponentSpec,
}

/// Creates the table; documents of other kinds are left out.
pub fn table(documents: Vec<Arc<Document>>) -> Result<ScanProvider<RowTable<ComponentRow>>> {
    let rows = documents.into_iter().filter_map(|document| {
        let component = document.component()?.clone();
        Some(ComponentRow { document, component })
    });
    Ok(row_table::table("Components", rows.collect(), columns()))
}

fn columns() -> Vec<ColumnDef<ComponentRow>> {
    vec![
        column("id", DataType::Int32, false, |rows: &[ComponentRow]| ints(rows, |r| Some(r.document.id.0))),
        column("uuid", DataType::Utf8, false, |rows| text(rows, |r| r.document.uuid.to_string())),
        column("device_id", DataType::Int32, false, |rows| ints(rows, |r| Some(r.component.device.0))),
        column("key", DataType::Utf8, false, |rows| text(rows, |r| r.component.key.clone())),
        column("name", DataType::Utf8, false, |rows| text(rows, |r| r.component.name.clone())),
        column("sensor_profile_uuid", DataType::Utf8, true, |rows| {
            optional_text(rows, |r| r.component.sensor_profile.map(|uuid| uuid.to_string()))
        }),
        column("metadata", DataType::Utf8, false, |rows| text(rows, |r| to_json_text(&r.component.metadata))),
        column("created_at", timestamp(), false, |rows| times(rows, |r| Some(r.document.created_at))),
        column("updated_at", timestamp(), false, |rows| times(rows, |r| Some(r.document.updated_at))),
    ]
}
