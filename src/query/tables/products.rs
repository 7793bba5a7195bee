//! `products`: the organization's products.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::devices::to_json_text;
use super::row_table::{self, ColumnDef, RowTable, column};
use super::{flags, ints, text, times};
use crate::domain::product::Product;
use crate::query::scan::table_provider::ScanProvider;
use crate::store::schema::timestamp;

type ProductRow = Arc<Product>;

/// Creates the table of these products, in their order; without any it tells the columns.
pub fn table(products: &[ProductRow]) -> Result<ScanProvider<RowTable<ProductRow>>> {
    Ok(row_table::table("Products", products.to_vec(), columns()))
}

fn columns() -> Vec<ColumnDef<ProductRow>> {
    vec![
        column("id", DataType::Int32, false, |rows: &[ProductRow]| ints(rows, |p| Some(p.id.0))),
        column("name", DataType::Utf8, false, |rows| text(rows, |p| p.spec.name.clone())),
        column("parent_id", DataType::Int32, true, |rows| ints(rows, |p| p.spec.parent.map(|id| id.0))),
        column("is_default", DataType::Boolean, false, |rows| flags(rows, |p| p.is_default)),
        column("uuid", DataType::Utf8, false, |rows| text(rows, |p| p.uuid.to_string())),
        column("metadata", DataType::Utf8, false, |rows| text(rows, |p| to_json_text(&p.spec.metadata))),
        column("templates", DataType::Utf8, false, |rows| text(rows, |p| to_json_text(&p.spec.templates))),
        column("created_at", timestamp(), false, |rows| times(rows, |p| Some(p.created_at))),
        column("updated_at", timestamp(), false, |rows| times(rows, |p| Some(p.updated_at))),
    ]
}
