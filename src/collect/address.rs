//! One place on a device, as the grammar of its protocol names it.

use std::fmt;

use super::codec::WordOrder;
use super::opcua::node::{BadNode, NodePath};
use super::point::Point;
use super::registers::{self, Cell, Unit};
use super::spoken::Spoken;
use super::{fenet, melsec, modbus};
use crate::domain::device::DeviceSpec;
use crate::domain::stream::StreamKind;

/// A place that can be read. Its `Display` is the canonical form, which parses back to the same place.
#[derive(Debug, Clone, PartialEq)]
pub enum Address {
    Modbus(modbus::address::Address),
    Melsec(melsec::address::Address),
    Fenet(fenet::address::Address),
    Node(NodePath),
}

impl Address {
    /// Reads what a user wrote for a device; the error names it, as `invalid` does, and shows the valid forms.
    pub fn parse(device: &DeviceSpec, text: &str) -> Result<Address, String> {
        match Spoken::of(device.protocol) {
            Some(Spoken::Modbus) => text.parse().map(Address::Modbus).map_err(in_words),
            Some(Spoken::Melsec) => melsec::client::parse_address(device, text).map(Address::Melsec),
            Some(Spoken::Fenet) => text.parse().map(Address::Fenet).map_err(in_words),
            Some(Spoken::Opcua) => {
                let node = text.parse().map(Address::Node);
                node.map_err(|bad: BadNode| invalid(text, format_args!("{bad}.")))
            }
            None => Err(format!("a device of protocol \"{}\" has no registers", device.protocol)),
        }
    }

    /// What it holds unless somebody says otherwise: a bit for what is one, else uint16 or what its size letter says.
    pub fn default_kind(&self) -> StreamKind {
        match self {
            Address::Modbus(address) if address.space.is_bits() || address.bit.is_some() => StreamKind::Bit,
            Address::Modbus(_) | Address::Node(_) => StreamKind::Uint16,
            Address::Melsec(address) => match address.device.unit() {
                Unit::Bit => StreamKind::Bit,
                Unit::Wide(_) => StreamKind::Uint32,
                Unit::Byte | Unit::Word if address.bit.is_some() => StreamKind::Bit,
                Unit::Byte | Unit::Word => StreamKind::Uint16,
            },
            Address::Fenet(address) => address.default_kind(),
        }
    }

    /// The value that lies there, of the kind asked for; what the server of a node knows better is not asked.
    pub fn asked_point(&self, kind: Option<StreamKind>, order: WordOrder) -> Result<Point, String> {
        match self {
            Address::Node(node) => Ok(Point::Node(node.clone(), None)),
            Address::Modbus(_) | Address::Melsec(_) | Address::Fenet(_) => {
                self.point(kind.unwrap_or(self.default_kind()), order)
            }
        }
    }

    /// The value of a kind that lies there. The error says why there can be none.
    pub fn point(&self, kind: StreamKind, order: WordOrder) -> Result<Point, String> {
        let (cell, bit) = match self {
            Address::Modbus(address) => {
                let space = registers::Space::Modbus(address.space);
                (Cell { space, offset: address.offset.into() }, address.bit)
            }
            Address::Melsec(address) => {
                let space = registers::Space::Melsec(address.device);
                (Cell { space, offset: address.number }, address.bit)
            }
            Address::Fenet(address) => (address.cell(), address.bit()),
            Address::Node(node) => return Ok(Point::Node(node.clone(), Some(kind))),
        };
        registers::point::Point::new(cell, bit, kind, order)
            .map(Point::Register)
            .map_err(|fault| fault.of(kind, self))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Modbus(address) => address.fmt(f),
            Address::Melsec(address) => address.fmt(f),
            Address::Fenet(address) => address.fmt(f),
            Address::Node(node) => node.fmt(f),
        }
    }
}

/// What begins every message about a text that names no place of a device.
pub fn invalid(text: &str, why: impl fmt::Display) -> String {
    format!("Invalid register \"{text}\". {why}")
}

fn in_words(error: impl std::error::Error) -> String {
    error.to_string()
}
