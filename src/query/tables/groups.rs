//! `groups`: the organization's groups.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::row_table::{self, ColumnDef, RowTable, column};
use super::{ints, text, times};
use crate::domain::group::Group;
use crate::query::scan::table_provider::ScanProvider;
use crate::store::schema::timestamp;

type GroupRow = Arc<Group>;

/// Creates the table of these groups, in their order; without any it tells the columns.
pub fn table(groups: &[GroupRow]) -> Result<ScanProvider<RowTable<GroupRow>>> {
    Ok(row_table::table("Groups", groups.to_vec(), columns()))
}

fn columns() -> Vec<ColumnDef<GroupRow>> {
    vec![
        column("id", DataType::Int32, false, |rows: &[GroupRow]| ints(rows, |g| Some(g.id.0))),
        column("name", DataType::Utf8, false, |rows| text(rows, |g| g.spec.name.clone())),
        column("description", DataType::Utf8, false, |rows| text(rows, |g| g.spec.description.clone())),
        column("created_at", timestamp(), false, |rows| times(rows, |g| Some(g.created_at))),
        column("updated_at", timestamp(), false, |rows| times(rows, |g| Some(g.updated_at))),
    ]
}
