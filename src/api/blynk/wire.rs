//! JSON of responses.

use serde::Serialize;
use serde_json::Value;

use crate::app::blynk::history::HistoryPage;
use crate::app::blynk::read::Datastream;
use crate::domain::{DeviceId, Micros};

/// A datastream with its current value.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatastreamView {
    data_stream_id: i32,
    /// `v` and the number of the virtual pin.
    pin: String,
    data_stream_label: String,
    data_stream_alias: String,
    /// Absent before the first value, like `updated_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    /// Milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<i64>,
}

impl From<Datastream> for DatastreamView {
    fn from(datastream: Datastream) -> Self {
        let Datastream { stream, current } = datastream;
        let (value, ts) = current.unzip();
        DatastreamView {
            data_stream_id: stream.channel,
            pin: format!("v{}", stream.pin()),
            data_stream_label: stream.label(),
            data_stream_alias: stream.spec.name.clone(),
            value,
            updated_at: ts.map(millis),
        }
    }
}

/// A device with its datastreams.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceView {
    device_id: DeviceId,
    data_streams: Vec<DatastreamView>,
}

impl From<(DeviceId, Vec<Datastream>)> for DeviceView {
    fn from((device_id, datastreams): (DeviceId, Vec<Datastream>)) -> Self {
        DeviceView { device_id, data_streams: datastreams.into_iter().map(DatastreamView::from).collect() }
    }
}

/// A page of history.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryView {
    content: Vec<HistoryItem>,
    total_elements: u64,
}

/// A value of a history.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryItem {
    /// Milliseconds since 1970; microseconds are cut off.
    created_at: i64,
    value: Value,
}

impl From<HistoryPage> for HistoryView {
    fn from(page: HistoryPage) -> Self {
        let item = |(ts, value): (Micros, Value)| HistoryItem { created_at: millis(ts), value };
        HistoryView { content: page.values.into_iter().map(item).collect(), total_elements: page.total }
    }
}

/// Milliseconds since 1970; microseconds are cut off.
fn millis(ts: Micros) -> i64 {
    ts.0.div_euclid(1000)
}
