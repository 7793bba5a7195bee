//! Scheduled faults of the plant: false sensor values, and times when its devices cannot be reached. Pure; the caller
//! passes the time, counted from the plant's start.

use std::time::Duration;

use crate::domain::device::Protocol;
use crate::domain::named_enum::named_enum;

/// A fault and its schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct PlantFault {
    pub kind: FaultKind,
    pub schedule: FaultSchedule,
}

/// Effect of a fault; amounts are in the sensor's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FaultKind {
    /// Deviates more and more from the true value, by this amount at the end.
    Drift(Sensor, f64),
    /// Deviates from the true value by this amount all the time.
    Spike(Sensor, f64),
    /// Keeps the value from the fault's beginning.
    Stuck(Sensor),
    /// Devices of this protocol, or of all protocols, neither answer nor accept connections.
    Disconnect(Option<Protocol>),
}

/// Active from `start` for `length`, and again each time that `every` has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultSchedule {
    pub start: Duration,
    /// Above 0.
    pub length: Duration,
    /// At least `length`.
    pub every: Option<Duration>,
}

impl FaultSchedule {
    /// How long the fault has been active at this time; `None` while it is not.
    pub fn elapsed(&self, at: Duration) -> Option<Duration> {
        let since = at.checked_sub(self.start)?;
        let since = match self.every {
            Some(every) => Duration::from_nanos_u128(since.as_nanos() % every.as_nanos().max(1)),
            None => since,
        };
        (since < self.length).then_some(since)
    }
}

named_enum! {
    /// A measured quantity.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Sensor {
        Speed = "motor.speed",
        Current = "motor.current",
        Winding = "motor.temperature",
        Vibration = "motor.vibration",
        Level = "tank.level",
        Inlet = "tank.inlet",
        Outlet = "tank.outlet",
        Chamber = "furnace.temperature",
        Power = "furnace.power",
    }
}

impl Sensor {
    /// Default deviation in the sensor's own unit, large enough to be noticed.
    pub fn default_amount(self) -> f64 {
        match self {
            Sensor::Speed => 300.0,
            Sensor::Current | Sensor::Vibration => 5.0,
            Sensor::Winding | Sensor::Level | Sensor::Inlet | Sensor::Outlet => 20.0,
            Sensor::Chamber => 80.0,
            Sensor::Power => 8.0,
        }
    }
}

/// The faults of one plant, and the true values of the sensors that they change.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlantFaults {
    all: Vec<PlantFault>,
    /// True values of the sensors that show another value now.
    truth: Vec<(Sensor, f64)>,
    /// For each fault the value at which a stuck sensor is held.
    held: Vec<Option<f64>>,
}

impl PlantFaults {
    /// Creates the faults before the plant's first step: no sensor is held and all show true values.
    pub fn new(all: Vec<PlantFault>) -> PlantFaults {
        PlantFaults { held: vec![None; all.len()], all, truth: Vec::new() }
    }

    /// Returns the true values of the sensors that showed another value, which are no longer needed here. The plant's
    /// models continue from them.
    pub fn take_true_values(&mut self) -> Vec<(Sensor, f64)> {
        std::mem::take(&mut self.truth)
    }

    /// Returns the values that faulty sensors show at this time, from their true values. Several faults of one sensor
    /// apply one after the other.
    pub fn shown_values(
        &mut self,
        at: Duration,
        mut true_value: impl FnMut(Sensor) -> f64,
    ) -> Vec<(Sensor, f64)> {
        let mut values: Vec<(Sensor, f64)> = Vec::new();
        for (fault, stuck_value) in self.all.iter().zip(&mut self.held) {
            let Some(since) = fault.schedule.elapsed(at) else {
                *stuck_value = None;
                continue;
            };
            let (FaultKind::Drift(sensor, _) | FaultKind::Spike(sensor, _) | FaultKind::Stuck(sensor)) =
                fault.kind
            else {
                continue;
            };
            let index = values.iter().position(|(known, _)| *known == sensor).unwrap_or_else(|| {
                let value = true_value(sensor);
                self.truth.push((sensor, value));
                values.push((sensor, value));
                values.len() - 1
            });
            let shown = &mut values[index].1;
            *shown = match fault.kind {
                FaultKind::Drift(_, amount) => {
                    *shown + amount * since.div_duration_f64(fault.schedule.length)
                }
                FaultKind::Spike(_, amount) => *shown + amount,
                FaultKind::Stuck(_) | FaultKind::Disconnect(_) => *stuck_value.get_or_insert(*shown),
            };
        }
        values
    }

    /// Whether devices of a protocol are out of reach at this time.
    pub fn is_disconnected(&self, protocol: Protocol, at: Duration) -> bool {
        self.all.iter().any(|fault| match fault.kind {
            FaultKind::Disconnect(of) => {
                of.is_none_or(|of| of == protocol) && fault.schedule.elapsed(at).is_some()
            }
            FaultKind::Drift(..) | FaultKind::Spike(..) | FaultKind::Stuck(_) => false,
        })
    }
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
