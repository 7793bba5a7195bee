//! Allowlist of registers that may be written: all of them, unless `metadata.writable` lists some.
//!
//! A write is allowed when every cell it changes is listed, bit by bit: a number of four words needs four registers
//! of one word in the list, one bit of a register needs that bit or the whole register.

use std::collections::HashMap;

use super::codec::WordOrder;
use super::eip::tag::TagPath;
use super::mqtt::address::TopicPath;
use super::mqtt::sparkplug::address::MetricAddress;
use super::numeric_value::NumericValue;
use super::opcua::node::NodePath;
use super::point::{DevicePoint, PointWrite};
use super::registers::{CellBits, CellId};
use super::registry;
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

const SETTING: &str = "writable";

/// Cells, nodes, tags, topics and metrics in the list.
#[derive(Debug, Default)]
pub struct WriteAllowlist {
    /// Allowed bits of each cell.
    cells: HashMap<CellId, u16>,
    nodes: Vec<NodePath>,
    tags: Vec<TagPath>,
    topics: Vec<TopicPath>,
    metrics: Vec<MetricAddress>,
}

impl WriteAllowlist {
    /// Parses the allowlist of a device; `None` when it has none, and everything may be written.
    ///
    /// # Errors
    /// The setting is not a list, or an entry is no register of the device; the error is for the setting.
    pub fn from_spec(device: &DeviceSpec) -> Result<Option<WriteAllowlist>> {
        let Some(setting) = device.metadata.get(SETTING).filter(|setting| !setting.is_null()) else {
            return Ok(None);
        };
        let entries = setting.as_array().ok_or_else(|| wrong("must be a list of registers.".to_owned()))?;
        let mut writable = WriteAllowlist::default();
        for entry in entries {
            let register = entry.as_str().ok_or_else(|| wrong(format!("{entry} is not a text.")))?;
            writable.add(device, register).map_err(wrong)?;
        }
        Ok(Some(writable))
    }

    /// Adds a register with its default type: a bit, a word, or the type of its size letter.
    fn add(&mut self, device: &DeviceSpec, register: &str) -> Result<(), String> {
        let point = registry::parse_address(device, register)?.point_or_default(None, WordOrder::Cdab)?;
        match write_scope(&point) {
            Some(WriteScope::Cells(cells)) => {
                for CellBits { cell, mask } in cells {
                    *self.cells.entry(cell).or_default() |= mask;
                }
            }
            Some(WriteScope::Node(node)) => self.nodes.push(node),
            Some(WriteScope::Tag(tag)) => self.tags.push(tag),
            Some(WriteScope::Topic(topic)) => self.topics.push(topic),
            Some(WriteScope::Metric(metric)) => self.metrics.push(metric),
            None => {}
        }
        Ok(())
    }

    /// Whether everything that a write to `point` changes is listed.
    pub fn allows(&self, point: &DevicePoint) -> bool {
        match write_scope(point) {
            Some(WriteScope::Cells(cells)) => cells.into_iter().all(|CellBits { cell, mask }| {
                let listed = self.cells.get(&cell).copied().unwrap_or_default();
                mask & !listed == 0
            }),
            Some(WriteScope::Node(node)) => self.nodes.contains(&node),
            // A whole integer in the list allows its bits, as a register does.
            Some(WriteScope::Tag(tag)) => self.tags.contains(&tag) || self.tags.contains(&tag.without_bit()),
            Some(WriteScope::Topic(topic)) => self.topics.contains(&topic),
            Some(WriteScope::Metric(metric)) => self.metrics.contains(&metric),
            None => false,
        }
    }
}

enum WriteScope {
    Cells(Vec<CellBits>),
    Node(NodePath),
    Tag(TagPath),
    Topic(TopicPath),
    Metric(MetricAddress),
}

/// Cells, node, tag, topic or metric that a write of any value to `point` changes; `None` where nothing can be written.
fn write_scope(point: &DevicePoint) -> Option<WriteScope> {
    let change = match point {
        DevicePoint::Register(point) => PointWrite::Registers(point.widest_write()?),
        _ => point.encode(NumericValue::Uint(0))?,
    };
    Some(match change {
        PointWrite::Registers(change) => WriteScope::Cells(change.changed_bits()),
        PointWrite::Node(node, _) => WriteScope::Node(node),
        PointWrite::Tag(tag, _) => WriteScope::Tag(tag),
        PointWrite::Topic(topic, _) => WriteScope::Topic(topic),
        PointWrite::Metric(metric, _) => WriteScope::Metric(metric),
    })
}

fn wrong(message: String) -> Error {
    Error::field(SETTING, message)
}

#[cfg(test)]
#[path = "write_allowlist_tests.rs"]
mod tests;
