//! Views with DataStone's names over the same rows: `core_value`, `core_valuestatistics`, `core_data`, `core_device`,
//! `core_eventlog`.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, ident, lit};

/// `core_value(data_id, timestamp, value)`: readings without those of bad quality, as in DataStone's lists.
pub fn core_value(readings: Arc<dyn TableProvider>) -> Result<ViewTable> {
    let columns = vec![ident("stream_id").alias("data_id"), ident("ts").alias("timestamp"), ident("value")];
    view("readings", readings, Some(ident("quality").not_eq(lit("bad"))), columns)
}

/// `core_valuestatistics`: one row per stream and time; a row posted by a client replaces the computed one.
pub fn core_valuestatistics(overlaid: Arc<dyn TableProvider>) -> Result<ViewTable> {
    let mut columns = vec![ident("stream_id").alias("data_id"), ident("ts").alias("timestamp")];
    columns.extend(["mean", "rms", "median", "min", "max", "q1", "q3"].map(ident));
    view("statistics", overlaid, None, columns)
}

/// `core_eventlog`: the event log.
pub fn core_eventlog(events: Arc<dyn TableProvider>) -> Result<ViewTable> {
    let mut columns = vec![ident("id"), ident("device_id"), ident("stream_id").alias("data_id")];
    columns.extend(["kind", "level"].map(ident));
    columns.push(ident("ts").alias("timestamp"));
    columns.extend(["message", "url", "payload"].map(ident));
    view("events", events, None, columns)
}

/// `core_data`: the streams.
pub fn core_data(streams: Arc<dyn TableProvider>) -> Result<ViewTable> {
    let same = [
        "id",
        "name",
        "device_id",
        "path",
        "type",
        "group_id",
        "access_mode",
        "poll_interval",
        "unit",
        "scale",
        "offset",
        "byteorder",
        "enabled",
        "metadata",
    ];
    view("streams", streams, None, same.iter().map(|name| ident(*name)).collect())
}

/// `core_device`: the devices; the collector's state is called `status`.
pub fn core_device(devices: Arc<dyn TableProvider>) -> Result<ViewTable> {
    let same =
        ["id", "name", "protocol", "host", "port", "unit", "timeout", "poll_interval", "enabled", "metadata"];
    let mut columns: Vec<Expr> = same.iter().map(|name| ident(*name)).collect();
    columns.push(ident("state").alias("status"));
    columns.extend(["last_error", "last_seen", "created_at", "updated_at"].map(ident));
    view("devices", devices, None, columns)
}

fn view(
    name: &str,
    table: Arc<dyn TableProvider>,
    filter: Option<Expr>,
    columns: Vec<Expr>,
) -> Result<ViewTable> {
    let mut plan = LogicalPlanBuilder::scan(name, provider_as_source(table), None)?;
    if let Some(filter) = filter {
        plan = plan.filter(filter)?;
    }
    Ok(ViewTable::new(plan.project(columns)?.build()?, None))
}
