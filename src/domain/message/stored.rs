//! Messages as they are stored.

use uuid::Uuid;

use super::sensor::MessageSensor;
use super::{fact, leaves};
use crate::domain::named_enum::named_enum;
use crate::domain::{DeviceId, Micros, Result};

named_enum! {
    /// Format of the payload of a stored message.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum MessageFormat {
        /// An OpenSynaptic fact: `{"id","s","t","s1_id","s1_s","s1_u","s1_v",…}`.
        Fact = "fact",
        /// Any JSON object; its sensors are its leaves.
        Document = "document",
    }
}

impl MessageFormat {
    /// The inverse of `name`.
    pub fn parse(text: &str) -> Option<MessageFormat> {
        MessageFormat::from_name(text)
    }
}

/// A message as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// From [`message_id::stored`]: it contains the device and about the time.
    pub uuid: Uuid,
    /// Device that sent it.
    pub device: DeviceId,
    /// Time of its values.
    pub ts: Micros,
    /// Time at which it arrived.
    pub received_at: Micros,
    /// Status that the device gave itself.
    pub status: String,
    /// JSON object as text, at most 1 MiB.
    pub payload: String,
    /// Format of the payload.
    pub format: MessageFormat,
    /// Id of the certificate that the sender authenticated with, hexadecimal; empty for none.
    pub principal: String,
    /// Key of the gateway that delivered it; empty for none.
    pub client: String,
    /// Number of its sensors.
    pub sensor_count: u32,
}

impl StoredMessage {
    /// Reads the sensors out of the payload.
    ///
    /// # Errors
    /// `Unavailable` when the payload is not of its format, which only damage can cause.
    pub fn sensors(&self) -> Result<Vec<MessageSensor>> {
        match self.format {
            MessageFormat::Fact => fact::sensors_of_stored(&self.payload),
            MessageFormat::Document => leaves::sensors_of_stored(&self.payload),
        }
    }
}
