//! JSON documents of devices: stored as messages, with their leaves as readings.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::NewMessage;
use super::target::{MessageTargets, SensorValue};
use crate::app::messages::Messages;
use crate::domain::message::leaves::{Leaf, flatten};
use crate::domain::message::{MessageFormat, STATUS_ONLINE};
use crate::domain::reading::Readings;
use crate::domain::{DeviceId, Error, Micros, Principal, Resource, Result, Scope};

/// A document that a device sent.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDocument {
    pub device: DeviceId,
    /// Time of its values; `None` means now.
    pub ts: Option<Micros>,
    pub document: Map<String, Value>,
    /// The document as text, which is stored: members in their order, and numbers as they were written.
    pub payload: String,
    /// Id of the certificate that the sender authenticated with, hexadecimal; empty for none.
    pub principal: String,
    /// Key of the gateway that delivered it; empty for none.
    pub client: String,
}

impl Messages {
    /// Stores a document as a message. Each of its leaves becomes a reading of the stream named by the dotted path; such
    /// streams are created on first sight, except for texts.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:write`; `NotFound` for a device that the principal may not change; as
    /// `Store::write`.
    pub async fn post_document(&self, principal: &Principal, new: NewDocument) -> Result<Uuid> {
        principal.require(Scope::write(Resource::Value))?;
        let device = self.store.catalog().devices.device(principal, new.device)?;
        if !principal.owns_device(device.org, device.id) {
            return Err(Error::hidden());
        }
        let leaves: Vec<(String, Value)> = flatten(&new.document)
            .into_iter()
            .map(|(path, leaf): (String, Leaf)| (path, leaf.into_json()))
            .collect();
        let mut readings = Readings::default();
        let values = leaves.iter().map(|(name, value)| SensorValue { name, value, unit: None });
        let values = values.collect();
        let mut targets = MessageTargets::new(self, principal);
        let ts = targets.readings(device.id, new.ts, values, &mut readings).await?;
        let message = NewMessage {
            device: device.id,
            ts,
            status: STATUS_ONLINE.to_owned(),
            payload: new.payload,
            format: MessageFormat::Document,
            principal: new.principal,
            client: new.client,
            sensor_count: leaves.len(),
        };
        let ids = self.store_messages(principal, vec![message], readings).await?;
        ids.into_iter().next().ok_or_else(|| Error::internal("a message was stored without an id"))
    }
}
