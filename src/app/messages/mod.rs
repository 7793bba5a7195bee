//! Messages: lists, sensors, devices and look-ups, and the ways in which messages arrive.
//!
//! The life of one message. A device sends facts over HTTP or MQTT (`fact.rs`), or a gateway sends a JSON document of one of its
//! devices over MQTT (`document.rs`), in which the demo data of virtual devices arrive too (`app/virtual_data.rs`). The streams
//! of its values are found by name, or created for numbers and truth values, as is the device of a fact (`target.rs`). One write
//! makes the message as it was sent and the readings of its values durable, all or none, at one time; then those who follow the
//! gateway are told (`app/gateway/hub.rs`). Readings that came another way have a message too: one is derived of what a device
//! has at one time when messages are read (`query/messages/`), unless a stored one is there or the settings switch that off. A
//! caller sees the messages of the devices that it sees completely. Stored messages go when their policy says so
//! (`store/retention/`).

pub mod document;
pub mod fact;
pub(super) mod target;

use std::sync::Arc;

use uuid::Uuid;

use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use super::gateway::hub::GatewayHub;
use crate::domain::message::query::{
    DeviceMessages, MessageFilter, MessagePage, MessageQuery, SensorPage, SensorQuery,
};
use crate::domain::message::{Message, MessageFormat, StoredMessage, message_id};
use crate::domain::{Clock, DeviceId, Micros, Principal, Resource, Result, Scope};
use crate::query::Engine;
use crate::store::Store;

/// Settings of the APIs that show messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSettings {
    /// Whether messages are derived from readings that came another way.
    pub derives: bool,
}

impl Default for MessageSettings {
    fn default() -> Self {
        Self { derives: true }
    }
}

/// A message that arrived, before it has an id.
struct NewMessage {
    device: DeviceId,
    ts: Micros,
    status: String,
    payload: String,
    format: MessageFormat,
    principal: String,
    client: String,
    sensor_count: usize,
}

/// Messages: stored as they arrive, listed and looked up.
pub struct Messages {
    store: Arc<Store>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    states: CollectorStates,
    /// Tells those who follow a gateway of new messages.
    hub: Arc<GatewayHub>,
    /// Whether messages are derived from readings that came another way.
    derives: bool,
}

impl Messages {
    pub(super) fn new(parts: &CoreParts, hub: Arc<GatewayHub>, settings: &MessageSettings) -> Self {
        Self {
            store: parts.store.clone(),
            engine: parts.engine.clone(),
            clock: parts.clock.clone(),
            states: parts.states.clone(),
            hub,
            derives: settings.derives,
        }
    }

    /// Returns the latest time that counts as now: what has a later one is ahead of the clock.
    pub fn latest_time(&self) -> Micros {
        self.store.ahead_bound().latest(self.clock.now())
    }

    /// Returns a page of messages and their total.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:read`; `Busy`, `Timeout` or `TooLarge` for the limits of queries.
    pub async fn messages(&self, principal: &Principal, query: MessageQuery) -> Result<MessagePage> {
        principal.require(Scope::read(Resource::Value))?;
        let filter = self.as_configured(query.filter);
        self.engine.messages(principal, MessageQuery { filter, ..query }).await
    }

    /// Returns a message with its sensors; `None` when there is none that the principal sees.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:read`; `Busy`, `Timeout` or `TooLarge` for the limits of queries.
    pub async fn message(&self, principal: &Principal, uuid: Uuid) -> Result<Option<Message>> {
        principal.require(Scope::read(Resource::Value))?;
        self.engine.message(principal, uuid, self.derives).await
    }

    /// Returns a page of the sensors of messages and their total, in the order of [`SensorQuery`].
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:read`; `Busy`, `Timeout` or `TooLarge` for the limits of queries.
    pub async fn message_sensors(&self, principal: &Principal, query: SensorQuery) -> Result<SensorPage> {
        principal.require(Scope::read(Resource::Value))?;
        let filter = self.as_configured(query.filter);
        self.engine.message_sensors(principal, SensorQuery { filter, ..query }).await
    }

    /// Returns the devices that have messages, with their number and the time of the newest, by device id.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:read`; `Busy`, `Timeout` or `TooLarge` for the limits of queries.
    pub async fn message_devices(&self, principal: &Principal) -> Result<Vec<DeviceMessages>> {
        principal.require(Scope::read(Resource::Value))?;
        let derives = self.derives;
        let all = MessageFilter { devices: None, from: None, to: None, status: None, derives };
        self.engine.message_devices(principal, all).await
    }

    /// Without derived messages, none are asked for.
    fn as_configured(&self, filter: MessageFilter) -> MessageFilter {
        MessageFilter { derives: filter.derives && self.derives, ..filter }
    }

    /// Gives the messages of one request their ids and the time of their arrival.
    fn received(&self, messages: Vec<NewMessage>) -> Vec<StoredMessage> {
        let received_at = self.store.assign_received_at();
        let stored = |(counter, new): (u16, NewMessage)| StoredMessage {
            uuid: message_id::stored(new.device, new.ts, counter, Uuid::new_v4().as_u128() as u64),
            device: new.device,
            ts: new.ts,
            received_at,
            status: new.status,
            payload: new.payload,
            format: new.format,
            principal: new.principal,
            client: new.client,
            sensor_count: u32::try_from(new.sensor_count).unwrap_or(u32::MAX),
        };
        (0..=u16::MAX).zip(messages).map(stored).collect()
    }
}
