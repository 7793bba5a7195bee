//! The simulator's quantities as a user would set them up: what `demo` makes its streams of.

use crate::domain::stream::{AccessMode, StreamKind};

/// One stream of the demo's device. The device's byte order is `little`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DemoTag {
    pub name: &'static str,
    pub path: &'static str,
    pub kind: StreamKind,
    pub unit: &'static str,
    pub scale: f64,
    pub offset: f64,
    pub deadband: Option<f64>,
    pub access_mode: AccessMode,
}

const fn tag(name: &'static str, path: &'static str, kind: StreamKind, unit: &'static str) -> DemoTag {
    DemoTag { name, path, kind, unit, scale: 1.0, offset: 0.0, deadband: None, access_mode: AccessMode::Read }
}

impl DemoTag {
    const fn scaled(self, scale: f64) -> DemoTag {
        DemoTag { scale, ..self }
    }

    const fn banded(self, deadband: f64) -> DemoTag {
        DemoTag { deadband: Some(deadband), ..self }
    }

    const fn writable(self) -> DemoTag {
        DemoTag { access_mode: AccessMode::ReadWrite, ..self }
    }
}

/// Every quantity of the register map.
pub fn demo_tags() -> Vec<DemoTag> {
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
