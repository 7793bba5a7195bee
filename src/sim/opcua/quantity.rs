//! The plant's quantities as OPC UA nodes: each with a type of its own, in engineering units.

use opcua::types::{DateTime, StatusCode, Variant, VariantScalarTypeId as Type};

use crate::domain::stream::StreamKind;
use crate::sim::plant::Plant;

/// One quantity of the plant. Its node is `ns=2;s=NAME`.
pub struct Quantity {
    /// Machine and quantity, separated by a point.
    pub name: &'static str,
    pub unit: &'static str,
    read: fn(&Plant) -> Variant,
    setting: Option<Setting>,
}

/// Upper bound and setter of a writable quantity.
struct Setting {
    highest: f64,
    write: fn(&mut Plant, f64),
}

/// Resolution of the plant's clock: it ticks ten times a second, so values read within one tick have the same time.
const PLANT_TICK_100NS: i64 = 1_000_000;

const fn read_only(name: &'static str, unit: &'static str, read: fn(&Plant) -> Variant) -> Quantity {
    Quantity { name, unit, read, setting: None }
}

impl Quantity {
    /// Makes the quantity writable, from 0 to `highest`.
    const fn writable(self, highest: f64, write: fn(&mut Plant, f64)) -> Quantity {
        Quantity { setting: Some(Setting { highest, write }), ..self }
    }

    /// Whether clients may write it, as a setting of the plant; measurements can only be read.
    pub fn is_writable(&self) -> bool {
        self.setting.is_some()
    }

    /// Reads the current value from the plant.
    pub fn read(&self, plant: &Plant) -> Variant {
        (self.read)(plant)
    }

    /// Type of a stream of this node.
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

/// Time of a value that is read now.
pub fn time() -> DateTime {
    let now = DateTime::now().checked_ticks();
    DateTime::from(now - now.rem_euclid(PLANT_TICK_100NS))
}

/// Every quantity of the plant.
pub static QUANTITIES: [Quantity; 23] = [
    read_only("motor.setpoint", "rpm", |plant| Variant::UInt16(plant.motor.setpoint_rpm.round() as u16))
        .writable(3000.0, |plant, number| plant.motor.setpoint_rpm = number),
    read_only("motor.speed", "rpm", |plant| Variant::Double(plant.motor.rpm)),
    read_only("motor.current", "A", |plant| Variant::Float(plant.motor.current_a as f32)),
    read_only("motor.temperature", "°C", |plant| Variant::Float(plant.motor.winding_c as f32)),
    read_only("motor.vibration", "mm/s", |plant| Variant::Float(plant.motor.vibration_mm_s as f32)),
    read_only("motor.hours", "h", |plant| Variant::Double(plant.motor.running_s / 3600.0)),
    read_only("motor.revolutions", "", |plant| Variant::UInt64(plant.motor.revolutions as u64)),
    read_only("motor.run", "", |plant| Variant::Boolean(plant.motor.run))
        .writable(1.0, |plant, number| plant.motor.run = number == 1.0),
    read_only("motor.running", "", |plant| Variant::Boolean(plant.motor.is_running())),
    read_only("tank.level", "%", |plant| Variant::Double(plant.tank.level_pct)),
    read_only("tank.inlet", "l/min", |plant| Variant::Float(plant.tank.inlet_l_min as f32)),
    read_only("tank.outlet", "l/min", |plant| Variant::Float(plant.tank.outlet_l_min as f32)),
    read_only("tank.balance", "ml/min", |plant| {
        Variant::Int32(((plant.tank.inlet_l_min - plant.tank.outlet_l_min) * 1000.0) as i32)
    }),
    read_only("tank.valve", "%", |plant| Variant::Float(plant.tank.valve_pct as f32))
        .writable(100.0, |plant, number| plant.tank.valve_pct = number),
    read_only("tank.high", "", |plant| Variant::Boolean(plant.tank.is_high)),
    read_only("tank.low", "", |plant| Variant::Boolean(plant.tank.is_low)),
    read_only("furnace.setpoint", "°C", |plant| Variant::Float(plant.furnace.setpoint_c as f32))
        .writable(1200.0, |plant, number| plant.furnace.setpoint_c = number),
    read_only("furnace.temperature", "°C", |plant| Variant::Float(plant.furnace.chamber_c as f32)),
    read_only("furnace.power", "kW", |plant| Variant::Float(plant.furnace.power_kw as f32)),
    read_only("furnace.energy", "Wh", |plant| Variant::Int64((plant.furnace.energy_kwh * 1000.0) as i64)),
    read_only("furnace.duty", "%", |plant| Variant::Byte(plant.furnace.duty_pct().round() as u8)),
    read_only("furnace.door", "", |plant| Variant::Boolean(plant.furnace.is_door_open))
        .writable(1.0, |plant, number| plant.furnace.is_door_open = number == 1.0),
    read_only("furnace.ready", "", |plant| {
        Variant::Boolean((plant.furnace.setpoint_c - plant.furnace.chamber_c).abs() < 5.0)
    }),
];

#[cfg(test)]
#[path = "quantity_tests.rs"]
mod tests;
