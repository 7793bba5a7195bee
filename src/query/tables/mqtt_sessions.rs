//! `mqtt_sessions`: the sessions of MQTT clients that the principal may see, as they are at the start of the query.

use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::devices::to_json_text;
use super::row_table::{self, ColumnDef, RowTable, column};
use super::{flags, ints, longs, text, times};
use crate::domain::mqtt::Subscription;
use crate::domain::mqtt::status::SessionStatus;
use crate::query::scan::table_provider::ScanProvider;
use crate::store::schema::timestamp;

/// Creates the table of these sessions, in their order; without any it tells the columns.
pub fn table(sessions: Vec<SessionStatus>) -> Result<ScanProvider<RowTable<SessionStatus>>> {
    Ok(row_table::table("MqttSessions", sessions, columns()))
}

fn columns() -> Vec<ColumnDef<SessionStatus>> {
    vec![
        column("client_id", DataType::Utf8, false, |rows: &[SessionStatus]| {
            text(rows, |s| s.client_id.clone())
        }),
        column("owner", DataType::Utf8, false, |rows| text(rows, |s| s.owner.to_string())),
        column("device_id", DataType::Int32, true, |rows| ints(rows, |s| s.device().map(|id| id.0))),
        column("connected", DataType::Boolean, false, |rows| flags(rows, |s| s.is_connected)),
        column("since", timestamp(), true, |rows| times(rows, |s| s.since)),
        column("subscriptions", DataType::Utf8, false, |rows| text(rows, |s| filters(&s.subscriptions))),
        column("queued", DataType::Int64, false, |rows| longs(rows, |s| Some(s.queued as i64))),
        column("expiry_s", DataType::Int64, false, |rows| longs(rows, |s| Some(i64::from(s.expiry_s)))),
    ]
}

/// JSON text of `[{"filter", "qos"}]`.
fn filters(subscriptions: &[Subscription]) -> String {
    let shown = subscriptions.iter();
    let shown = shown.map(|one| serde_json::json!({"filter": one.filter, "qos": one.qos.number()}));
    to_json_text(&shown.collect::<Vec<_>>())
}
