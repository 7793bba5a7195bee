//! `commands`: the commands of devices that the principal sees completely, with their state at the start of the query.

use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::devices::to_json_text;
use super::row_table::{self, ColumnDef, RowTable, column};
use super::{ints, text, times};
use crate::domain::command::Command;
use crate::query::scan::table_provider::ScanProvider;
use crate::store::schema::timestamp;

/// Creates the table of these commands, in their order; without any it tells the columns.
pub fn table(commands: Vec<Command>) -> Result<ScanProvider<RowTable<Command>>> {
    Ok(row_table::table("Commands", commands, columns()))
}

fn columns() -> Vec<ColumnDef<Command>> {
    vec![
        column("id", DataType::Int32, false, |rows: &[Command]| ints(rows, |c| Some(c.id.0))),
        column("uuid", DataType::Utf8, false, |rows| text(rows, |c| c.uuid.to_string())),
        column("key", DataType::Utf8, false, |rows| text(rows, |c| c.key.clone())),
        column("device_id", DataType::Int32, false, |rows| ints(rows, |c| Some(c.spec.device.0))),
        column("type", DataType::Utf8, false, |rows| text(rows, |c| c.spec.kind.clone())),
        column("params", DataType::Utf8, false, |rows| text(rows, |c| to_json_text(&c.spec.params))),
        column("state", DataType::Utf8, false, |rows| text(rows, |c| c.state.name().to_owned())),
        column("result", DataType::Utf8, false, |rows| text(rows, |c| to_json_text(&c.result))),
        column("error", DataType::Utf8, false, |rows| text(rows, |c| c.error.clone())),
        column("created_at", timestamp(), false, |rows| times(rows, |c| Some(c.created_at))),
        column("expires_at", timestamp(), false, |rows| times(rows, |c| Some(c.expires_at))),
        column("sent_at", timestamp(), true, |rows| times(rows, |c| c.sent_at)),
        column("acked_at", timestamp(), true, |rows| times(rows, |c| c.acked_at)),
        column("done_at", timestamp(), true, |rows| times(rows, |c| c.done_at)),
    ]
}
