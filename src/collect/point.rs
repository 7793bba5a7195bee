//! One value of a device: its address and type, how to decode it from an answer and encode it for a write.

use opcua::types::DataValue;

use super::device_value::{DeviceValue, Sample};
use super::eip::tag::TagPath;
use super::eip::value::TagData;
use super::mqtt::address::TopicPath;
use super::mqtt::sparkplug::address::MetricAddress;
use super::opcua::node::NodePath;
use super::opcua::status;
use super::registers::{self, RegisterData, RegisterRange, RegisterWrite};
use crate::domain::reading::Quality;
use crate::domain::stream::StreamKind;

/// Address and type of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum DevicePoint {
    Register(registers::point::RegisterPoint),
    /// The server knows the node's type; a stream converts the value to its kind.
    Node(NodePath, Option<StreamKind>),
    /// The controller knows the tag's type; a stream converts the value to its kind.
    Tag(TagPath, Option<StreamKind>),
    /// Messages have no type; a stream converts what they hold to its kind.
    Topic(TopicPath, Option<StreamKind>),
    /// The birth of its edge node or device has the metric's type; a stream converts the value to its kind.
    Metric(MetricAddress, Option<StreamKind>),
}

/// Data that a device returned for the read of a point.
#[derive(Debug, Clone, PartialEq)]
pub enum PointData {
    Registers(RegisterRange, RegisterData),
    Node(NodePath, Box<DataValue>),
    Tag(TagPath, TagData),
}

/// Data that a write changes.
#[derive(Debug, Clone, PartialEq)]
pub enum PointWrite {
    Registers(RegisterWrite),
    Node(NodePath, DeviceValue),
    Tag(TagPath, DeviceValue),
    /// A message with this payload.
    Topic(TopicPath, DeviceValue),
    /// A command to an edge node or device.
    Metric(MetricAddress, DeviceValue),
}

impl DevicePoint {
    /// Whether an address of this space can be written at all. The device may still refuse.
    pub fn is_writable(&self) -> bool {
        match self {
            DevicePoint::Register(point) => point.is_writable(),
            DevicePoint::Node(..) | DevicePoint::Tag(..) | DevicePoint::Metric(..) => true,
            DevicePoint::Topic(topic, _) => topic.written_topic().is_some(),
        }
    }

    /// Decodes the value from an answer. The error says why it is missing.
    pub fn decode(&self, answered: &PointData) -> Result<Sample, String> {
        match (self, answered) {
            (DevicePoint::Register(point), PointData::Registers(span, data)) => {
                point.value(*span, data).map(Sample::from)
            }
            (DevicePoint::Node(node, kind), PointData::Node(of, value)) if node == of => {
                let sample = status::sample(value)?;
                match kind {
                    Some(kind) => Ok(Sample { value: sample.value.convert_to(*kind)?, ..sample }),
                    None => Ok(sample),
                }
            }
            (DevicePoint::Tag(tag, kind), PointData::Tag(of, data)) if tag == of => {
                let value = data.sample(tag.bit(), *kind)?;
                Ok(Sample { value, quality: Quality::Good, source_time: None, is_historical: false })
            }
            _ => Err("the answer belongs to another request".to_owned()),
        }
    }

    /// Encodes `content` as a write; `None` when the point cannot hold it. For a node or tag, the device decides that.
    pub fn encode(&self, content: impl Into<DeviceValue>) -> Option<PointWrite> {
        match (self, content.into()) {
            (DevicePoint::Register(point), content) => point.encode(&content).map(PointWrite::Registers),
            (DevicePoint::Node(node, _), content) => Some(PointWrite::Node(node.clone(), content)),
            (DevicePoint::Tag(tag, _), content) => Some(PointWrite::Tag(tag.clone(), content)),
            (DevicePoint::Topic(topic, _), content) => Some(PointWrite::Topic(topic.clone(), content)),
            (DevicePoint::Metric(metric, _), content) => Some(PointWrite::Metric(metric.clone(), content)),
        }
    }

    /// The point of the length that an S7 STRING or WSTRING was declared with, and that of the text that a write puts there;
    /// `None` for everything else.
    pub fn declared_length(&self, change: &PointWrite) -> Option<(DevicePoint, u64)> {
        let (DevicePoint::Register(point), PointWrite::Registers(RegisterWrite::Bytes(_, bytes))) =
            (self, change)
        else {
            return None;
        };
        let length = point.declared_length()?;
        // Before the characters is their number, as wide as one of them.
        let written = (bytes.len() / usize::from(length.span.len)).checked_sub(1)?;
        Some((DevicePoint::Register(length), u64::try_from(written).ok()?))
    }

    /// Type that the point is read and written as: a bit where it can only be on or off, whatever kind was requested.
    /// `None` where only the device knows.
    pub fn written_kind(&self) -> Option<StreamKind> {
        match self {
            DevicePoint::Register(point) if point.is_bit() => Some(StreamKind::Bit),
            DevicePoint::Register(point) => Some(point.kind()),
            DevicePoint::Node(..)
            | DevicePoint::Tag(..)
            | DevicePoint::Topic(..)
            | DevicePoint::Metric(..) => None,
        }
    }

    /// Numeric type that the point is read as; `None` where only the device knows.
    pub fn kind(&self) -> Option<StreamKind> {
        match self {
            DevicePoint::Register(point) => Some(point.kind()),
            DevicePoint::Node(_, kind)
            | DevicePoint::Tag(_, kind)
            | DevicePoint::Topic(_, kind)
            | DevicePoint::Metric(_, kind) => *kind,
        }
    }
}
