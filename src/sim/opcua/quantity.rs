//! The plant's quantities as an OPC UA server has them: each with a type of its own, in engineering units.

use opcua::types::{DateTime, StatusCode, Variant, VariantScalarTypeId as Type};

use crate::domain::stream::StreamKind;
use crate::sim::plant::Plant;

/// One quantity of the plant. Its node is `ns=2;s=NAME`.
pub struct Quantity {
    /// The machine, a point, the quantity.
    pub name: &'static str,
    pub unit: &'static str,
    read: fn(&Plant) -> Variant,
    setting: Option<Setting>,
}

/// What can be written, and how far it goes.
struct Setting {
    highest: f64,
    write: fn(&mut Plant, f64),
}

/// The plant's clock: it ticks ten times a second, so what is read within one tick is of one time.
const TICK: i64 = 1_000_000;

const fn shown(name: &'static str, unit: &'static str, read: fn(&Plant) -> Variant) -> Quantity {
    Quantity { name, unit, read, setting: None }
}

impl Quantity {
    /// Lets it be written, from 0 to `highest`.
    const fn set_by(self, highest: f64, write: fn(&mut Plant, f64)) -> Quantity {
        Quantity { setting: Some(Setting { highest, write }), ..self }
    }

    pub fn is_writable(&self) -> bool {
        self.setting.is_some()
    }

    /// As the plant has it now.
    pub fn read(&self, plant: &Plant) -> Variant {
        (self.read)(plant)
    }

    /// What a stream of this node is.
    pub fn kind(&self) -> StreamKind {
        match self.read(&Plant::default()).scalar_type_id() {
            Some(Type::Boolean) => StreamKind::Bit,
            Some(Type::Byte) => StreamKind::Byte,
            Some(Type::UInt16) => StreamKind::Uint16,
            Some(Type::Int32) => StreamKind::Int32,
            Some(Type::Int64) => StreamKind::Int64,
            Some(Type::UInt64) => StreamKind::Uint64,
            Some(Type::Float) => StreamKind::Fp32,
            _ => StreamKind::Fp64,
        }
    }

    /// Writes a value of exactly the node's type.
    pub fn write(&self, plant: &mut Plant, value: &Variant) -> Result<(), StatusCode> {
        let setting = self.setting.as_ref().ok_or(StatusCode::BadNotWritable)?;
        if value.type_id() != self.read(plant).type_id() {
            return Err(StatusCode::BadTypeMismatch);
        }
        let number = match value {
            Variant::Boolean(on) => f64::from(u8::from(*on)),
            Variant::UInt16(number) => f64::from(*number),
            Variant::Float(number) => f64::from(*number),
            _ => return Err(StatusCode::BadTypeMismatch),
        };
        if !(0.0..=setting.highest).contains(&number) {
            return Err(StatusCode::BadOutOfRange);
        }
        (setting.write)(plant, number);
        Ok(())
    }
}

/// The time of what is read now.
pub fn time() -> DateTime {
    let now = DateTime::now().checked_ticks();
    DateTime::from(now - now.rem_euclid(TICK))
}

/// Every quantity of the plant.
pub static QUANTITIES: [Quantity; 23] = [
    shown("motor.setpoint", "rpm", |plant| Variant::UInt16(plant.motor.setpoint_rpm.round() as u16))
        .set_by(3000.0, |plant, number| plant.motor.setpoint_rpm = number),
    shown("motor.speed", "rpm", |plant| Variant::Double(plant.motor.rpm)),
    shown("motor.current", "A", |plant| Variant::Float(plant.motor.current_a as f32)),
    shown("motor.temperature", "°C", |plant| Variant::Float(plant.motor.winding_c as f32)),
    shown("motor.vibration", "mm/s", |plant| Variant::Float(plant.motor.vibration_mm_s as f32)),
    shown("motor.hours", "h", |plant| Variant::Double(plant.motor.running_s / 3600.0)),
    shown("motor.revolutions", "", |plant| Variant::UInt64(plant.motor.revolutions as u64)),
    shown("motor.run", "", |plant| Variant::Boolean(plant.motor.run))
        .set_by(1.0, |plant, number| plant.motor.run = number == 1.0),
    shown("motor.running", "", |plant| Variant::Boolean(plant.motor.is_running())),
    shown("tank.level", "%", |plant| Variant::Double(plant.tank.level_pct)),
    shown("tank.inlet", "l/min", |plant| Variant::Float(plant.tank.inlet_l_min as f32)),
    shown("tank.outlet", "l/min", |plant| Variant::Float(plant.tank.outlet_l_min as f32)),
    shown("tank.balance", "ml/min", |plant| {
        Variant::Int32(((plant.tank.inlet_l_min - plant.tank.outlet_l_min) * 1000.0) as i32)
    }),
    shown("tank.valve", "%", |plant| Variant::Float(plant.tank.valve_pct as f32))
        .set_by(100.0, |plant, number| plant.tank.valve_pct = number),
    shown("tank.high", "", |plant| Variant::Boolean(plant.tank.is_high)),
    shown("tank.low", "", |plant| Variant::Boolean(plant.tank.is_low)),
    shown("furnace.setpoint", "°C", |plant| Variant::Float(plant.furnace.setpoint_c as f32))
        .set_by(1200.0, |plant, number| plant.furnace.setpoint_c = number),
    shown("furnace.temperature", "°C", |plant| Variant::Float(plant.furnace.chamber_c as f32)),
    shown("furnace.power", "kW", |plant| Variant::Float(plant.furnace.power_kw as f32)),
    shown("furnace.energy", "Wh", |plant| Variant::Int64((plant.furnace.energy_kwh * 1000.0) as i64)),
    shown("furnace.duty", "%", |plant| Variant::Byte(plant.furnace.duty_pct().round() as u8)),
    shown("furnace.door", "", |plant| Variant::Boolean(plant.furnace.is_door_open))
        .set_by(1.0, |plant, number| plant.furnace.is_door_open = number == 1.0),
    shown("furnace.ready", "", |plant| {
        Variant::Boolean((plant.furnace.setpoint_c - plant.furnace.chamber_c).abs() < 5.0)
    }),
];

#[cfg(test)]
#[path = "quantity_tests.rs"]
mod tests;
