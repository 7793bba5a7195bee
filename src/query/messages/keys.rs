//! Keys of messages in the order of a list, read from a span of one window.

use std::cmp::Ordering;
use std::sync::Arc;

use uuid::Uuid;

use super::scope::MessageScope;
use super::stored_filter::MatchingMessages;
use crate::domain::message::message_id;
use crate::domain::message::query::MessageOrder;
use crate::domain::min_max::MinMax;
use crate::domain::time::Day;
use crate::domain::{DeviceId, Micros, Result};
use crate::store::message_counts::keys::{DayPart, DeviceTimes, StoredKey};

/// The key of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageKey {
    pub device: i32,
    /// Microseconds.
    pub ts: i64,
    /// Number of its sensors that are asked for. A list of messages does not need it: it may be 0 there.
    pub sensors: u32,
    /// `None` for a derived message.
    pub stored: Option<StoredKey>,
}

impl MessageKey {
    fn uuid(&self) -> Uuid {
        match self.stored {
            Some(stored) => stored.uuid,
            None => message_id::derived(DeviceId(self.device), Micros(self.ts)),
        }
    }

    /// A derived message counts as arrived at its own time.
    fn arrival(&self) -> (i64, u16) {
        self.stored.map_or((self.ts, 0), |stored| (stored.received_at, message_id::counter(stored.uuid)))
    }

    /// Compares by the order of a list; no two keys are equal.
    pub fn compare(&self, other: &Self, order: MessageOrder) -> Ordering {
        match order {
            MessageOrder::NewestFirst => {
                let newest = |key: &Self| (key.ts, key.arrival());
                let by_time = newest(other).cmp(&newest(self));
                by_time.then(self.device.cmp(&other.device)).then_with(|| other.uuid().cmp(&self.uuid()))
            }
            MessageOrder::OldestFirst => self.ts.cmp(&other.ts).then_with(|| self.uuid().cmp(&other.uuid())),
        }
    }
}

/// Selects the keys to read.
pub struct KeyRequest<'a> {
    pub day: Day,
    /// Times within one window.
    pub ts: MinMax<i64>,
    /// Ids, ascending.
    pub devices: Arc<[i32]>,
    /// The stored messages that count; `None` means all.
    pub matching: Option<&'a MatchingMessages>,
    /// Whether derived messages pass the filter.
    pub derives: bool,
}

/// Reads keys, in no particular order; blocks.
///
/// # Errors
/// `Unavailable` when a file cannot be read; `Timeout`.
pub fn read(scope: &MessageScope, wanted: &KeyRequest<'_>) -> Result<Vec<MessageKey>> {
    let KeyRequest { day, ts, devices, .. } = wanted;
    let (source, part) = (scope.keys(), DayPart { day: *day, ts: *ts });
    let mut tick = || scope.check();
    let streams = scope.streams().of_devices(|device| devices.binary_search(&device).is_ok());
    let times = match wanted.derives {
        true => source.times(part, &streams, scope.streams(), &mut tick)?,
        false => Default::default(),
    };
    let from = &scope.snapshot().retention_bounds.messages_from;
    let stored = source.stored(part, devices, from, &mut tick)?;
    let mut keys = Vec::new();
    for (device, of_device) in &times {
        add_derived(&mut keys, *device, of_device, &stored);
    }
    let of_stored = |key: &StoredKey| MessageKey {
        device: key.device,
        ts: key.ts,
        sensors: key.sensors,
        stored: Some(*key),
    };
    match wanted.matching {
        None => keys.extend(stored.iter().map(of_stored)),
        Some(matching) => keys.extend(matching.keys(scope, part, devices)?.iter().map(of_stored)),
    }
    Ok(keys)
}

/// Adds a device's derived messages: its times without a stored message.
fn add_derived(keys: &mut Vec<MessageKey>, device: i32, times: &DeviceTimes, stored: &[StoredKey]) {
    let first = stored.partition_point(|key| key.device < device);
    let count = stored[first..].partition_point(|key| key.device == device);
    let stored = &stored[first..first + count];
    for (ts, sensors) in times.messages() {
        if stored.binary_search_by_key(&ts, |key| key.ts).is_err() {
            keys.push(MessageKey { device, ts, sensors, stored: None });
        }
    }
}
