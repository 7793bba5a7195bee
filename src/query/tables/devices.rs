//! `devices`: the visible devices, with the last known status of their collectors.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::row_table::{self, ColumnDef, RowTable, column};
use super::{flags, floats, ints, optional_text, text, times};
use crate::domain::ProductId;
use crate::domain::device::{Device, DeviceStatus};
use crate::query::scan::table_provider::ScanProvider;
use crate::store::schema::timestamp;

/// A device with its collector's status at the start of the query.
pub struct DeviceRow {
    device: Arc<Device>,
    /// Its own product, or the default product of its organization.
    product: Option<ProductId>,
    status: DeviceStatus,
}

/// Creates the table. The password is not a column.
pub fn table(
    devices: &[Arc<Device>],
    status: impl Fn(&Device) -> DeviceStatus,
    product: impl Fn(&Device) -> Option<ProductId>,
) -> Result<ScanProvider<RowTable<DeviceRow>>> {
    let rows = devices.iter().map(|device| DeviceRow {
        device: device.clone(),
        product: product(device),
        status: status(device),
    });
    Ok(row_table::table("Devices", rows.collect(), columns()))
}

fn columns() -> Vec<ColumnDef<DeviceRow>> {
    vec![
        column("id", DataType::Int32, false, |rows: &[DeviceRow]| ints(rows, |r| Some(r.device.id.0))),
        column("name", DataType::Utf8, false, |rows| text(rows, |r| r.device.spec.name.clone())),
        column("protocol", DataType::Utf8, false, |rows: &[DeviceRow]| {
            text(rows, |r| r.device.spec.protocol.name().to_owned())
        }),
        column("host", DataType::Utf8, false, |rows| text(rows, |r| r.device.spec.host.clone())),
        column("port", DataType::Int32, true, |rows| {
            ints(rows, |r| r.device.spec.effective_port().map(i32::from))
        }),
        column("unit", DataType::Int32, false, |rows| ints(rows, |r| Some(i32::from(r.device.spec.unit)))),
        column("timeout", DataType::Float64, false, |rows| floats(rows, |r| Some(r.device.spec.timeout_s))),
        column("poll_interval", DataType::Float64, true, |rows| {
            floats(rows, |r| r.device.spec.poll_interval_s)
        }),
        column("enabled", DataType::Boolean, false, |rows| flags(rows, |r| r.device.spec.enabled)),
        column("state", DataType::Utf8, false, |rows| text(rows, |r| r.status.state.name().to_owned())),
        column("last_seen", timestamp(), true, |rows| times(rows, |r| r.status.last_seen)),
        column("last_error", DataType::Utf8, true, |rows| {
            optional_text(rows, |r| r.status.last_error.as_deref())
        }),
        column("clock_offset", DataType::Float64, true, |rows| floats(rows, |r| r.status.clock_offset_s)),
        column("uuid", DataType::Utf8, false, |rows| text(rows, |r| r.device.aliases.uuid.to_string())),
        column("key", DataType::Utf8, false, |rows| text(rows, |r| r.device.aliases.key.clone())),
        column("external_id", DataType::Utf8, false, |rows| {
            text(rows, |r| r.device.aliases.external_id.clone())
        }),
        column("product_id", DataType::Int32, true, |rows| ints(rows, |r| r.product.map(|id| id.0))),
        column("parent_device_id", DataType::Int32, true, |rows| {
            ints(rows, |r| r.device.spec.parent_device.map(|id| id.0))
        }),
        column("owner", DataType::Utf8, true, |rows| optional_text(rows, |r| r.device.spec.owner.as_deref())),
        column("metadata", DataType::Utf8, false, |rows| {
            text(rows, |r| to_json_text(&r.device.spec.metadata))
        }),
        column("tags", DataType::Utf8, false, |rows| text(rows, |r| to_json_text(&r.device.topology.tags))),
        column("site_uuid", DataType::Utf8, true, |rows| {
            optional_text(rows, |r| r.device.topology.site.map(|uuid| uuid.to_string()))
        }),
        column("created_at", timestamp(), false, |rows| times(rows, |r| Some(r.device.created_at))),
        column("updated_at", timestamp(), false, |rows| times(rows, |r| Some(r.device.updated_at))),
    ]
}

/// Serializes a JSON object as text.
pub fn to_json_text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
