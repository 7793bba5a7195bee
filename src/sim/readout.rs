//! Readout of the plant: what the devices of the demo show of it, as the streams of their tags hold it.

use half::f16;

use super::opcua::{QUANTITIES, Quantity};
use super::plant::Plant;
use super::registers::{self, AccessError};
use super::tags::{DemoTag, demo_tags};
use crate::domain::device::Protocol;
use crate::domain::stream::StreamKind;
use opcua::types::Variant;

/// First registers and lengths of the machines' measurements.
const MEASURED: [(u16, u16); 3] = [(0, 11), (20, 10), (40, 8)];
const SETTINGS: u16 = 3;
const COILS: u16 = 2;
const INPUTS: u16 = 4;

/// Everything that the plant's devices show at a moment.
#[derive(Debug)]
pub struct Readout<'a> {
    plant: &'a Plant,
    holding: Vec<u16>,
    measured: [Vec<u16>; 3],
    coils: Vec<bool>,
    inputs: Vec<bool>,
}

impl<'a> Readout<'a> {
    /// Reads everything.
    ///
    /// # Errors
    /// Never, as long as the register map has these registers.
    pub fn of(plant: &'a Plant) -> Result<Readout<'a>, AccessError> {
        let [motor, tank, furnace] = MEASURED;
        let measured = |(start, count)| registers::read_input(plant, start, count);
        Ok(Readout {
            plant,
            holding: registers::read_holding(plant, 0, SETTINGS)?,
            measured: [measured(motor)?, measured(tank)?, measured(furnace)?],
            coils: registers::read_coils(plant, 0, COILS)?,
            inputs: registers::read_discrete(plant, 0, INPUTS)?,
        })
    }
}

/// Finds the value of one tag in readouts.
pub struct TagReader {
    source: TagSource,
    scale: f64,
    offset: f64,
}

enum TagSource {
    Node(&'static Quantity),
    Holding(usize),
    /// The block, the place in it, and the type.
    Measured(usize, usize, StreamKind),
    Coil(usize),
    Input(usize),
}

impl TagReader {
    /// Returns the reader of a tag of [`demo_tags`]; `None` for a tag that the devices of the demo do not have.
    pub fn new(protocol: Protocol, tag: &DemoTag) -> Option<TagReader> {
        let source = match protocol {
            Protocol::Opcua => TagSource::Node(QUANTITIES.iter().find(|quantity| quantity.name == tag.name)?),
            Protocol::Modbus | Protocol::Melsec | Protocol::Fenet => register_source(tag.name)?,
            _ => return None,
        };
        Some(TagReader { source, scale: tag.scale, offset: tag.offset })
    }

    /// Returns the tag's value, in the unit of its stream.
    pub fn read(&self, readout: &Readout<'_>) -> Option<f64> {
        let raw = match self.source {
            TagSource::Node(quantity) => variant_number(&quantity.read(readout.plant))?,
            TagSource::Holding(at) => f64::from(*readout.holding.get(at)?),
            TagSource::Measured(block, at, kind) => {
                register_number(kind, readout.measured.get(block)?.get(at..)?)?
            }
            TagSource::Coil(at) => f64::from(u8::from(*readout.coils.get(at)?)),
            TagSource::Input(at) => f64::from(u8::from(*readout.inputs.get(at)?)),
        };
        Some(raw * self.scale + self.offset)
    }
}

/// All register protocols show the same registers, each at addresses of its own.
fn register_source(name: &str) -> Option<TagSource> {
    let tag = demo_tags(Protocol::Modbus).into_iter().find(|tag| tag.name == name)?;
    let (space, number) = tag.path.split_once(':')?;
    let number: u16 = number.parse().ok()?;
    Some(match space {
        "hr" => TagSource::Holding(number.into()),
        "ir" => {
            let block =
                MEASURED.iter().position(|(start, count)| (*start..start + count).contains(&number))?;
            TagSource::Measured(block, usize::from(number - MEASURED[block].0), tag.kind)
        }
        "co" => TagSource::Coil(number.into()),
        _ => TagSource::Input(number.into()),
    })
}

/// The number at the beginning of registers, low word first.
fn register_number(kind: StreamKind, words: &[u16]) -> Option<f64> {
    let count = match kind {
        StreamKind::Byte | StreamKind::Int16 | StreamKind::Uint16 | StreamKind::Fp16 => 1,
        StreamKind::Int32 | StreamKind::Uint32 | StreamKind::Fp32 => 2,
        StreamKind::Int64 | StreamKind::Uint64 | StreamKind::Fp64 => 4,
        _ => return None,
    };
    let raw = words.get(..count)?.iter().rev().fold(0u64, |raw, word| raw << 16 | u64::from(*word));
    Some(match kind {
        StreamKind::Byte => f64::from(raw as u8),
        StreamKind::Int16 => f64::from(raw as u16 as i16),
        StreamKind::Int32 => f64::from(raw as u32 as i32),
        StreamKind::Int64 => raw as i64 as f64,
        StreamKind::Fp16 => f16::from_bits(raw as u16).to_f64(),
        StreamKind::Fp32 => f64::from(f32::from_bits(raw as u32)),
        StreamKind::Fp64 => f64::from_bits(raw),
        _ => raw as f64,
    })
}

fn variant_number(value: &Variant) -> Option<f64> {
    match value {
        Variant::Boolean(on) => Some(f64::from(u8::from(*on))),
        Variant::Byte(number) => Some(f64::from(*number)),
        Variant::UInt16(number) => Some(f64::from(*number)),
        Variant::Int32(number) => Some(f64::from(*number)),
        Variant::Int64(number) => Some(*number as f64),
        Variant::UInt64(number) => Some(*number as f64),
        Variant::Float(number) => Some(f64::from(*number)),
        Variant::Double(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(protocol: Protocol, plant: &Plant) -> Vec<(&'static str, f64)> {
        let readout = Readout::of(plant).expect("the register map has them");
        let value = |tag: DemoTag| {
            let reader = TagReader::new(protocol, &tag).expect(tag.name);
            (tag.name, reader.read(&readout).expect(tag.name))
        };
        demo_tags(protocol).into_iter().map(value).collect()
    }

    #[test]
    fn every_device_shows_the_same_plant() {
        let mut plant = Plant::default();
        plant.step(std::time::Duration::from_secs(7));
        let registers = values(Protocol::Modbus, &plant);
        assert_eq!(values(Protocol::Melsec, &plant), registers);
        assert_eq!(values(Protocol::Fenet, &plant), registers);
        let nodes = values(Protocol::Opcua, &plant);
        assert_eq!((registers.len(), nodes.len()), (QUANTITIES.len(), QUANTITIES.len()));
        for (name, shown) in nodes {
            // Nodes have no scale.
            let factor = if matches!(name, "tank.balance" | "furnace.energy") { 1e-3 } else { 1.0 };
            let (_, value) = registers.iter().find(|(known, _)| *known == name).expect(name);
            let is_same = (value - shown * factor).abs() <= 0.002 * value.abs().max(1.0);
            assert!(
                is_same || name == "furnace.duty" || name == "motor.speed",
                "{name}: {value} and {shown}"
            );
        }
        assert_eq!(registers[0], ("motor.setpoint", 1480.0));
    }
}
