//! Stream definitions for the simulators' quantities, from which `demo` creates its streams.

use super::mqtt;
use super::opcua::{QUANTITIES, Quantity};
use crate::domain::device::Protocol;
use crate::domain::stream::{AccessMode, StreamKind};

/// One stream of the demo's device, whose byte order is `little`.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoTag {
    pub name: &'static str,
    pub path: String,
    pub kind: StreamKind,
    pub unit: &'static str,
    pub scale: f64,
    pub offset: f64,
    pub deadband: Option<f64>,
    pub access_mode: AccessMode,
}

fn tag(name: &'static str, path: &'static str, kind: StreamKind, unit: &'static str) -> DemoTag {
    DemoTag {
        name,
        path: path.to_owned(),
        kind,
        unit,
        scale: 1.0,
        offset: 0.0,
        deadband: None,
        access_mode: AccessMode::Read,
    }
}

impl DemoTag {
    fn scaled(self, scale: f64) -> DemoTag {
        DemoTag { scale, ..self }
    }

    fn banded(self, deadband: f64) -> DemoTag {
        DemoTag { deadband: Some(deadband), ..self }
    }

    fn writable(self) -> DemoTag {
        DemoTag { access_mode: AccessMode::ReadWrite, ..self }
    }
}

/// Tags for every quantity of the plant that a device of this protocol has.
pub fn demo_tags(protocol: Protocol) -> Vec<DemoTag> {
    if protocol == Protocol::Opcua {
        return QUANTITIES.iter().map(node_tag).collect();
    }
    if protocol == Protocol::Eip {
        return QUANTITIES.iter().map(controller_tag).collect();
    }
    if protocol == Protocol::Mqtt {
        return QUANTITIES.iter().map(topic_tag).collect();
    }
    let mut tags = modbus_tags();
    for tag in &mut tags {
        tag.path = path_by(protocol, &tag.path);
    }
    tags
}

/// Path of a Modbus register on this protocol's device, as laid out in `memory.rs`.
fn path_by(protocol: Protocol, register: &str) -> String {
    let (space, number) = register.split_once(':').unwrap_or((register, ""));
    let measured = || number.parse::<u32>().map_or(number.to_owned(), |number| (100 + number).to_string());
    match (protocol, space) {
        (Protocol::Melsec, "hr") => format!("D{number}"),
        (Protocol::Melsec, "ir") => format!("D{}", measured()),
        (Protocol::Melsec, "co") => format!("M{number}"),
        (Protocol::Melsec, _) => format!("X{number}"),
        (Protocol::Fenet, "hr") => format!("%DW{number}"),
        (Protocol::Fenet, "ir") => format!("%DW{}", measured()),
        (Protocol::Fenet, "co") => format!("%MX{number}"),
        (Protocol::Fenet, _) => format!("%PX{number}"),
        (Protocol::S7, "hr") => format!("DB1.DBW{}", bytes(number)),
        (Protocol::S7, "ir") => format!("DB1.DBW{}", bytes(&measured())),
        (Protocol::S7, "co") => format!("M0.{number}"),
        (Protocol::S7, _) => format!("I0.{number}"),
        (_, _) => register.to_owned(),
    }
}

/// The first byte of a word, both counted from 0.
fn bytes(word: &str) -> String {
    word.parse::<u32>().map_or(word.to_owned(), |word| (2 * word).to_string())
}

/// An OPC UA server reports changes only, so that no deadband is needed.
fn node_tag(quantity: &Quantity) -> DemoTag {
    let tag = tag(quantity.name, "", quantity.kind(), quantity.unit);
    let tag = DemoTag { path: format!("ns=2;s={}", quantity.name), ..tag };
    if quantity.is_writable() { tag.writable() } else { tag }
}

/// The controller's tags are called as the quantities.
fn controller_tag(quantity: &Quantity) -> DemoTag {
    let tag = tag(quantity.name, quantity.name, quantity.kind(), quantity.unit);
    if quantity.is_writable() { tag.writable() } else { tag }
}

/// Settings are written to topics of their own, so that the streams can only be read.
fn topic_tag(quantity: &Quantity) -> DemoTag {
    let tag = tag(quantity.name, "", quantity.kind(), quantity.unit);
    DemoTag { path: mqtt::value_path(quantity.name), ..tag }
}

fn modbus_tags() -> Vec<DemoTag> {
    vec![
        tag("motor.setpoint", "hr:0", StreamKind::Uint16, "rpm").banded(1.0).writable(),
        tag("motor.speed", "ir:0", StreamKind::Uint16, "rpm"),
        tag("motor.current", "ir:1", StreamKind::Int16, "A").scaled(0.01),
        tag("motor.temperature", "ir:2", StreamKind::Fp32, "°C").banded(0.1),
        tag("motor.vibration", "ir:4", StreamKind::Fp16, "mm/s"),
        tag("motor.hours", "ir:5", StreamKind::Uint32, "h").scaled(1.0 / 3600.0).banded(0.01),
        tag("motor.revolutions", "ir:7", StreamKind::Uint64, ""),
        tag("motor.run", "co:0", StreamKind::Bit, "").banded(1.0).writable(),
        tag("motor.running", "di:0", StreamKind::Bit, "").banded(1.0),
        tag("tank.level", "ir:20", StreamKind::Fp64, "%"),
        tag("tank.inlet", "ir:24", StreamKind::Fp32, "l/min"),
        tag("tank.outlet", "ir:26", StreamKind::Fp32, "l/min"),
        tag("tank.balance", "ir:28", StreamKind::Int32, "l/min").scaled(0.001),
        tag("tank.valve", "hr:1", StreamKind::Uint16, "%").scaled(0.1).banded(0.1).writable(),
        tag("tank.high", "di:1", StreamKind::Bit, "").banded(1.0),
        tag("tank.low", "di:2", StreamKind::Bit, "").banded(1.0),
        tag("furnace.setpoint", "hr:2", StreamKind::Int16, "°C").scaled(0.1).banded(0.1).writable(),
        tag("furnace.temperature", "ir:40", StreamKind::Int16, "°C").scaled(0.1),
        tag("furnace.power", "ir:41", StreamKind::Fp32, "kW"),
        tag("furnace.energy", "ir:43", StreamKind::Int64, "kWh").scaled(0.001),
        tag("furnace.duty", "ir:47", StreamKind::Byte, "%").banded(1.0),
        tag("furnace.door", "co:1", StreamKind::Bit, "").banded(1.0).writable(),
        tag("furnace.ready", "di:3", StreamKind::Bit, "").banded(1.0),
    ]
}
