//! Wire forms of readings.

use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::wire::iso;
use crate::app::readings::buckets::{BucketFunction, SensorBuckets, function_value};
use crate::app::readings::list::{ReadingRow, ReadingSpan, ReadingsPage};
use crate::app::readings::summary::ReadingSummary;
use crate::domain::document::ValueType;
use crate::domain::reading_payload::value::number_to_json;
use crate::domain::statistic::Bucket;

/// A reading.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadingView {
    sensor_id: Uuid,
    timestamp: String,
    value: Value,
    value_type: &'static str,
    metadata: Map<String, Value>,
}

impl From<ReadingRow> for ReadingView {
    fn from(row: ReadingRow) -> Self {
        ReadingView {
            sensor_id: row.stream.uuid,
            timestamp: iso(row.ts),
            value: row.value,
            value_type: ValueType::of_stream_kind(row.stream.spec.kind).name(),
            metadata: row.metadata,
        }
    }
}

/// The readings of one sensor in a range.
pub fn list_view(sensor: Uuid, span: ReadingSpan, list: ReadingsPage) -> Value {
    let readings: Vec<ReadingView> = list.rows.into_iter().map(ReadingView::from).collect();
    json!({
        "sensorId": sensor,
        "from": iso(span.from),
        "to": iso(span.to),
        "count": readings.len(),
        "truncated": list.is_truncated,
        "readings": readings,
    })
}

/// The buckets of one sensor, with the functions that were asked for.
pub fn buckets_view(sensor: Uuid, interval: &str, found: &SensorBuckets) -> Value {
    let bucket = |bucket: &Bucket| {
        let mut view = Map::from_iter([("timestamp".to_owned(), Value::from(iso(bucket.start)))]);
        for function in &found.functions {
            let value = match function {
                BucketFunction::Count => Value::from(bucket.count),
                _ => number(function_value(bucket, *function)),
            };
            view.insert(function.name().to_owned(), value);
        }
        Value::Object(view)
    };
    let buckets: Vec<Value> = found.buckets.iter().map(bucket).collect();
    json!({"sensorId": sensor, "interval": interval, "buckets": buckets})
}

/// Numbers about the readings of one sensor.
pub fn summary_view(sensor: Uuid, span: ReadingSpan, summary: &ReadingSummary) -> Value {
    let edge = |row: &Option<ReadingRow>| {
        row.as_ref().map(|row| json!({"timestamp": iso(row.ts), "value": row.value}))
    };
    json!({
        "sensorId": sensor,
        "from": iso(span.from),
        "to": iso(span.to),
        "count": summary.count,
        "min": number(summary.min),
        "max": number(summary.max),
        "avg": number(summary.avg),
        "median": number(summary.median),
        "stddev": number(summary.stddev),
        "first": edge(&summary.first),
        "last": edge(&summary.last),
    })
}

fn number(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |value| number_to_json(value, false))
}
