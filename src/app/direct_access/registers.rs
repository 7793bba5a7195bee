//! Direct reads and writes of a single device register.

use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tracing::Instrument;

use super::DirectAccess;
use crate::app::value_parsing;
use crate::collect::codec::WordOrder;
use crate::collect::device_value::DeviceValue;
use crate::collect::io::ResolvedRegister;
use crate::collect::numeric_value::NumericValue;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::device::Device;
use crate::domain::principal::Access;
use crate::domain::stream::{ByteOrder, StreamKind};
use crate::domain::{DeviceId, Error, FieldError, Principal, Result};

/// Word order of a value: `little`, `big`, or one of the four orders by name. The default is the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RegisterWordOrder(Option<WordOrder>);

impl RegisterWordOrder {
    /// High word first, bytes as the protocol sends them; also called `big`.
    pub const ABCD: Self = RegisterWordOrder(Some(WordOrder::Abcd));
    /// Low word first, bytes as the protocol sends them; also called `little`.
    pub const CDAB: Self = RegisterWordOrder(Some(WordOrder::Cdab));
    /// High word first, bytes of each word swapped.
    pub const BADC: Self = RegisterWordOrder(Some(WordOrder::Badc));
    /// Low word first, bytes of each word swapped.
    pub const DCBA: Self = RegisterWordOrder(Some(WordOrder::Dcba));
}

impl FromStr for RegisterWordOrder {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let order = text.parse::<ByteOrder>().map(WordOrder::from).or_else(|_| text.parse())?;
        Ok(RegisterWordOrder(Some(order)))
    }
}

/// A register and how its value is decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisterSpec {
    pub name: String,
    /// Kind of the number. None means bit for a bit register and uint16 for every other.
    pub kind: Option<StreamKind>,
    pub order: RegisterWordOrder,
}

impl RegisterSpec {
    fn place(&self, device: &Device) -> Result<ResolvedRegister> {
        ResolvedRegister::parse(&device.spec, &self.name, self.kind, self.order.0)
    }

    /// Returns the problems of the register on this device, for a read or a write.
    pub fn problems(&self, device: &Device, access: Access) -> Vec<FieldError> {
        match (self.place(device), access) {
            (Err(error), _) => error.fields,
            (Ok(place), Access::Write) if !place.is_writable() => {
                vec![FieldError::new("register", "Register is read-only.")]
            }
            (Ok(place), Access::Write) if !place.is_write_allowed(&device.spec) => {
                let message = "Register is not among the device's writable registers, or its value reaches beyond them.";
                vec![FieldError::new("register", message)]
            }
            (Ok(place), Access::Write) => {
                let limit = place.write_limit();
                limit.map(|message| FieldError::new("register", message)).into_iter().collect()
            }
            (Ok(_), Access::Read) => Vec::new(),
        }
    }

    /// Returns the problem of a value to be written; none while the register itself is invalid.
    pub fn value_problem(&self, device: &Device, input: &Json) -> Option<String> {
        self.place(device).ok().and_then(|place| to_content(&place, input).err())
    }
}

impl DirectAccess {
    /// Returns the device as for direct access, if its registers can be read and written now.
    pub fn device_for_io(&self, principal: &Principal, id: DeviceId, access: Access) -> Result<Arc<Device>> {
        let device = self.device_for_direct_access(principal, id, access)?;
        let protocol = device.spec.protocol;
        if !device.spec.has_registers() {
            return Err(Error::invalid(format!("Direct I/O is not supported for protocol \"{protocol}\".")));
        }
        if !device.spec.enabled {
            return Err(Error::conflict("Device is disabled."));
        }
        Ok(device)
    }

    /// Reads the current value of a register. An enabled stream of the same register gets it as a reading.
    pub async fn read_register(
        &self,
        principal: &Principal,
        id: DeviceId,
        register: &RegisterSpec,
    ) -> Result<Json> {
        let device = self.device_for_io(principal, id, Access::Read)?;
        Error::check(register.problems(&device, Access::Read))?;
        let place = register.place(&device)?;
        let content = self.states.running()?.read_register(id, &place).await?;
        Ok(shown_json(&place, &content))
    }

