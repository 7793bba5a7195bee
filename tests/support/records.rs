//! Records with what a case says of them and nothing else.

use basalt::domain::event::{EventSpec, Level};
use basalt::domain::statistic::{Origin, Statistic};
use basalt::domain::{DeviceId, Micros, StreamId};
use serde_json::Map;

/// An event of this kind, which is its message too.
pub fn event(device: DeviceId, stream: Option<StreamId>, kind: &str, ts: Micros) -> EventSpec {
    EventSpec {
        device: Some(device),
        stream,
        kind: kind.to_owned(),
        level: Level::Info,
        ts,
        message: kind.to_owned(),
        url: String::new(),
        payload: Map::new(),
        acknowledged: false,
        note: None,
    }
}

/// A posted statistic of a minute with one reading, of which only the mean is known.
pub fn posted_minute(stream: StreamId, ts: Micros, mean: f64) -> Statistic {
    Statistic {
        origin: Origin::Posted,
        stream,
        ts,
        window_s: 60,
        count: 1,
        mean: Some(mean),
        rms: None,
        median: None,
        min: None,
        max: None,
        q1: None,
        q3: None,
    }
}
