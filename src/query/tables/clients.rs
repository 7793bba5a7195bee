//! `clients`: the organization's clients of vendors' APIs, without their secrets, for who may read the whole audit log.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::row_table::{self, ColumnDef, RowTable, column};
use super::{flags, ints, optional_text, text, times};
use crate::domain::client::Client;
use crate::query::scan::table_provider::ScanProvider;
use crate::store::schema::timestamp;

/// A client with the name of its user.
pub struct ClientRow {
    client: Arc<Client>,
    user: Option<String>,
}

/// Creates the table; `user` returns the name of the user of a client. Without clients it tells the columns.
pub fn table(
    clients: &[Arc<Client>],
    user: impl Fn(&Client) -> Option<String>,
) -> Result<ScanProvider<RowTable<ClientRow>>> {
    let rows = clients.iter().map(|client| ClientRow { client: client.clone(), user: user(client) });
    Ok(row_table::table("Clients", rows.collect(), columns()))
}

fn columns() -> Vec<ColumnDef<ClientRow>> {
    vec![
        column("id", DataType::Int32, false, |rows: &[ClientRow]| ints(rows, |r| Some(r.client.id.0))),
        column("client_id", DataType::Utf8, false, |rows| text(rows, |r| r.client.secret.client_id.clone())),
        column("api", DataType::Utf8, false, |rows: &[ClientRow]| {
            text(rows, |r| r.client.spec.api.name().to_owned())
        }),
        column("name", DataType::Utf8, false, |rows| text(rows, |r| r.client.spec.name.clone())),
        column("user_name", DataType::Utf8, true, |rows| optional_text(rows, |r| r.user.as_deref())),
        column("role", DataType::Utf8, true, |rows| {
            optional_text(rows, |r| r.client.spec.role.map(|role| role.name()))
        }),
        column("user_scoped", DataType::Boolean, false, |rows| flags(rows, |r| r.client.spec.user_scoped)),
        column("enabled", DataType::Boolean, false, |rows| flags(rows, |r| r.client.enabled)),
        column("created_at", timestamp(), false, |rows| times(rows, |r| Some(r.client.created_at))),
        column("revoked_at", timestamp(), true, |rows| times(rows, |r| r.client.revoked_at)),
    ]
}
