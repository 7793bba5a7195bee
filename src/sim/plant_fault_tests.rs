//! A plant with faults, its clock stepped by hand, compared with the same plant without faults.

use super::*;
use crate::sim::fault::{FaultKind, FaultSchedule};

/// A fault that occurs once.
fn when(start_s: u64, length_s: u64) -> FaultSchedule {
    let seconds = Duration::from_secs;
    FaultSchedule { start: seconds(start_s), length: seconds(length_s), every: None }
}

/// For each second the shown and the true value of a sensor.
fn shown(faults: &[PlantFault], sensor: Sensor, seconds: usize) -> Vec<(f64, f64)> {
    let (mut faulty, mut sound) = (Plant::with_faults(faults.to_vec()), Plant::default());
    let step = |_| {
        faulty.step(Duration::from_secs(1));
        sound.step(Duration::from_secs(1));
        (*faulty.clone().sensor_mut(sensor), *sound.clone().sensor_mut(sensor))
    };
    (0..seconds).map(step).collect()
}

#[test]
fn each_fault_is_what_its_name_says() {
    let astray = |what, expected: [f64; 6]| {
        let seen = shown(&[PlantFault { kind: what, schedule: when(2, 4) }], Sensor::Winding, 7);
        // Seconds 2 to 7; the fault lasts from 2 up to 6.
        for ((at, (shown, truth)), expected) in (2..).zip(&seen[1..]).zip(expected) {
            assert!((shown - truth - expected).abs() < 1e-9, "{what:?} after {at} s: {shown}, {truth}");
        }
        assert_eq!(seen[0].0, seen[0].1, "{what:?}: not before its time");
    };
    astray(FaultKind::Drift(Sensor::Winding, 20.0), [0.0, 5.0, 10.0, 15.0, 0.0, 0.0]);
    astray(FaultKind::Spike(Sensor::Winding, -7.0), [-7.0, -7.0, -7.0, -7.0, 0.0, 0.0]);
    let stuck = shown(
        &[PlantFault { kind: FaultKind::Stuck(Sensor::Current), schedule: when(2, 4) }],
        Sensor::Current,
        7,
    );
    let shown_values: Vec<f64> = stuck.iter().map(|(shown, _)| *shown).collect();
    assert_eq!(shown_values[1..5], [stuck[1].1; 4], "what it was at the beginning");
    assert_ne!(stuck[4].1, stuck[1].1, "meanwhile the current moves");
    assert_eq!((shown_values[0], shown_values[5]), (stuck[0].1, stuck[5].1));
}

#[test]
fn the_plant_behind_its_sensors_goes_on_as_if_nothing_were() {
    let all = Sensor::ALL.map(|sensor| PlantFault {
        kind: FaultKind::Spike(sensor, sensor.default_amount()),
        schedule: when(5, 60),
    });
    let more =
        Sensor::ALL.map(|sensor| PlantFault { kind: FaultKind::Stuck(sensor), schedule: when(20, 60) });
    let (mut faulty, mut sound) = (Plant::with_faults([all, more].concat()), Plant::default());
    for second in 1..=90 {
        faulty.step(Duration::from_secs(1));
        sound.step(Duration::from_secs(1));
        let is_same =
            (&faulty.motor, &faulty.tank, &faulty.furnace) == (&sound.motor, &sound.tank, &sound.furnace);
        assert_eq!(is_same, !(5..80).contains(&second), "after {second} s");
    }
}

#[test]
fn several_faults_of_a_sensor_act_one_on_the_other() {
    let faults = [
        PlantFault { kind: FaultKind::Spike(Sensor::Level, 10.0), schedule: when(1, 9) },
        PlantFault { kind: FaultKind::Spike(Sensor::Level, 5.0), schedule: when(3, 2) },
    ];
    let astray = shown(&faults, Sensor::Level, 5).into_iter().map(|(shown, truth)| (shown - truth).round());
    assert_eq!(astray.collect::<Vec<_>>(), [10.0, 10.0, 15.0, 15.0, 10.0]);
}