    /// Writes a register and returns the written value. An enabled stream of the same register gets the value read
    /// back as a reading. Once begun, the write completes even if the caller is dropped.
    pub async fn write_register(
        &self,
        principal: &Principal,
        id: DeviceId,
        register: &RegisterSpec,
        input: &Json,
    ) -> Result<Json> {
        let device = self.device_for_io(principal, id, Access::Write)?;
        Error::check(register.problems(&device, Access::Write))?;
        let place = register.place(&device)?;
        let content = to_content(&place, input).map_err(|message| Error::field("value", message))?;
        let written = shown_json(&place, &content);
        let collectors = self.states.running()?.clone();
        let (audit, who) = (self.audit.clone(), principal.clone());
        let writing = async move {
            collectors.write_register(id, &place, content).await?;
            audit.audit(&who, AuditChange::new(Action::Write, "device", id.0)).await
        };
        let done = tokio::spawn(writing.in_current_span()).await;
        done.map_err(|error| Error::internal("a write to a device broke off").with_source(error))??;
        Ok(written)
    }
}

/// Converts a posted value for this register, or returns the message for the field `value`. Where only the device
/// knows which values it takes, the device refuses the write.
fn to_content(place: &ResolvedRegister, input: &Json) -> Result<DeviceValue, String> {
    match place.element() {
        Some((element, count)) => array_content(&element, count, input),
        None => single_content(place, input),
    }
}

/// Converts a posted list for an array of so many elements, each of which is checked as a value of its own.
fn array_content(element: &ResolvedRegister, count: u16, input: &Json) -> Result<DeviceValue, String> {
    let noun = if count == 1 { "value" } else { "values" };
    let expected = || format!("Must be a list of exactly {count} {noun}.");
    let members = input.as_array().ok_or_else(expected)?;
    if members.len() != usize::from(count) {
        return Err(format!("{} This one has {}.", expected(), members.len()));
    }
    let to_member = |(index, member): (usize, &Json)| {
        let content = single_content(element, member).map_err(|why| format!("Element {index}: {why}"))?;
        Ok(to_json(&content, element.kind()))
    };
    let list: Vec<Json> = members.iter().enumerate().map(to_member).collect::<Result<_, String>>()?;
    Ok(DeviceValue::Text(Json::Array(list).to_string().into()))
}

/// Converts a posted value for a register that holds one.
fn single_content(place: &ResolvedRegister, input: &Json) -> Result<DeviceValue, String> {
    let content = match place.written_kind() {
        Some(StreamKind::Text | StreamKind::Json) => value_parsing::string(input).map(DeviceValue::Text),
        Some(kind) => value_parsing::parse_register_value(kind, input).map(DeviceValue::Number),
        None => {
            DeviceValue::from_json(input).ok_or_else(|| "Must be a boolean, a number or a string.".to_owned())
        }
    }?;
    match place.value_problem(&content) {
        Some(problem) => Err(problem),
        None => Ok(content),
    }
}

/// The value of a register as JSON: the list of an array, which a reading of a stream keeps as one text.
fn shown_json(place: &ResolvedRegister, content: &DeviceValue) -> Json {
    match (place.element(), content) {
        (Some(_), DeviceValue::Text(list)) => serde_json::from_str(list).unwrap_or_default(),
        _ => to_json(content, place.kind()),
    }
}

/// Converts to JSON: NaN and infinity become null. A bit of a numeric kind becomes 0 or 1.
fn to_json(content: &DeviceValue, kind: Option<StreamKind>) -> Json {
    match content {
        DeviceValue::Number(NumericValue::Bit(on)) if kind.is_some_and(|kind| kind != StreamKind::Bit) => {
            json!(u8::from(*on))
        }
        content => content.to_json(),
    }
}

#[cfg(test)]
#[path = "registers_tests.rs"]
mod tests;
