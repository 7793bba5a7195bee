//! MQTT: qualities of service, and what is remembered of sessions, wills and retained messages.

pub mod filter;
pub mod inbox;
pub mod outbox;
pub mod status;
pub mod topic;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{DeviceId, KeyId, Micros, OrgId};

/// Quality of service of a message or a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Qos {
    /// QoS 0: not acknowledged.
    AtMostOnce,
    /// QoS 1: acknowledged, may come twice.
    AtLeastOnce,
    /// QoS 2: acknowledged in two steps.
    ExactlyOnce,
}

impl Qos {
    /// Every quality of service, by its number on the wire.
    pub const ALL: [Qos; 3] = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];

    /// The number on the wire: 0, 1 or 2.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The quality of service with this number; `None` above 2.
    pub fn from_number(number: u8) -> Option<Qos> {
        Qos::ALL.get(usize::from(number)).copied()
    }
}

/// Owner of a session. Client ids of different owners never meet, so nobody takes over the session of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SessionOwner {
    /// The holder of an API key.
    Key(KeyId),
    /// A device with a certificate.
    Device(DeviceId),
}

impl SessionOwner {
    /// Reads the form that `Display` writes; `None` for anything else.
    pub fn parse(text: &str) -> Option<SessionOwner> {
        let (kind, id) = text.split_once(':')?;
        let id = id.parse().ok()?;
        match kind {
            "key" => Some(SessionOwner::Key(KeyId(id))),
            "device" => Some(SessionOwner::Device(DeviceId(id))),
            _ => None,
        }
    }
}

impl fmt::Display for SessionOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SessionOwner::Key(id) => write!(f, "key:{id}"),
            SessionOwner::Device(id) => write!(f, "device:{id}"),
        }
    }
}

/// A subscription as it was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Topic filter, at most 65,535 bytes.
    pub filter: String,
    /// Maximum quality of service of what is delivered.
    pub qos: Qos,
}

/// Message that the server publishes in the name of a client that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Will {
    /// Topic, checked against the rights of the client when it connected.
    pub topic: String,
    /// Payload as sent.
    pub payload: Vec<u8>,
    /// Quality of service.
    pub qos: Qos,
    /// Whether it is retained.
    pub is_retained: bool,
    /// How long the client may be gone before it is published, seconds.
    pub delay_s: u32,
}

/// A session as the catalog remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// Organization of the owner.
    pub org: OrgId,
    /// Owner of the session.
    pub owner: SessionOwner,
    /// Client id, unique for the owner.
    pub client_id: String,
    /// Filters of the messages that the client is sent.
    pub subscriptions: Vec<Subscription>,
    /// How long the session outlives its connection, seconds.
    pub expiry_s: u32,
    /// Time at which the connection ended; `None` while there is one.
    pub ended_at: Option<Micros>,
    /// Message for the case that the client disappears.
    pub will: Option<Will>,
    /// Position in the feed of live values up to which the client has acknowledged everything.
    pub cursor: Option<String>,
}

impl StoredSession {
    /// Memory that it takes, bytes.
    pub fn size(&self) -> usize {
        let filters: usize = self.subscriptions.iter().map(|known| known.filter.len() + 64).sum();
        let will = self.will.as_ref().map_or(0, |will| will.topic.len() + will.payload.len());
        // The entry itself, with its indexes and its row.
        512 + self.client_id.len() + filters + will
    }
}

/// A message that new subscribers are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainedMessage {
    /// Organization of the device.
    pub org: OrgId,
    /// Device that the topic belongs to; only who may read it is sent the message.
    pub device: DeviceId,
    /// Topic with the device's UUID as its name.
    pub topic: String,
    /// Payload as published; who is sent it shares it.
    pub payload: Arc<[u8]>,
    /// Quality of service with which it was published.
    pub qos: Qos,
    /// Time of publication.
    pub stored_at: Micros,
}

/// A change of what the catalog remembers for the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MqttChange {
    /// Adds or replaces a session.
    PutSession(StoredSession),
    /// Sets how far the client of a session has come; the rest of its row stays as it is.
    SetCursor(SessionOwner, String, Option<String>),
    /// Removes a session.
    RemoveSession(SessionOwner, String),
    /// Adds or replaces a retained message.
    PutRetained(RetainedMessage),
    /// Removes the retained message of a topic.
    RemoveRetained(OrgId, String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_and_qualities_are_read_as_they_are_written() {
        for owner in [SessionOwner::Key(KeyId(3)), SessionOwner::Device(DeviceId(-1))] {
            assert_eq!(SessionOwner::parse(&owner.to_string()), Some(owner));
        }
        for wrong in ["", "key", "key:", "user:1", "key:x"] {
            assert_eq!(SessionOwner::parse(wrong), None, "{wrong}");
        }
        for qos in Qos::ALL {
            assert_eq!(Qos::from_number(qos.number()), Some(qos));
        }
        assert_eq!(Qos::from_number(3), None);
    }
}
