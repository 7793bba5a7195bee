//! The plant behaves as such machines do.

use super::*;

fn after(seconds: u64, command: impl FnOnce(&mut Plant)) -> Plant {
    let mut plant = Plant::default();
    command(&mut plant);
    (0..seconds).for_each(|_| plant.step(Duration::from_secs(1)));
    plant
}

#[test]
fn a_motor_reaches_its_setpoint_and_coasts_to_a_stop() {
    let fast = after(20, |plant| plant.motor.setpoint_rpm = 2000.0).motor;
    assert!((fast.rpm - 2000.0).abs() < 1.0, "{fast:?}");
    assert!(fast.current_a > Plant::default().motor.current_a);
    let stopped = after(90, |plant| plant.motor.run = false).motor;
    assert_eq!((stopped.rpm, stopped.is_running()), (0.0, false));
    assert!(stopped.current_a < 0.1 && stopped.vibration_mm_s < 0.2, "{stopped:?}");
    assert!(stopped.winding_c < Plant::default().motor.winding_c);
}

#[test]
fn counters_count() {
    let (before, after) = (Plant::default(), after(60, |_| ()));
    let hour_parts = after.motor.running_s - before.motor.running_s;
    assert!((hour_parts - 60.0).abs() < 0.1, "{hour_parts}");
    let revolutions = after.motor.revolutions - before.motor.revolutions;
    assert!((revolutions - 1480.0).abs() < 2.0, "{revolutions}");
    assert!(after.furnace.energy_kwh > before.furnace.energy_kwh);
}

#[test]
fn a_tank_fills_with_the_valve_shut_and_empties_with_it_open() {
    let full = after(900, |plant| plant.tank.valve_pct = 0.0).tank;
    assert!(full.is_high && full.level_pct > 99.0, "{full:?}");
    let empty = after(900, |plant| {
        plant.tank.valve_pct = 100.0;
        plant.motor.run = false;
    })
    .tank;
    assert!(empty.is_low && empty.level_pct < 5.0, "{empty:?}");
}

#[test]
fn a_furnace_holds_its_setpoint_until_the_door_opens() {
    let hot = after(1800, |plant| plant.furnace.setpoint_c = 700.0).furnace;
    assert!((hot.chamber_c - 700.0).abs() < 10.0, "{hot:?}");
    let open = after(120, |plant| plant.furnace.is_door_open = true).furnace;
    assert!(open.chamber_c < 400.0 && open.power_kw < 0.1, "{open:?}");
}

#[test]
fn left_alone_everything_stays_within_its_scale() {
    let mut plant = Plant::default();
    for second in 0..6 * 3600 {
        plant.step(Duration::from_secs(1));
        let (motor, tank, furnace) = (&plant.motor, &plant.tank, &plant.furnace);
        let is_plausible = (1400.0..1560.0).contains(&motor.rpm)
            && (0.0..40.0).contains(&motor.current_a)
            && (20.0..120.0).contains(&motor.winding_c)
            && (0.0..20.0).contains(&motor.vibration_mm_s)
            && (0.0..=100.0).contains(&tank.level_pct)
            && (0.0..400.0).contains(&tank.inlet_l_min)
            && (600.0..720.0).contains(&furnace.chamber_c)
            && (0.0..=30.0).contains(&furnace.power_kw);
        assert!(is_plausible, "after {second} s: {plant:?}");
    }
}

#[test]
fn any_step_is_stable() {
    let mut plant = Plant::default();
    for time in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(59), Duration::MAX] {
        plant.step(time);
        assert!(plant.furnace.chamber_c.is_finite() && plant.motor.rpm.is_finite(), "{time:?}");
    }
}
