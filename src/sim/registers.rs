//! Register map of the simulator: addresses of the plant's quantities, and which of them can be written.
//!
//! Multi-word values are low word first (`little`). Addresses are zero-based.
//!
//! | address | type | quantity |
//! |---|---|---|
//! | `hr:0` rw | uint16 | motor speed setpoint, rpm, 0..3000 |
//! | `hr:1` rw | uint16 | tank outlet valve, 0.1 %, 0..1000 |
//! | `hr:2` rw | int16 | furnace setpoint, 0.1 °C, 0..12000 |
//! | `ir:0` | uint16 | motor speed, rpm |
//! | `ir:1` | int16 | motor current, 0.01 A |
//! | `ir:2-3` | fp32 | motor winding temperature, °C |
//! | `ir:4` | fp16 | motor vibration, mm/s |
//! | `ir:5-6` | uint32 | motor running time, s |
//! | `ir:7-10` | uint64 | motor revolutions |
//! | `ir:20-23` | fp64 | tank level, % |
//! | `ir:24-25` | fp32 | tank inlet, l/min |
//! | `ir:26-27` | fp32 | tank outlet, l/min |
//! | `ir:28-29` | int32 | tank balance (inlet - outlet), ml/min |
//! | `ir:40` | int16 | furnace temperature, 0.1 °C |
//! | `ir:41-42` | fp32 | furnace power, kW |
//! | `ir:43-46` | int64 | furnace energy, Wh |
//! | `ir:47` | byte | furnace heater duty, % |
//! | `co:0` rw | bit | motor run command |
//! | `co:1` rw | bit | furnace door open |
//! | `di:0` | bit | motor running |
//! | `di:1` `di:2` | bit | tank level high, low |
//! | `di:3` | bit | furnace at setpoint, within 5 °C |
//!
//! Everything else, the gaps included, is an illegal address.

use half::f16;

use super::plant::Plant;

/// Why an access is refused; the server chooses the Modbus exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessError {
    /// No such register or coil, or one that cannot be written.
    Address,
    /// A writable register that cannot hold this value.
    Value,
}

/// Holding registers `start..start + count`.
pub fn read_holding(plant: &Plant, start: u16, count: u16) -> Result<Vec<u16>, AccessError> {
    let words = [
        plant.motor.setpoint_rpm.round() as u16,
        (plant.tank.valve_pct * 10.0).round() as u16,
        (plant.furnace.setpoint_c * 10.0).round() as u16,
    ];
    slice(&words, 0, start, count)
}

/// Input registers `start..start + count`; a read may not cross from one machine to another.
pub fn read_input(plant: &Plant, start: u16, count: u16) -> Result<Vec<u16>, AccessError> {
    match start {
        0..20 => slice(&motor(plant), 0, start, count),
        20..40 => slice(&tank(plant), 20, start, count),
        _ => slice(&furnace(plant), 40, start, count),
    }
}

/// First register and length of the measurements of several words.
const WIDE_INPUTS: [(u16, u16); 9] =
    [(2, 2), (5, 2), (7, 4), (20, 4), (24, 2), (26, 2), (28, 2), (41, 2), (43, 4)];

/// The input register at the mirrored place of the same measurement: its last word for its first one.
pub fn mirrored_input(register: u16) -> u16 {
    let wide = WIDE_INPUTS.into_iter().find(|(start, len)| (*start..start + len).contains(&register));
    wide.map_or(register, |(start, len)| 2 * start + len - 1 - register)
}

/// Coils `start..start + count`.
pub fn read_coils(plant: &Plant, start: u16, count: u16) -> Result<Vec<bool>, AccessError> {
    slice(&[plant.motor.run, plant.furnace.is_door_open], 0, start, count)
}

/// Discrete inputs `start..start + count`.
pub fn read_discrete(plant: &Plant, start: u16, count: u16) -> Result<Vec<bool>, AccessError> {
    let furnace = &plant.furnace;
    let is_at_setpoint = (furnace.setpoint_c - furnace.chamber_c).abs() < 5.0;
    let inputs = [plant.motor.is_running(), plant.tank.is_high, plant.tank.is_low, is_at_setpoint];
    slice(&inputs, 0, start, count)
}

/// Writes holding registers, all or none.
pub fn write_holding(plant: &mut Plant, start: u16, words: &[u16]) -> Result<(), AccessError> {
    let mut changed = plant.clone();
    for (offset, word) in words.iter().enumerate() {
        let number = f64::from(*word);
        match (usize::from(start) + offset, word) {
            (0, 0..=3000) => changed.motor.setpoint_rpm = number,
            (1, 0..=1000) => changed.tank.valve_pct = number / 10.0,
            (2, 0..=12_000) => changed.furnace.setpoint_c = number / 10.0,
            (0..=2, _) => return Err(AccessError::Value),
            _ => return Err(AccessError::Address),
        }
    }
    *plant = changed;
    Ok(())
}

/// Writes coils, all or none.
pub fn write_coils(plant: &mut Plant, start: u16, coils: &[bool]) -> Result<(), AccessError> {
    let mut changed = plant.clone();
    for (offset, on) in coils.iter().enumerate() {
        match usize::from(start) + offset {
            0 => changed.motor.run = *on,
            1 => changed.furnace.is_door_open = *on,
            _ => return Err(AccessError::Address),
        }
    }
    *plant = changed;
    Ok(())
}

fn motor(plant: &Plant) -> Vec<u16> {
    let motor = &plant.motor;
    [
        vec![motor.rpm.round() as u16, (motor.current_a * 100.0).round() as i16 as u16],
        low_first((motor.winding_c as f32).to_bits().into(), 2),
        vec![f16::from_f64(motor.vibration_mm_s).to_bits()],
        low_first((motor.running_s as u32).into(), 2),
        low_first(motor.revolutions as u64, 4),
    ]
    .concat()
}

fn tank(plant: &Plant) -> Vec<u16> {
    let tank = &plant.tank;
    let balance_ml_min = ((tank.inlet_l_min - tank.outlet_l_min) * 1000.0) as i32;
    [
        low_first(tank.level_pct.to_bits(), 4),
        low_first((tank.inlet_l_min as f32).to_bits().into(), 2),
        low_first((tank.outlet_l_min as f32).to_bits().into(), 2),
        low_first((balance_ml_min as u32).into(), 2),
    ]
    .concat()
}

fn furnace(plant: &Plant) -> Vec<u16> {
    let furnace = &plant.furnace;
    [
        vec![(furnace.chamber_c * 10.0).round() as i16 as u16],
        low_first((furnace.power_kw as f32).to_bits().into(), 2),
        low_first((furnace.energy_kwh * 1000.0) as i64 as u64, 4),
        vec![furnace.duty_pct().round() as u8 as u16],
    ]
    .concat()
}

/// The words of a value, low word first.
fn low_first(raw: u64, count: u32) -> Vec<u16> {
    (0..count).map(|word| (raw >> (16 * word)) as u16).collect()
}

/// Returns `start..start + count` of cells that begin at address `base`.
fn slice<T: Copy>(cells: &[T], base: u16, start: u16, count: u16) -> Result<Vec<T>, AccessError> {
    let from = usize::from(start.checked_sub(base).ok_or(AccessError::Address)?);
    cells.get(from..from + usize::from(count)).map(<[T]>::to_vec).ok_or(AccessError::Address)
}
