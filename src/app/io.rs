//! Direct reads and writes of one register of a device.

use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tracing::Instrument;

use super::{App, posted};
use crate::collect::Collectors;
use crate::collect::codec::WordOrder;
use crate::collect::content::Content;
use crate::collect::io::Place;
use crate::collect::value::Value;
use crate::domain::audit::{Action, Change};
use crate::domain::device::Device;
use crate::domain::principal::Access;
use crate::domain::stream::{ByteOrder, StreamKind};
use crate::domain::{DeviceId, Error, FieldError, Principal, Resource, Result, Scope};

/// How the words of a value lie: `little`, `big`, or one of the four orders by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order(WordOrder);

impl Default for Order {
    fn default() -> Self {
        Order(ByteOrder::default().into())
    }
}

impl FromStr for Order {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse::<ByteOrder>().map(WordOrder::from).or_else(|_| text.parse()).map(Order)
    }
}

/// One register and how it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Register {
    pub name: String,
    /// A number; none is a bit for what is one and uint16 for everything else.
    pub kind: Option<StreamKind>,
    pub order: Order,
}

impl Register {
    fn place(&self, device: &Device) -> Result<Place> {
        Place::parse(&device.spec, &self.name, self.kind, self.order.0)
    }

    /// What is wrong with it on this device, for a read or a write.
    pub fn problems(&self, device: &Device, access: Access) -> Vec<FieldError> {
        match (self.place(device), access) {
            (Err(error), _) => error.fields,
            (Ok(place), Access::Write) if !place.is_writable() => {
                vec![FieldError::new("register", "Register is read-only.")]
            }
            (Ok(place), Access::Write) if !place.is_allowed(&device.spec) => {
                let message = "Register is not among the device's writable registers, or its value reaches beyond them.";
                vec![FieldError::new("register", message)]
            }
            (Ok(_), _) => Vec::new(),
        }
    }

    /// What is wrong with a value to be written there; nothing while the register itself is wrong.
    pub fn value_problem(&self, device: &Device, given: &Json) -> Option<String> {
        self.place(device).ok().and_then(|place| to_content(&place, given).err())
    }
}

impl App {
    /// The device, for a principal that may speak to it itself. One that sees it only because of a stream may not: its
    /// other registers are none of its business.
    pub(super) fn device_to_speak_to(
        &self,
        principal: &Principal,
        id: DeviceId,
        access: Access,
    ) -> Result<Arc<Device>> {
        principal.require(Scope { resource: Resource::Device, access })?;
        let device = self.store.catalog().device(principal, id)?;
        if !principal.owns_device(device.org, id) {
            return Err(Error::forbidden("this key may see the device but not speak to it"));
        }
        Ok(device)
    }

    /// The same, of a device whose registers can be read and written now.
    pub fn device_for_io(&self, principal: &Principal, id: DeviceId, access: Access) -> Result<Arc<Device>> {
        let device = self.device_to_speak_to(principal, id, access)?;
        let protocol = device.spec.protocol;
        if !protocol.has_registers() {
            return Err(Error::invalid(format!("Direct I/O is not supported for protocol \"{protocol}\".")));
        }
        if !device.spec.enabled {
            return Err(Error::conflict("Device is disabled."));
        }
        Ok(device)
    }

    /// What a register holds now. An enabled stream of the same register gets it as a reading.
    pub async fn read_register(
        &self,
        principal: &Principal,
        id: DeviceId,
        register: &Register,
    ) -> Result<Json> {
        let device = self.device_for_io(principal, id, Access::Read)?;
        Error::check(register.problems(&device, Access::Read))?;
        let place = register.place(&device)?;
        let content = self.speakers()?.read_register(id, &place).await?;
        Ok(to_json(&content, place.kind()))
    }

    /// Writes a register and returns the value that was written. An enabled stream of the same register gets as a
    /// reading what the register holds then. Once begun it is done, also when whoever asked goes away.
    pub async fn write_register(
        self: &Arc<Self>,
        principal: &Principal,
        id: DeviceId,
        register: &Register,
        given: &Json,
    ) -> Result<Json> {
        let device = self.device_for_io(principal, id, Access::Write)?;
        Error::check(register.problems(&device, Access::Write))?;
        let place = register.place(&device)?;
        let content = to_content(&place, given).map_err(|message| Error::field("value", message))?;
        let written = to_json(&content, place.kind());
        let collectors = Arc::clone(self.speakers()?);
        let (app, who) = (Arc::clone(self), principal.clone());
        let writing = async move {
            collectors.write_register(id, &place, content).await?;
            app.audit(&who, Change::new(Action::Write, "device", id.0)).await
        };
        let done = tokio::spawn(writing.in_current_span()).await;
        done.map_err(|error| Error::internal("a write to a device broke off").because(error))??;
        Ok(written)
    }

    pub(super) fn speakers(&self) -> Result<&Arc<Collectors>> {
        self.collectors.get().ok_or_else(|| Error::unavailable("no device is spoken to here"))
    }
}

/// What is posted as a value of this place, or the message for the field `value`. Where only the device knows what it
/// takes, it says so when it is written.
fn to_content(place: &Place, given: &Json) -> Result<Content, String> {
    match place.written_kind() {
        Some(kind) => posted::raw(kind, given).map(Content::Number),
        None => {
            Content::from_json(given).ok_or_else(|| "Must be a boolean, a number or a string.".to_owned())
        }
    }
}

/// NaN and infinity, which devices send and JSON does not know, are null. A bit of a kind that is a number is 0 or 1.
fn to_json(content: &Content, kind: Option<StreamKind>) -> Json {
    match content {
        Content::Number(Value::Bit(on)) if kind.is_some_and(|kind| kind != StreamKind::Bit) => {
            json!(u8::from(*on))
        }
        content => content.to_json(),
    }
}
