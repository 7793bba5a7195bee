//! One value of a device: where it lies, what it is, how it is taken from an answer and put into a write.

use opcua::types::DataValue;

use super::address::Address;
use super::codec::WordOrder;
use super::content::{Content, Sample};
use super::opcua::node::NodePath;
use super::opcua::status;
use super::registers::{self, Data, Span};
use crate::domain::device::DeviceSpec;
use crate::domain::stream::{StreamKind, StreamSpec};

/// Where a value lies and what it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Point {
    Register(registers::point::Point),
    /// Its server knows the type; a stream wants it as its kind.
    Node(NodePath, Option<StreamKind>),
}

/// What a device answered to the read of a point.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    Registers(Span, Data),
    Node(NodePath, Box<DataValue>),
}

/// What a write changes.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Registers(registers::Change),
    Node(NodePath, Content),
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

    /// Whether such a place can be written at all. The device may still refuse.
    pub fn is_writable(&self) -> bool {
        match self {
            Point::Register(point) => point.span.space.is_writable(),
            Point::Node(..) => true,
        }
    }

    /// The value in an answer. The error says why it is not there.
    pub fn decode(&self, answered: &Answered) -> Result<Sample, String> {
        match (self, answered) {
            (Point::Register(point), Answered::Registers(span, data)) => {
                let value = point.decode(*span, data).map(Sample::from);
                value.ok_or_else(|| "the answer does not hold the value".to_owned())
            }
            (Point::Node(node, kind), Answered::Node(of, value)) if node == of => {
                let sample = status::sample(value)?;
                match kind {
                    Some(kind) => Ok(Sample { content: sample.content.of_kind(*kind)?, ..sample }),
                    None => Ok(sample),
                }
            }
            _ => Err("the answer is to another question".to_owned()),
        }
    }

    /// What to write so that it holds `content`; `None` when it cannot hold that. What a node can hold, its server says.
    pub fn encode(&self, content: impl Into<Content>) -> Option<Change> {
        match (self, content.into()) {
            (Point::Register(point), Content::Number(value)) => point.encode(value).map(Change::Registers),
            (Point::Register(_), Content::Text(_)) => None,
            (Point::Node(node, _), content) => Some(Change::Node(node.clone(), content)),
        }
    }

    /// What it is read and written as: a bit where it holds nothing but on and off, whatever kind was asked for. `None`
    /// where only the device knows.
    pub fn written_kind(&self) -> Option<StreamKind> {
        match self {
            Point::Register(point) if point.is_bit() => Some(StreamKind::Bit),
            Point::Register(point) => Some(point.kind()),
            Point::Node(..) => None,
        }
    }

    /// The kind of number it is read as; `None` where the device says it.
    pub fn kind(&self) -> Option<StreamKind> {
        match self {
            Point::Register(point) => Some(point.kind()),
            Point::Node(_, kind) => *kind,
        }
    }
}
