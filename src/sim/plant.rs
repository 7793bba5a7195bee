//! Simulated plant: a motor, a tank and a furnace, stepped through real time. Pure; the caller passes the time.
//!
//! First-order models with the time constants of small machines: fast enough that a demo moves, slow enough to look
//! like a plant. Nothing is random except a little seeded sensor noise, so a run can be replayed.

use std::time::Duration;

use super::fault::{PlantFault, PlantFaults, Sensor};
use crate::domain::device::Protocol;

/// Longer steps are divided, so that the models stay stable whatever the scheduler does.
const STEP_S: f64 = 0.05;
/// The step of a past that is calculated: the slowest that follows the fastest of the controllers.
const PAST_STEP_S: f64 = 2.0;
/// Longer pauses of a suspended machine are cut to this.
const MAX_STEP: Duration = Duration::from_secs(60);
const AMBIENT_C: f64 = 22.0;

/// Everything in the plant, in physical units, as its sensors show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plant {
    pub motor: Motor,
    pub tank: Tank,
    pub furnace: Furnace,
    faults: PlantFaults,
    noise: Noise,
    /// Time since the start; `elapsed_s` is about the same, in the models' steps.
    clock: Duration,
    elapsed_s: f64,
}

/// An induction motor on a variable-speed drive, driving the tank's inlet pump.
#[derive(Debug, Clone, PartialEq)]
pub struct Motor {
    /// Commanded.
    pub run: bool,
    /// Commanded.
    pub setpoint_rpm: f64,
    pub rpm: f64,
    pub current_a: f64,
    pub winding_c: f64,
    pub vibration_mm_s: f64,
    pub running_s: f64,
    pub revolutions: f64,
}

/// A buffer tank with a controlled outlet valve.
#[derive(Debug, Clone, PartialEq)]
pub struct Tank {
    pub level_pct: f64,
    pub inlet_l_min: f64,
    pub outlet_l_min: f64,
    /// Commanded, 0..=100.
    pub valve_pct: f64,
    pub is_high: bool,
    pub is_low: bool,
}

/// An electric furnace with a two-term controller and a door that lets the heat out.
#[derive(Debug, Clone, PartialEq)]
pub struct Furnace {
    /// Commanded.
    pub setpoint_c: f64,
    pub chamber_c: f64,
    pub power_kw: f64,
    pub energy_kwh: f64,
    /// Commanded.
    pub is_door_open: bool,
    integral: f64,
}

impl Default for Plant {
    /// A plant that has been running for a while.
    fn default() -> Self {
        Self {
            motor: Motor {
                run: true,
                setpoint_rpm: 1480.0,
                rpm: 1480.0,
                current_a: 11.0,
                winding_c: 60.0,
                vibration_mm_s: 1.8,
                running_s: 4_321.0 * 3600.0,
                revolutions: 3.8e8,
            },
            tank: Tank {
                level_pct: 55.0,
                inlet_l_min: 60.0,
                outlet_l_min: 55.0,
                valve_pct: 40.0,
                is_high: false,
                is_low: false,
            },
            furnace: Furnace {
                setpoint_c: 650.0,
                chamber_c: 640.0,
                power_kw: 12.0,
                energy_kwh: 98_765.0,
                is_door_open: false,
                integral: 0.5,
            },
            faults: PlantFaults::default(),
            noise: Noise(0x9E37_79B9_7F4A_7C15),
            clock: Duration::ZERO,
            elapsed_s: 0.0,
        }
    }
}

impl Plant {
    /// A plant whose sensors and devices fail on schedule, from now on.
    pub fn with_faults(faults: Vec<PlantFault>) -> Plant {
        Plant { faults: PlantFaults::new(faults), ..Plant::default() }
    }

    /// Whether the plant's devices of a protocol are out of reach now.
    pub fn is_away(&self, protocol: Protocol) -> bool {
        self.faults.is_disconnected(protocol, self.clock)
    }

    /// The plant with its faults on schedule from now on, instead of those that it had.
    pub fn restarted_with(mut self, faults: Vec<PlantFault>) -> Plant {
        let shown = self.faults.take_true_values();
        self.set_sensors(shown);
        Plant { faults: PlantFaults::new(faults), clock: Duration::ZERO, ..self }
    }

