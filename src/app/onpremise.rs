//! Messages of one organization as the on-premise interface of Instathings reads them: a list by device, and a feed.
//!
//! The interface has no authentication, so a source serves exactly one organization, chosen when it is made, and shows
//! nothing of another.

mod org_messages;

use std::cmp::Ordering;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

pub use self::org_messages::OnPremiseMessages;
use crate::domain::{Micros, Result};

/// The messages of one organization.
pub trait MessageSource: Send + Sync {
    /// Lists the messages of a device, stored and derived. An unknown device has none.
    ///
    /// # Errors
    /// `Busy` or `Timeout` when the messages cannot be read now; `TooLarge` when there are too many for an order that
    /// needs all of them.
    fn list<'a>(&'a self, query: &'a MessageListQuery) -> BoxFuture<'a, Result<DeviceMessagePage>>;

    /// Subscribes to what is stored from this call on, in the order in which it was stored. The feed ends, or fails,
    /// when messages were missed; it never leaves one out silently.
    ///
    /// # Errors
    /// `Busy` when there are too many feeds, `Unavailable` when the server stops.
    fn subscribe(&self) -> Result<MessageFeed>;
}

/// Feed of messages and answers to status commands.
pub type MessageFeed = BoxStream<'static, Result<MessageEvent>>;

/// Message of a device.
#[derive(Debug, Clone)]
pub struct DeviceMessage {
    pub uuid: Uuid,
    /// Key of the device, 7 to 14 ASCII characters.
    pub device_key: Arc<str>,
    pub ts: Micros,
    /// JSON as it was stored.
    pub payload: Box<RawValue>,
}

/// One item of a feed.
#[derive(Debug, Clone)]
pub enum MessageEvent {
    /// A message was stored.
    Data(DeviceMessage),
    /// A device answered a status command.
    Status(DeviceMessage),
}

/// A page of the messages of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageListQuery {
    pub device_key: String,
    /// Earliest time, inclusive.
    pub from: Option<Micros>,
    /// Latest time, inclusive.
    pub to: Option<Micros>,
    pub sort: MessageSort,
    /// Messages to skip.
    pub offset: u64,
    /// Maximum number of messages, from 1 to 100.
    pub limit: u32,
}

/// Order of a list of messages. Messages that compare as equal are ordered by their shortened uuid, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSort {
    pub key: SortKey,
    pub is_descending: bool,
}

/// Sort key of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortKey {
    Id,
    Time,
    Device,
    /// A member of the payload, by its path; a number in a path is the index of an array's element.
    Payload(Vec<String>),
    /// The order in which the messages were stored.
    Insertion,
}

/// Messages, and how many match in total.
#[derive(Debug, Clone, Default)]
pub struct DeviceMessagePage {
    pub messages: Vec<DeviceMessage>,
    pub total: u64,
}

impl DeviceMessage {
    /// Returns the first 12 bytes of the uuid, which identify a message in this interface.
    pub fn short_id(&self) -> &[u8] {
        &self.uuid.as_bytes()[..12]
    }
}

impl MessageSort {
    /// Sorts messages that are in the order in which they were stored.
    pub fn sort(&self, messages: &mut [DeviceMessage]) {
        match &self.key {
            SortKey::Insertion => {}
            SortKey::Payload(path) => {
                messages.sort_by_cached_key(|m| OrderedMessage {
                    member: member(&m.payload, path),
                    id: m.short_id().to_vec(),
                    is_descending: self.is_descending,
                });
            }
            SortKey::Id => messages.sort_by(|a, b| self.directed(a.short_id().cmp(b.short_id()))),
            SortKey::Time => messages
                .sort_by(|a, b| self.directed(a.ts.cmp(&b.ts)).then_with(|| a.short_id().cmp(b.short_id()))),
            SortKey::Device => messages.sort_by(|a, b| {
                self.directed(a.device_key.cmp(&b.device_key)).then_with(|| a.short_id().cmp(b.short_id()))
            }),
        }
    }

    fn directed(&self, order: Ordering) -> Ordering {
        if self.is_descending { order.reverse() } else { order }
    }
}

/// Key of one message in an order by a member of the payload.
struct OrderedMessage {
    member: Value,
    id: Vec<u8>,
    is_descending: bool,
}

impl PartialEq for OrderedMessage {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for OrderedMessage {}

impl PartialOrd for OrderedMessage {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OrderedMessage {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = compare(&self.member, &other.member);
        let order = if self.is_descending { order.reverse() } else { order };
        order.then_with(|| self.id.cmp(&other.id))
    }
}

/// Returns the member of a payload at this path, or null if there is none.
fn member(payload: &RawValue, path: &[String]) -> Value {
    let Ok(mut value) = serde_json::from_str::<Value>(payload.get()) else { return Value::Null };
    for name in path {
        value = match value {
            Value::Object(mut members) => members.remove(name).unwrap_or(Value::Null),
            Value::Array(mut items) => match name.parse::<usize>() {
                Ok(index) if index < items.len() => items.swap_remove(index),
                _ => Value::Null,
            },
            _ => Value::Null,
        };
    }
    value
}

/// Compares two JSON values as the vendor's database does: null, numbers, texts, objects, arrays, booleans. Two objects
/// or two arrays are equal.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let number = |n: &serde_json::Number| n.as_f64().unwrap_or(0.0);
            number(a).total_cmp(&number(b))
        }
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Object(_) => 3,
        Value::Array(_) => 4,
        Value::Bool(_) => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(n: u8, ts: i64, payload: &str) -> DeviceMessage {
        DeviceMessage {
            uuid: Uuid::from_bytes([n; 16]),
            device_key: "device-1".into(),
            ts: Micros(ts),
            payload: RawValue::from_string(payload.to_owned()).unwrap(),
        }
    }

    #[test]
    fn every_key_orders_in_both_directions_and_ties_by_id() {
        let stored = [
            message(5, 30, r#"{"a":{"b":2}}"#),
            message(1, 20, r#"{"a":{"b":"x"}}"#),
            message(4, 20, r#"{"a":[7]}"#),
            message(3, 10, r#"{"a":{"b":true}}"#),
            message(2, 40, r#"{"a":{"b":2.0}}"#),
        ];
        let payload = |path: &str| SortKey::Payload(path.split('.').map(str::to_owned).collect());
        let rows = [
            ("id", SortKey::Id, false, [1, 2, 3, 4, 5]),
            ("id_descending", SortKey::Id, true, [5, 4, 3, 2, 1]),
            ("time", SortKey::Time, false, [3, 1, 4, 5, 2]),
            ("time_descending", SortKey::Time, true, [2, 5, 1, 4, 3]),
            ("one_device", SortKey::Device, true, [1, 2, 3, 4, 5]),
            ("types_have_an_order", payload("a.b"), false, [4, 2, 5, 1, 3]),
            ("types_have_an_order_descending", payload("a.b"), true, [3, 1, 2, 5, 4]),
            ("elements_by_index", payload("a.0"), true, [4, 1, 2, 3, 5]),
            ("as_stored", SortKey::Insertion, true, [5, 1, 4, 3, 2]),
        ];
        for (name, key, is_descending, expected) in rows {
            let mut messages = stored.to_vec();
            MessageSort { key, is_descending }.sort(&mut messages);
            assert_eq!(messages.iter().map(|m| m.uuid.as_bytes()[0]).collect::<Vec<_>>(), expected, "{name}");
        }
    }
}
