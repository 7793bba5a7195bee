//! One value of a device: where it lies, what it is, how it is taken from an answer and put into a write.

use super::address::Address;
use super::codec::WordOrder;
use super::registers::{self, Data, Span};
use super::value::Value;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::{StreamKind, StreamSpec};

/// Where a value lies and what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Point {
    Register(registers::point::Point),
}

/// What a device answered to the read of a point.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    Registers(Span, Data),
}

/// What a write changes.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Registers(registers::Change),
}

impl Point {
    /// A stream's point: its own byte order, else its device's; `metadata.wordorder` before both.
    pub fn of(device: &DeviceSpec, stream: &StreamSpec) -> Result<Point, String> {
        let address = Address::parse(device, &stream.path)?;
        let order: WordOrder = match stream.metadata.get("wordorder").filter(|setting| !setting.is_null()) {
            None => stream.byteorder.unwrap_or(device.byteorder).into(),
            Some(setting) => {
                let name = setting.as_str().ok_or_else(|| format!("wordorder {setting} is not a text"))?;
                name.parse().map_err(|error: crate::domain::Error| error.to_string())?
            }
        };
        address.point(stream.kind, order)
    }

    /// Whether it holds nothing but on and off, whatever kind was asked for.
    pub fn is_bit(&self) -> bool {
        let Point::Register(point) = self;
        point.is_bit()
    }

    /// Whether such a place can be written at all. The device may still refuse.
    pub fn is_writable(&self) -> bool {
        let Point::Register(point) = self;
        point.span.space.is_writable()
    }

    /// The value in an answer; `None` when the answer does not hold the point.
    pub fn decode(&self, answered: &Answered) -> Option<Value> {
        let (Point::Register(point), Answered::Registers(span, data)) = (self, answered);
        point.decode(*span, data)
    }

    /// What to write so that it holds `value`; `None` when it cannot hold that.
    pub fn encode(&self, value: Value) -> Option<Change> {
        let Point::Register(point) = self;
        point.encode(value).map(Change::Registers)
    }

    /// The kind of number it is read as.
    pub fn kind(&self) -> StreamKind {
        let Point::Register(point) = self;
        point.kind()
    }
}
