//! `sites`: the organization's places with devices.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::row_table::{self, ColumnDef, RowTable, column};
use super::{floats, ints, optional_text, text, times};
use crate::domain::document::{Document, SiteSpec};
use crate::domain::topology::GeoLocation;
use crate::query::scan::table_provider::ScanProvider;
use crate::store::schema::timestamp;

/// A site with its document.
pub struct SiteRow {
    document: Arc<Document>,
    site: SiteSpec,
}

/// Creates the table; documents of other kinds are left out.
pub fn table(documents: Vec<Arc<Document>>) -> Result<ScanProvider<RowTable<SiteRow>>> {
    let rows = documents.into_iter().filter_map(|document| {
        let site = document.site()?.clone();
        Some(SiteRow { document, site })
    });
    Ok(row_table::table("Sites", rows.collect(), columns()))
}

fn columns() -> Vec<ColumnDef<SiteRow>> {
    vec![
        column("id", DataType::Int32, false, |rows: &[SiteRow]| ints(rows, |r| Some(r.document.id.0))),
        column("uuid", DataType::Utf8, false, |rows| text(rows, |r| r.document.uuid.to_string())),
        column("name", DataType::Utf8, false, |rows| text(rows, |r| r.site.name.clone())),
        column("description", DataType::Utf8, true, |rows| {
            optional_text(rows, |r| r.site.description.as_deref())
        }),
        column("address", DataType::Utf8, true, |rows| optional_text(rows, |r| r.site.address.as_deref())),
        column("latitude", DataType::Float64, true, |rows| place(rows, |at| Some(at.lat))),
        column("longitude", DataType::Float64, true, |rows| place(rows, |at| Some(at.lon))),
        column("altitude", DataType::Float64, true, |rows| place(rows, |at| at.altitude)),
        column("timezone", DataType::Utf8, false, |rows| text(rows, |r| r.site.timezone.clone())),
        column("created_at", timestamp(), false, |rows| times(rows, |r| Some(r.document.created_at))),
        column("updated_at", timestamp(), false, |rows| times(rows, |r| Some(r.document.updated_at))),
    ]
}

fn place(rows: &[SiteRow], get: fn(&GeoLocation) -> Option<f64>) -> ArrayRef {
    floats(rows, |row| row.site.location.as_ref().and_then(get))
}