    /// Advances the plant's time. Very long pauses (a suspended machine) count as one minute.
    pub fn step(&mut self, time: Duration) {
        self.advance(time.min(MAX_STEP), STEP_S);
    }

    /// Advances the plant's time in steps that are coarser, and so cheaper by far. The noise is as strong as otherwise.
    pub fn leap(&mut self, time: Duration) {
        self.advance(time, PAST_STEP_S);
    }

    fn advance(&mut self, time: Duration, step_s: f64) {
        let mut faults = std::mem::take(&mut self.faults);
        self.set_sensors(faults.take_true_values());
        self.pass(time, step_s);
        self.clock += time;
        let shown = faults.shown_values(self.clock, |sensor| *self.sensor_mut(sensor));
        self.set_sensors(shown);
        self.faults = faults;
    }

    fn set_sensors(&mut self, values: Vec<(Sensor, f64)>) {
        for (sensor, value) in values {
            *self.sensor_mut(sensor) = value;
        }
    }

    /// The quantity that a sensor measures.
    fn sensor_mut(&mut self, sensor: Sensor) -> &mut f64 {
        match sensor {
            Sensor::Speed => &mut self.motor.rpm,
            Sensor::Current => &mut self.motor.current_a,
            Sensor::Winding => &mut self.motor.winding_c,
            Sensor::Vibration => &mut self.motor.vibration_mm_s,
            Sensor::Level => &mut self.tank.level_pct,
            Sensor::Inlet => &mut self.tank.inlet_l_min,
            Sensor::Outlet => &mut self.tank.outlet_l_min,
            Sensor::Chamber => &mut self.furnace.chamber_c,
            Sensor::Power => &mut self.furnace.power_kw,
        }
    }

    fn pass(&mut self, time: Duration, step_s: f64) {
        let mut left_s = time.as_secs_f64();
        while left_s > 0.0 {
            let dt = left_s.min(step_s);
            self.elapsed_s += dt;
            self.motor.step(dt, &mut self.noise);
            self.tank.step(dt, self.motor.rpm, self.elapsed_s, &mut self.noise);
            self.furnace.step(dt, &mut self.noise);
            left_s -= dt;
        }
    }
}

/// One step of a first-order lag towards `target`.
fn lag(value: f64, target: f64, constant_s: f64, dt: f64) -> f64 {
    target + (value - target) * (-dt / constant_s).exp()
}

impl Motor {
    fn step(&mut self, dt: f64, noise: &mut Noise) {
        let target_rpm = if self.run { self.setpoint_rpm } else { 0.0 };
        let accelerating = (target_rpm - self.rpm).max(0.0);
        // A drive ramps; a motor without power coasts for longer.
        self.rpm = lag(self.rpm, target_rpm, if self.run { 2.0 } else { 6.0 }, dt);
        if target_rpm == 0.0 && self.rpm < 1.0 {
            self.rpm = 0.0;
        }
        let speed = self.rpm / 1500.0;
        // Magnetising current, pump load with the cube of the speed, and the current for acceleration.
        let target_a = if self.run { 3.5 + 8.0 * speed.powi(3) + 0.02 * accelerating } else { 0.0 };
        self.current_a = (lag(self.current_a, target_a, 0.3, dt) + noise.on_lag(0.01, 0.3, dt)).max(0.0);
        let heat_c = 0.32 * self.current_a.powi(2);
        self.winding_c = lag(self.winding_c, AMBIENT_C + heat_c, 90.0, dt);
        // Strongest near a resonance at 900 rpm.
        let resonance = 2.5 / (1.0 + ((self.rpm - 900.0) / 80.0).powi(2));
        self.vibration_mm_s = lag(self.vibration_mm_s, 1.8 * speed.powi(2) + resonance, 0.5, dt);
        self.vibration_mm_s = (self.vibration_mm_s + noise.on_lag(0.02, 0.5, dt)).max(0.0);
        self.revolutions += self.rpm / 60.0 * dt;
        if self.is_running() {
            self.running_s += dt;
        }
    }

    /// Whether the shaft turns, above 10 rpm; a stopped motor still runs while it coasts.
    pub fn is_running(&self) -> bool {
        self.rpm > 10.0
    }
}

