//! Messages as they are read: stored, or derived from readings.

use serde_json::Value;
use uuid::Uuid;

use super::sensor::MessageSensor;
use super::stored::StoredMessage;
use super::{fact, message_id};
use crate::domain::{DeviceId, Micros};

/// Origin of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum MessageContent {
    /// It arrived as a message.
    Stored(StoredMessage),
    /// It stands for the readings of its device at its time, which came another way.
    Derived,
}

/// A message with its sensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Device of the message.
    pub device: DeviceId,
    /// Time of its values.
    pub ts: Micros,
    /// The stored fields, if it was stored.
    pub content: MessageContent,
    /// Sensors by index.
    pub sensors: Vec<MessageSensor>,
}

impl Message {
    /// Id of the message: the stored one, or the one that a look-up decodes.
    pub fn uuid(&self) -> Uuid {
        match &self.content {
            MessageContent::Stored(stored) => stored.uuid,
            MessageContent::Derived => message_id::derived(self.device, self.ts),
        }
    }

    /// Status of the device in the message.
    pub fn status(&self) -> &str {
        match &self.content {
            MessageContent::Stored(stored) => &stored.status,
            MessageContent::Derived => fact::STATUS_ONLINE,
        }
    }

    /// Time at which it arrived; of a derived message its own time.
    pub fn received_at(&self) -> Micros {
        match &self.content {
            MessageContent::Stored(stored) => stored.received_at,
            MessageContent::Derived => self.ts,
        }
    }

    /// The payload as JSON text: as it came, or for a derived message the fact of its readings.
    pub fn fact_payload(&self, external_id: &str) -> String {
        match &self.content {
            MessageContent::Stored(stored) => stored.payload.clone(),
            MessageContent::Derived => fact::derived_payload(external_id, self.ts, &self.sensors).to_string(),
        }
    }

    /// The payload as JSON text: as it came, or for a derived message its values by the names of their streams.
    pub fn document_payload(&self) -> String {
        match &self.content {
            MessageContent::Stored(stored) => stored.payload.clone(),
            MessageContent::Derived => {
                let member = |sensor: &MessageSensor| (sensor.id.clone(), sensor.json.clone());
                Value::Object(self.sensors.iter().map(member).collect()).to_string()
            }
        }
    }
}
