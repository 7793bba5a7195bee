//! Requests for messages, and what they find.

use uuid::Uuid;

use super::content::Message;
use super::sensor::MessageSensor;
use crate::domain::{DeviceId, Micros};

/// Order of a list of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOrder {
    /// By time descending; of equal times the one that arrived last comes first, then the device with the lower id.
    NewestFirst,
    /// By time ascending, equal times by uuid.
    OldestFirst,
}

/// Filter of a list of messages or sensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageFilter {
    /// `None` means every device.
    pub devices: Option<Vec<DeviceId>>,
    /// Inclusive.
    pub from: Option<Micros>,
    /// Inclusive.
    pub to: Option<Micros>,
    /// Only messages with exactly this status.
    pub status: Option<String>,
    /// Whether messages are derived from readings.
    pub derives: bool,
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageQuery {
    /// Filter of the list.
    pub filter: MessageFilter,
    /// Order of the list.
    pub order: MessageOrder,
    /// Number of messages to skip.
    pub offset: usize,
    /// Maximum number of messages; at most [`MAX_PAGE_MESSAGES`] are returned.
    pub limit: usize,
}

/// A page of sensors: the newest second first, within it by index, then the newest message first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SensorQuery {
    /// Messages whose sensors the list contains.
    pub filter: MessageFilter,
    /// Only sensors with exactly this id.
    pub sensor: Option<String>,
    /// Number of sensors to skip.
    pub offset: usize,
    /// Maximum number of sensors; at most [`MAX_PAGE_MESSAGES`] are returned.
    pub limit: usize,
}

/// Maximum messages of a page.
pub const MAX_PAGE_MESSAGES: usize = 10_000;

/// Messages in order, and how many there are without paging.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MessagePage {
    /// The messages of the page.
    pub messages: Vec<Message>,
    /// Number of messages in the whole list.
    pub total: u64,
}

/// A sensor of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct SensorRow {
    /// Id of the message.
    pub uuid: Uuid,
    /// Device of the message.
    pub device: DeviceId,
    /// Time of the message.
    pub ts: Micros,
    /// The sensor.
    pub sensor: MessageSensor,
}

/// Sensors in order, and how many there are without paging.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SensorPage {
    /// The sensors of the page.
    pub sensors: Vec<SensorRow>,
    /// Number of sensors in the whole list.
    pub total: u64,
}

/// The messages of a device, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceMessages {
    /// The device.
    pub device: DeviceId,
    /// Number of its messages, at least 1.
    pub messages: u64,
    /// Time of the newest one.
    pub last_seen: Micros,
}