impl Tank {
    const LITRES: f64 = 400.0;

    fn step(&mut self, dt: f64, pump_rpm: f64, elapsed_s: f64, noise: &mut Noise) {
        // Demand upstream swings over two minutes.
        let swing = 1.0 + 0.35 * (elapsed_s * std::f64::consts::TAU / 120.0).sin();
        let inlet_l_min = if self.level_pct >= 100.0 { 0.0 } else { 70.0 * pump_rpm / 1500.0 * swing };
        // A pump that stands still delivers nothing: noise alone would fill the tank over a weekend.
        let noise_l_min = if pump_rpm > 0.0 { noise.on_lag(0.05, 1.0, dt) } else { 0.0 };
        self.inlet_l_min = (lag(self.inlet_l_min, inlet_l_min, 1.0, dt) + noise_l_min).max(0.0);
        // Torricelli: proportional to the root of the level.
        let outlet_l_min = 240.0 * (self.valve_pct / 100.0) * (self.level_pct / 100.0).max(0.0).sqrt();
        self.outlet_l_min = lag(self.outlet_l_min, outlet_l_min, 0.5, dt);
        let litres = (self.inlet_l_min - self.outlet_l_min) / 60.0 * dt;
        self.level_pct = (self.level_pct + litres / Self::LITRES * 100.0).clamp(0.0, 100.0);
        self.is_high = self.level_pct > if self.is_high { 88.0 } else { 90.0 };
        self.is_low = self.level_pct < if self.is_low { 12.0 } else { 10.0 };
    }
}

impl Furnace {
    const MAX_KW: f64 = 30.0;
    /// Heat capacity of chamber and charge, kJ/K.
    const CAPACITY_KJ_K: f64 = 14.0;
    /// Deviation at which the controller asks for all the power, K.
    const BAND_K: f64 = 40.0;

    /// Heater power as a share of its maximum.
    pub fn duty_pct(&self) -> f64 {
        (self.power_kw / Self::MAX_KW * 100.0).clamp(0.0, 100.0)
    }

    fn step(&mut self, dt: f64, noise: &mut Noise) {
        let deviation = self.setpoint_c - self.chamber_c;
        let demand = deviation / Self::BAND_K + self.integral;
        // No wind-up while the heater is at its limit or off because of the door.
        if (0.0..=1.0).contains(&demand) && !self.is_door_open {
            self.integral = (self.integral + deviation / Self::BAND_K / 60.0 * dt).clamp(0.0, 1.0);
        }
        // The door switch cuts the heater.
        let target_kw = if self.is_door_open { 0.0 } else { Self::MAX_KW * demand.clamp(0.0, 1.0) };
        self.power_kw = lag(self.power_kw, target_kw, 0.8, dt);
        let loss_kw_k = if self.is_door_open { 0.09 } else { 0.02 };
        let heat_kw = self.power_kw - loss_kw_k * (self.chamber_c - AMBIENT_C);
        // The controller takes deviations back within this time.
        let control_s = Self::CAPACITY_KJ_K * Self::BAND_K / Self::MAX_KW;
        self.chamber_c += heat_kw / Self::CAPACITY_KJ_K * dt + noise.on_lag(0.02, control_s, dt);
        self.energy_kwh += self.power_kw * dt / 3600.0;
    }
}

/// A seeded xorshift generator: sensor noise needs nothing better.
#[derive(Debug, Clone, PartialEq)]
struct Noise(u64);

impl Noise {
    /// Uniform, within `±amplitude` in each step of `STEP_S` of a quantity that follows another with a lag. In longer steps it is
    /// so much stronger that the quantity varies as much.
    fn on_lag(&mut self, amplitude: f64, constant_s: f64, dt: f64) -> f64 {
        if dt <= STEP_S {
            return self.around(amplitude);
        }
        let forgotten = |time_s: f64| 1.0 - (-2.0 * time_s / constant_s).exp();
        self.around(amplitude * (forgotten(dt) / forgotten(STEP_S)).sqrt())
    }

    /// Uniform within `±amplitude`.
    fn around(&mut self, amplitude: f64) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0) * amplitude
    }
}

#[cfg(test)]
#[path = "plant_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "plant_fault_tests.rs"]
mod fault_tests;
