//! Address of a single value on a device: a register, a node of an OPC UA server, a tag of a controller, a topic of a broker, or
//! a metric of a Sparkplug edge node.

use std::fmt;

use super::codec::WordOrder;
use super::eip::tag::TagPath;
use super::mqtt::address::TopicPath;
use super::mqtt::sparkplug::address::MetricAddress;
use super::opcua::node::NodePath;
use super::point::DevicePoint;
use super::registers::named_register::NamedRegister;
use super::registers::value_type::RegisterType;
use crate::domain::stream::StreamKind;

/// An address that can be read. Its `Display` is the canonical form, which parses back to the same address.
#[derive(Debug, Clone, PartialEq)]
pub enum DeviceAddress {
    Register(NamedRegister),
    Node(NodePath),
    Tag(TagPath),
    Topic(TopicPath),
    Metric(MetricAddress),
}

impl DeviceAddress {
    /// Type of the value when none is given: that of the type which the address names, bit for a bit, fp64 for a topic or metric,
    /// otherwise uint16 or the type of the size letter.
    pub fn default_kind(&self) -> StreamKind {
        match self {
            DeviceAddress::Register(register) => register.default_kind,
            DeviceAddress::Node(_) | DeviceAddress::Tag(_) => StreamKind::Uint16,
            DeviceAddress::Topic(_) | DeviceAddress::Metric(_) => StreamKind::Fp64,
        }
    }

    /// Type that the address of a register names.
    pub fn value_type(&self) -> Option<RegisterType> {
        match self {
            DeviceAddress::Register(register) => register.value_type,
            DeviceAddress::Node(_)
            | DeviceAddress::Tag(_)
            | DeviceAddress::Topic(_)
            | DeviceAddress::Metric(_) => None,
        }
    }

    /// Whether a value at the other address is at this one too, whatever types the two name.
    pub fn is_same_place(&self, other: &DeviceAddress) -> bool {
        match (self, other) {
            (DeviceAddress::Register(one), DeviceAddress::Register(other)) => {
                (one.cell, one.bit) == (other.cell, other.bit)
            }
            _ => self == other,
        }
    }

    /// The point at this address, of `kind` or else the default kind. A node or tag is read as the type that the device
    /// gives it, whatever `kind` is.
    pub fn point_or_default(
        &self,
        kind: Option<StreamKind>,
        order: WordOrder,
    ) -> Result<DevicePoint, String> {
        match self {
            DeviceAddress::Node(node) => Ok(DevicePoint::Node(node.clone(), None)),
            DeviceAddress::Tag(tag) => Ok(DevicePoint::Tag(tag.clone(), None)),
            DeviceAddress::Topic(topic) => Ok(DevicePoint::Topic(topic.clone(), kind)),
            DeviceAddress::Metric(metric) => Ok(DevicePoint::Metric(metric.clone(), kind)),
            DeviceAddress::Register(_) => self.point(kind.unwrap_or(self.default_kind()), order),
        }
    }

    /// The point at this address for a value of `kind`. The error says why there can be none.
    pub fn point(&self, kind: StreamKind, order: WordOrder) -> Result<DevicePoint, String> {
        match self {
            DeviceAddress::Register(register) => {
                let point = register.point(kind, order).map(DevicePoint::Register);
                point.map_err(|fault| fault.describe(kind, register))
            }
            DeviceAddress::Node(node) => Ok(DevicePoint::Node(node.clone(), Some(kind))),
            DeviceAddress::Tag(tag) => Ok(DevicePoint::Tag(tag.clone(), Some(kind))),
            DeviceAddress::Topic(topic) => Ok(DevicePoint::Topic(topic.clone(), Some(kind))),
            DeviceAddress::Metric(metric) => Ok(DevicePoint::Metric(metric.clone(), Some(kind))),
        }
    }
}

impl fmt::Display for DeviceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceAddress::Register(register) => register.fmt(f),
            DeviceAddress::Node(node) => node.fmt(f),
            DeviceAddress::Tag(tag) => tag.fmt(f),
            DeviceAddress::Topic(topic) => topic.fmt(f),
            DeviceAddress::Metric(metric) => metric.fmt(f),
        }
    }
}

/// Beginning of every message about a text that is no address of a device.
pub fn invalid_register_message(text: &str, why: impl fmt::Display) -> String {
    format!("Invalid register \"{text}\". {why}")
}
