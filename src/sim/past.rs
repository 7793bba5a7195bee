//! Past of the plant: what it would have done in the eight days before a moment, with three shifts a day, a free weekend, and
//! what goes wrong in any week. Pure; the caller passes the moment.
//!
//! Eight days, so that the last 24 hours have the same hours of the week before to compare them with. The last hours are as the
//! plant runs when nobody gives it orders, so that it goes on from there without a break. Times of day are of UTC.

use std::time::Duration;

use super::past_incidents::{Incidents, MINUTE_US, weekday};
use super::plant::Plant;
use crate::domain::Micros;
use crate::domain::time::{MICROS_PER_DAY, MICROS_PER_HOUR};

/// Length of the past: a week and a day.
pub const PAST: Duration = Duration::from_secs(8 * 86_400);
/// From one moment to the next. Every minute has one, and the swing of the tank's inlet, of 120 s, is met in twelve phases.
pub const PAST_INTERVAL: Duration = Duration::from_secs(50);

/// So long before its end the past is as the plant that nobody gives orders.
const UNDISTURBED_US: i64 = 2 * MICROS_PER_HOUR;
const SHIFT_US: i64 = 8 * MICROS_PER_HOUR;
/// The week's work begins on Mondays with the first shift, and ends on Saturdays before it.
const FIRST_SHIFT_US: i64 = 6 * MICROS_PER_HOUR;
/// The motor rests while a shift takes over from another.
const HANDOVER_US: i64 = 10 * MINUTE_US;
/// Once in a shift the furnace is charged, its door open.
const CHARGING_AT_US: i64 = 2 * MICROS_PER_HOUR;
const CHARGING_US: i64 = MINUTE_US;
/// Speed of the motor and setpoint of the furnace in each shift, from the first to that of the night.
const SHIFTS: [(f64, f64); 3] = [(1480.0, 650.0), (1420.0, 640.0), (1250.0, 600.0)];
/// Setpoint of the furnace on weekends.
const WEEKEND_C: f64 = 400.0;
/// Opening of the tank's outlet while the motor fills it, and by mistake once.
const OUTLET_PCT: f64 = 40.0;
const MISTAKEN_OUTLET_PCT: f64 = 28.0;

/// A plant with the moments that led to it.
#[derive(Debug)]
pub struct PlantPast {
    /// From the oldest to the moment of the present.
    pub moments: Vec<PastMoment>,
    /// The plant as it goes on. Its counters are those of a plant that has just been made.
    pub present: Plant,
}

/// The plant at a time.
#[derive(Debug)]
pub struct PastMoment {
    pub ts: Micros,
    /// As its sensors showed it.
    pub plant: Plant,
}

/// Calculates the past that ends at a moment.
pub fn past_until(end: Micros) -> PlantPast {
    let begin = Micros(end.0 - micros(PAST));
    let incidents = Incidents::before(end);
    let mut plant = Plant::with_faults(incidents.faults(begin));
    let mut moments = Vec::new();
    for ts in (begin.0..=end.0).step_by(PAST_INTERVAL.as_micros() as usize).map(Micros) {
        if ts > begin {
            plant.leap(PAST_INTERVAL);
        }
        Orders::at(ts, end, &incidents).give(&mut plant);
        moments.push(PastMoment { ts, plant: plant.clone() });
    }
    count_towards_present(&mut moments, &mut plant);
    PlantPast { moments, present: plant.restarted_with(Vec::new()) }
}

/// Sets the counters back by what they have counted: a plant has the same ones at every start.
fn count_towards_present(moments: &mut [PastMoment], present: &mut Plant) {
    let fresh = Plant::default();
    let running_s = present.motor.running_s - fresh.motor.running_s;
    let revolutions = present.motor.revolutions - fresh.motor.revolutions;
    let energy_kwh = present.furnace.energy_kwh - fresh.furnace.energy_kwh;
    for plant in moments.iter_mut().map(|moment| &mut moment.plant).chain([present]) {
        plant.motor.running_s -= running_s;
        plant.motor.revolutions -= revolutions;
        plant.furnace.energy_kwh -= energy_kwh;
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// Settings that the plant is given.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Orders {
    /// `None`: stand still.
    rpm: Option<f64>,
    outlet_pct: f64,
    furnace_c: f64,
    is_door_open: bool,
}

impl Orders {
    fn at(ts: Micros, end: Micros, incidents: &Incidents) -> Orders {
        let (rpm, furnace_c) = SHIFTS[0];
        let undisturbed = Orders { rpm: Some(rpm), outlet_pct: OUTLET_PCT, furnace_c, is_door_open: false };
        if end.0 - ts.0 < UNDISTURBED_US {
            return undisturbed;
        }
        // The night's shift belongs to the day on which it began.
        let since_first_shift = Micros(ts.0 - FIRST_SHIFT_US);
        if weekday(since_first_shift) >= 5 {
            return Orders { rpm: None, outlet_pct: 0.0, furnace_c: WEEKEND_C, ..undisturbed };
        }
        let of_day = since_first_shift.0.rem_euclid(MICROS_PER_DAY);
        let (rpm, furnace_c) = SHIFTS[(of_day / SHIFT_US) as usize];
        let of_shift = of_day % SHIFT_US;
        let rests = of_shift < HANDOVER_US || incidents.jam.contains(ts);
        let is_mistaken = incidents.mistake.contains(ts);
        Orders {
            rpm: (!rests).then(|| rpm + daily_rpm(since_first_shift)),
            outlet_pct: match (rests, is_mistaken) {
                (true, _) => 0.0,
                (false, true) => MISTAKEN_OUTLET_PCT,
                (false, false) => OUTLET_PCT,
            },
            furnace_c,
            is_door_open: (CHARGING_AT_US..CHARGING_AT_US + CHARGING_US).contains(&of_shift),
        }
    }

    fn give(self, plant: &mut Plant) {
        plant.motor.run = self.rpm.is_some();
        plant.motor.setpoint_rpm = self.rpm.unwrap_or(plant.motor.setpoint_rpm);
        plant.tank.valve_pct = self.outlet_pct;
        plant.furnace.setpoint_c = self.furnace_c;
        plant.furnace.is_door_open = self.is_door_open;
    }
}

/// How much faster or slower the motor runs on a day: no two days of a week are the same.
fn daily_rpm(ts: Micros) -> f64 {
    (i64::from(ts.day().0) * 3).rem_euclid(7) as f64 * 10.0 - 30.0
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
