//! Address of a single value on a device, in the grammar of the device's protocol.

use std::fmt;

use super::addressable_protocol::AddressableProtocol;
use super::codec::WordOrder;
use super::opcua::node::{InvalidNodeId, NodePath};
use super::point::DevicePoint;
use super::registers::{self, CellUnit, RegisterAddress};
use super::{fenet, melsec, modbus};
use crate::domain::device::DeviceSpec;
use crate::domain::stream::StreamKind;

/// An address that can be read. Its `Display` is the canonical form, which parses back to the same address.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceAddress {
    Modbus(modbus::address::ModbusAddress),
    Melsec(melsec::address::MelsecAddress),
    Fenet(fenet::address::FenetAddress),
    Node(NodePath),
}

impl DeviceAddress {
    /// Parses an address that a user wrote for a device. The error quotes it (see `invalid_register_message`) and
    /// shows the valid forms.
    pub fn parse(device: &DeviceSpec, text: &str) -> Result<DeviceAddress, String> {
        match AddressableProtocol::from_protocol(device.protocol) {
            Some(AddressableProtocol::Modbus) => text.parse().map(DeviceAddress::Modbus).map_err(in_words),
            Some(AddressableProtocol::Melsec) => {
                melsec::client::parse_address(device, text).map(DeviceAddress::Melsec)
            }
            Some(AddressableProtocol::Fenet) => text.parse().map(DeviceAddress::Fenet).map_err(in_words),
            Some(AddressableProtocol::Opcua) => {
                let node = text.parse().map(DeviceAddress::Node);
                node.map_err(|bad: InvalidNodeId| invalid_register_message(text, format_args!("{bad}.")))
            }
            None => Err(format!("a device of protocol \"{}\" has no registers", device.protocol)),
        }
    }

    /// Type of the value when none is given: bit for a bit, otherwise uint16 or the type of the size letter.
    pub fn default_kind(&self) -> StreamKind {
        match self {
            DeviceAddress::Modbus(address) if address.space.is_bits() || address.bit.is_some() => {
                StreamKind::Bit
            }
            DeviceAddress::Modbus(_) | DeviceAddress::Node(_) => StreamKind::Uint16,
            DeviceAddress::Melsec(address) => match address.device.unit() {
                CellUnit::Bit => StreamKind::Bit,
                CellUnit::Wide(_) => StreamKind::Uint32,
                CellUnit::Byte | CellUnit::Word if address.bit.is_some() => StreamKind::Bit,
                CellUnit::Byte | CellUnit::Word => StreamKind::Uint16,
            },
            DeviceAddress::Fenet(address) => address.default_kind(),
        }
    }

    /// The point at this address, of `kind` or else the default kind. A node is read as its server's type, whatever
    /// `kind` is.
    pub fn point_or_default(
        &self,
        kind: Option<StreamKind>,
        order: WordOrder,
    ) -> Result<DevicePoint, String> {
        match self {
            DeviceAddress::Node(node) => Ok(DevicePoint::Node(node.clone(), None)),
            DeviceAddress::Modbus(_) | DeviceAddress::Melsec(_) | DeviceAddress::Fenet(_) => {
                self.point(kind.unwrap_or(self.default_kind()), order)
            }
        }
    }

    /// The point at this address for a value of `kind`. The error says why there can be none.
    pub fn point(&self, kind: StreamKind, order: WordOrder) -> Result<DevicePoint, String> {
        let (cell, bit) = match self {
            DeviceAddress::Modbus(address) => {
                let space = registers::RegisterSpace::Modbus(address.space);
                (RegisterAddress { space, offset: address.offset.into() }, address.bit)
            }
            DeviceAddress::Melsec(address) => {
                let space = registers::RegisterSpace::Melsec(address.device);
                (RegisterAddress { space, offset: address.number }, address.bit)
            }
            DeviceAddress::Fenet(address) => (address.cell(), address.bit()),
            DeviceAddress::Node(node) => return Ok(DevicePoint::Node(node.clone(), Some(kind))),
        };
        registers::point::RegisterPoint::new(cell, bit, kind, order)
            .map(DevicePoint::Register)
            .map_err(|fault| fault.describe(kind, self))
    }
}

impl fmt::Display for DeviceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceAddress::Modbus(address) => address.fmt(f),
            DeviceAddress::Melsec(address) => address.fmt(f),
            DeviceAddress::Fenet(address) => address.fmt(f),
            DeviceAddress::Node(node) => node.fmt(f),
        }
    }
}

/// Beginning of every message about a text that is no address of a device.
pub fn invalid_register_message(text: &str, why: impl fmt::Display) -> String {
    format!("Invalid register \"{text}\". {why}")
}

fn in_words(error: impl std::error::Error) -> String {
    error.to_string()
}
