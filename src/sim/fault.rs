//! Faults on schedule: what a sensor of the plant shows instead of the truth, and when its devices are out of reach. Pure;
//! time is handed in, counted from the plant's start.

use std::time::Duration;

use super::plant::Plant;
use crate::domain::device::Protocol;

/// Something that goes wrong, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub what: What,
    pub when: When,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// Further and further from the truth, so far at the end.
    Drift(Sensor, f64),
    /// So far from the truth all the time.
    Spike(Sensor, f64),
    /// What it was at the beginning.
    Stuck(Sensor),
    /// Devices of this protocol, or of all, neither answer nor take connections.
    Disconnect(Option<Protocol>),
}

/// From `start` for `length`; and again each time that `every` has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    pub start: Duration,
    /// Above 0.
    pub length: Duration,
    /// At least `length`.
    pub every: Option<Duration>,
}

impl When {
    /// For how long it has been so by then; `None` while it is not.
    pub fn since(&self, at: Duration) -> Option<Duration> {
        let since = at.checked_sub(self.start)?;
        let since = match self.every {
            Some(every) => Duration::from_nanos_u128(since.as_nanos() % every.as_nanos().max(1)),
            None => since,
        };
        (since < self.length).then_some(since)
    }
}

/// A measured quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensor {
    Speed,
    Current,
    Winding,
    Vibration,
    Level,
    Inlet,
    Outlet,
    Chamber,
    Power,
}

impl Sensor {
    pub const ALL: [Sensor; 9] = [
        Sensor::Speed,
        Sensor::Current,
        Sensor::Winding,
        Sensor::Vibration,
        Sensor::Level,
        Sensor::Inlet,
        Sensor::Outlet,
        Sensor::Chamber,
        Sensor::Power,
    ];

    /// The demo's stream of it.
    pub fn name(self) -> &'static str {
        match self {
            Sensor::Speed => "motor.speed",
            Sensor::Current => "motor.current",
            Sensor::Winding => "motor.temperature",
            Sensor::Vibration => "motor.vibration",
            Sensor::Level => "tank.level",
            Sensor::Inlet => "tank.inlet",
            Sensor::Outlet => "tank.outlet",
            Sensor::Chamber => "furnace.temperature",
            Sensor::Power => "furnace.power",
        }
    }

    /// How far a fault leads it astray unless somebody says: what nobody overlooks, in its own unit.
    pub fn usual_amount(self) -> f64 {
        match self {
            Sensor::Speed => 300.0,
            Sensor::Current | Sensor::Vibration => 5.0,
            Sensor::Winding | Sensor::Level | Sensor::Inlet | Sensor::Outlet => 20.0,
            Sensor::Chamber => 80.0,
            Sensor::Power => 8.0,
        }
    }

    fn of(self, plant: &mut Plant) -> &mut f64 {
        match self {
            Sensor::Speed => &mut plant.motor.rpm,
            Sensor::Current => &mut plant.motor.current_a,
            Sensor::Winding => &mut plant.motor.winding_c,
            Sensor::Vibration => &mut plant.motor.vibration_mm_s,
            Sensor::Level => &mut plant.tank.level_pct,
            Sensor::Inlet => &mut plant.tank.inlet_l_min,
            Sensor::Outlet => &mut plant.tank.outlet_l_min,
            Sensor::Chamber => &mut plant.furnace.chamber_c,
            Sensor::Power => &mut plant.furnace.power_kw,
        }
    }
}

/// The faults of one plant, and the truth behind what they make it show.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Faults {
    all: Vec<Fault>,
    /// Of the sensors that show something else now.
    truth: Vec<(Sensor, f64)>,
    /// For each fault the value at which it holds its sensor.
    held: Vec<Option<f64>>,
}

impl Faults {
    pub fn new(all: Vec<Fault>) -> Faults {
        Faults { held: vec![None; all.len()], all, truth: Vec::new() }
    }

    /// Puts the truth back into the plant, for its models to go on from.
    pub fn lift(&mut self, plant: &mut Plant) {
        for (sensor, value) in self.truth.drain(..) {
            *sensor.of(plant) = value;
        }
    }

    /// Makes the plant show what its sensors say at that time. Several faults of a sensor act one on the other.
    pub fn lay(&mut self, plant: &mut Plant, at: Duration) {
        for (fault, held) in self.all.iter().zip(&mut self.held) {
            let Some(since) = fault.when.since(at) else {
                *held = None;
                continue;
            };
            let (What::Drift(sensor, _) | What::Spike(sensor, _) | What::Stuck(sensor)) = fault.what else {
                continue;
            };
            let shown = sensor.of(plant);
            if self.truth.iter().all(|(known, _)| *known != sensor) {
                self.truth.push((sensor, *shown));
            }
            *shown = match fault.what {
                What::Drift(_, amount) => *shown + amount * since.div_duration_f64(fault.when.length),
                What::Spike(_, amount) => *shown + amount,
                What::Stuck(_) | What::Disconnect(_) => *held.get_or_insert(*shown),
            };
        }
    }

    /// Whether devices of a protocol are out of reach at that time.
    pub fn disconnect(&self, protocol: Protocol, at: Duration) -> bool {
        self.all.iter().any(|fault| match fault.what {
            What::Disconnect(of) => of.is_none_or(|of| of == protocol) && fault.when.since(at).is_some(),
            What::Drift(..) | What::Spike(..) | What::Stuck(_) => false,
        })
    }
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
