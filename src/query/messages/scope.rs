//! What one request about messages may see: devices, their streams, times, and the snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::message::query::MessageFilter;
use crate::domain::message::{MessageSensor, SENSOR_BAD, SENSOR_OK};
use crate::domain::min_max::MinMax;
use crate::domain::reading::{Quality, Reading};
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{DeviceId, Result};
use crate::query::context::QueryContext;
use crate::query::error::from_datafusion;
use crate::store::message_counts::keys::{KeySource, StreamDevices};
use crate::store::snapshot::Snapshot;

/// The visible part of a snapshot.
pub struct MessageScope {
    pub view: QueryContext,
    /// Ids of the devices, ascending.
    pub devices: Arc<[i32]>,
    /// The streams whose readings make messages, each from the start of its retention.
    pub streams: StreamDevices,
    /// The same streams by id.
    pub by_id: HashMap<i32, Arc<Stream>>,
    /// Both inclusive, microseconds.
    pub ts: MinMax<i64>,
    pub derives: bool,
    /// Whether kept counts may be used: they count all streams of a device.
    pub uses_kept_counts: bool,
}

impl MessageScope {
    /// Looks up devices and streams. With `sensor`, only streams of that name make messages.
    pub fn new(view: QueryContext, filter: &MessageFilter, sensor: Option<&str>) -> Self {
        let mut devices: Vec<DeviceId> = match &filter.devices {
            None => view.own_devices().into_iter().map(DeviceId).collect(),
            Some(wanted) => wanted.clone(),
        };
        devices.sort_unstable();
        devices.dedup();
        devices.retain(|id| {
            let device = view.catalog().device(&view.principal, *id);
            device.is_ok_and(|device| view.principal.owns_device(device.org, *id))
        });
        let streams = match filter.derives {
            true => view.catalog().streams_of_devices(&view.principal, &devices),
            false => Vec::new(),
        };
        let wanted = streams.into_iter().filter(|stream| sensor.is_none_or(|name| stream.spec.name == name));
        let by_id: HashMap<i32, Arc<Stream>> = wanted.map(|stream| (stream.id.0, stream)).collect();
        let pairs = by_id.values().map(|stream| (stream.id.0, stream.spec.device.0));
        let streams = StreamDevices::new(pairs, &view.snapshot.retention_bounds.visible_from);
        let ts = MinMax::new(filter.from.map_or(i64::MIN, |ts| ts.0), filter.to.map_or(i64::MAX, |ts| ts.0));
        let devices = devices.into_iter().map(|id| id.0).collect();
        Self {
            view,
            devices,
            streams,
            by_id,
            ts,
            derives: filter.derives,
            uses_kept_counts: sensor.is_none(),
        }
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.view.snapshot
    }

    pub fn keys(&self) -> KeySource<'_> {
        KeySource::of_snapshot(&self.view.snapshot)
    }

    pub fn has_device(&self, device: i32) -> bool {
        self.devices.binary_search(&device).is_ok()
    }

    /// Fails when the request is over its time or nobody waits for it.
    ///
    /// # Errors
    /// `Timeout`.
    pub fn check(&self) -> Result<()> {
        self.view.tally.interrupt.check().map_err(from_datafusion)
    }

    /// Makes the sensor of a derived message of a reading.
    pub fn sensor(&self, index: u32, stream: &Stream, reading: &Reading) -> MessageSensor {
        let json = json_value(stream.spec.kind, reading);
        let status = if reading.quality == Quality::Bad { SENSOR_BAD } else { SENSOR_OK };
        let value = match &json {
            serde_json::Value::Number(number) if stream.spec.kind.is_numeric() => Some(number.clone()),
            serde_json::Value::Bool(on) if stream.spec.kind.is_numeric() => Some(u8::from(*on).into()),
            _ => None,
        };
        MessageSensor {
            index,
            id: stream.spec.name.clone(),
            status: status.to_owned(),
            value,
            json,
            unit: Some(stream.spec.unit.clone()).filter(|unit| !unit.is_empty()),
        }
    }
}

/// A reading as JSON: integers beyond ±2^53 exactly, bits as truth values, locations and JSON as they were sent.
fn json_value(kind: StreamKind, reading: &Reading) -> serde_json::Value {
    use serde_json::Value;
    let text = reading.text.as_deref();
    match kind {
        StreamKind::Bit => reading.value.map_or(Value::Null, |value| Value::Bool(value != 0.0)),
        StreamKind::Json | StreamKind::Location => {
            text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| text.into()))
        }
        StreamKind::Text | StreamKind::Enum => text.map_or(Value::Null, Value::from),
        _ => match text {
            Some(digits) => {
                serde_json::from_str::<serde_json::Number>(digits).map_or(Value::Null, Value::Number)
            }
            None => reading.value.and_then(serde_json::Number::from_f64).map_or(Value::Null, Value::Number),
        },
    }
}
