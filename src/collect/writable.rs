//! Which registers a device's owner lets be written: all, unless `metadata.writable` lists them.
//!
//! A write is let through when every cell it changes is listed, bit by bit: a number of four words needs four registers
//! of one word in the list, one bit of a register needs that bit or the whole register.

use std::collections::HashMap;

use super::address::Address;
use super::codec::WordOrder;
use super::opcua::node::NodePath;
use super::point::{Change, Point};
use super::registers::Cell;
use super::value::Value;
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

const SETTING: &str = "writable";

/// What is listed.
#[derive(Debug, Default)]
pub struct Writable {
    /// Of each cell the bits.
    cells: HashMap<Cell, u16>,
    nodes: Vec<NodePath>,
}

impl Writable {
    /// The list of a device; `None` when it has none, and everything may be written.
    ///
    /// # Errors
    /// The setting is no list, or an entry no register of such a device; the error is for the setting.
    pub fn of(device: &DeviceSpec) -> Result<Option<Writable>> {
        let Some(setting) = device.metadata.get(SETTING).filter(|setting| !setting.is_null()) else {
            return Ok(None);
        };
        let entries = setting.as_array().ok_or_else(|| wrong("must be a list of registers.".to_owned()))?;
        let mut writable = Writable::default();
        for entry in entries {
            let register = entry.as_str().ok_or_else(|| wrong(format!("{entry} is not a text.")))?;
            writable.add(device, register).map_err(wrong)?;
        }
        Ok(Some(writable))
    }

    /// A register is what it holds when no type is asked for: a bit, a word, or what a size letter says.
    fn add(&mut self, device: &DeviceSpec, register: &str) -> Result<(), String> {
        let point = Address::parse(device, register)?.asked_point(None, WordOrder::Cdab)?;
        match touched(&point) {
            Some(Touched::Cells(cells)) => {
                cells.into_iter().for_each(|(cell, bits)| *self.cells.entry(cell).or_default() |= bits);
            }
            Some(Touched::Node(node)) => self.nodes.push(node),
            None => {}
        }
        Ok(())
    }

    /// Whether everything that a write to `point` changes is listed.
    pub fn allows(&self, point: &Point) -> bool {
        match touched(point) {
            Some(Touched::Cells(cells)) => cells.into_iter().all(|(cell, bits)| {
                let listed = self.cells.get(&cell).copied().unwrap_or_default();
                bits & !listed == 0
            }),
            Some(Touched::Node(node)) => self.nodes.contains(&node),
            None => false,
        }
    }
}

enum Touched {
    Cells(Vec<(Cell, u16)>),
    Node(NodePath),
}

/// What a write changes does not depend on the value written. `None` where nothing can be written.
fn touched(point: &Point) -> Option<Touched> {
    Some(match point.encode(Value::Uint(0))? {
        Change::Registers(change) => Touched::Cells(change.touched()),
        Change::Node(node, _) => Touched::Node(node),
    })
}

fn wrong(message: String) -> Error {
    Error::field(SETTING, message)
}

#[cfg(test)]
#[path = "writable_tests.rs"]
mod tests;
