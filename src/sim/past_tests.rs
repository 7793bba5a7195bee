//! The past of the plant is a plausible week, and goes on into the present.

use super::*;
use crate::domain::device::Protocol;

/// A Saturday evening: the weekend's plant would stand still.
const END: Micros = Micros(1_764_439_200_000_000);

fn between(past: &PlantPast, from_us: i64, length_us: i64) -> impl Iterator<Item = &Plant> {
    let wanted = from_us..from_us + length_us;
    past.moments.iter().filter(move |moment| wanted.contains(&moment.ts.0)).map(|moment| &moment.plant)
}

fn mean(plants: &[&Plant], of: impl Fn(&Plant) -> f64) -> f64 {
    plants.iter().map(|plant| of(plant)).sum::<f64>() / plants.len() as f64
}

#[test]
fn it_ends_where_the_present_begins() {
    let past = past_until(END);
    assert_eq!(past.moments.len() as u64, PAST.as_secs() / PAST_INTERVAL.as_secs() + 1);
    let last = past.moments.last().expect("moments");
    assert_eq!((last.ts, past.moments[0].ts), (END, Micros(END.0 - 8 * MICROS_PER_DAY)));
    let (shown, fresh) = (&last.plant, Plant::default());
    assert_eq!((&past.present.motor, &past.present.tank), (&shown.motor, &shown.tank));
    assert_eq!(past.present.furnace, shown.furnace);
    assert_eq!((shown.motor.run, shown.motor.setpoint_rpm), (true, fresh.motor.setpoint_rpm));
    assert_eq!(shown.furnace.setpoint_c, fresh.furnace.setpoint_c);
    assert!((shown.furnace.chamber_c - 650.0).abs() < 1.0, "{shown:?}");
    for (counted, expected) in [
        (shown.motor.running_s, fresh.motor.running_s),
        (shown.motor.revolutions, fresh.motor.revolutions),
        (shown.furnace.energy_kwh, fresh.furnace.energy_kwh),
    ] {
        assert!((counted - expected).abs() < 1e-3, "{counted} is not {expected}");
    }
    let energy = past.moments.iter().map(|moment| moment.plant.furnace.energy_kwh);
    assert!(
        energy.is_sorted() && past.moments[0].plant.furnace.energy_kwh < fresh.furnace.energy_kwh - 500.0
    );
}

#[test]
fn a_week_has_shifts_a_weekend_and_what_goes_wrong() {
    let past = past_until(END);
    let saturday = END.day().start().0;
    let weekday_at = |days: i64, hour: i64| saturday - days * MICROS_PER_DAY + hour * MICROS_PER_HOUR;
    let hour = |from: i64| between(&past, from, MICROS_PER_HOUR).collect::<Vec<_>>();
    let (early, night, weekend) = (hour(weekday_at(3, 12)), hour(weekday_at(3, 23)), hour(weekday_at(6, 12)));
    let speed = |plants: &[&Plant]| mean(plants, |plant| plant.motor.rpm);
    let chamber = |plants: &[&Plant]| mean(plants, |plant| plant.furnace.chamber_c);
    assert!(speed(&early) > speed(&night) + 150.0 && speed(&weekend) < 1.0);
    assert!(chamber(&early) > chamber(&night) + 40.0 && chamber(&weekend) < 420.0);

    let highest = past.moments.iter().map(|moment| moment.plant.furnace.chamber_c).fold(0.0, f64::max);
    assert!((668.0..690.0).contains(&highest), "{highest}");
    let fullest = past.moments.iter().map(|moment| moment.plant.tank.level_pct).fold(0.0, f64::max);
    assert!(fullest > 86.0, "{fullest}");
    let away = past.moments.iter().filter(|moment| moment.plant.is_away(Protocol::Opcua)).count();
    assert_eq!(away, 24, "twenty minutes");
    let quiet = past.moments.iter().filter(|moment| moment.ts.0 > END.0 - UNDISTURBED_US / 2);
    for PastMoment { ts, plant } in quiet {
        let is_usual = (plant.motor.rpm - 1480.0).abs() < 1.0
            && (40.0..65.0).contains(&plant.tank.level_pct)
            && (645.0..655.0).contains(&plant.furnace.chamber_c);
        assert!(is_usual, "{ts}: {plant:?}");
    }
}

#[test]
fn the_noise_of_coarse_steps_is_that_of_fine_ones() {
    let spread = |advance: fn(&mut Plant)| {
        let mut plant = Plant::default();
        let values: Vec<(f64, f64)> = (0..400)
            .map(|_| {
                advance(&mut plant);
                (plant.motor.current_a, plant.furnace.chamber_c)
            })
            .skip(100)
            .collect();
        let spread_of = |of: fn(&(f64, f64)) -> f64| {
            let mean = values.iter().map(of).sum::<f64>() / values.len() as f64;
            (values.iter().map(|value| (of(value) - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
        };
        (spread_of(|value| value.0), spread_of(|value| value.1))
    };
    let fine = spread(|plant| plant.step(Duration::from_secs(10)));
    let coarse = spread(|plant| plant.leap(Duration::from_secs(10)));
    let ratios = (coarse.0 / fine.0, coarse.1 / fine.1);
    let is_alike = |ratio: f64| (0.6..1.6).contains(&ratio);
    assert!(is_alike(ratios.0) && is_alike(ratios.1), "{fine:?} {coarse:?}");
}
