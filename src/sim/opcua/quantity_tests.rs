//! Accepted and refused writes of quantities.

use super::*;

fn named(name: &str) -> &'static Quantity {
    QUANTITIES.iter().find(|quantity| quantity.name == name).expect("it is there")
}

#[test]
fn a_setting_takes_its_own_type_within_its_range() {
    for (name, value, expected) in [
        ("motor.setpoint", Variant::UInt16(3000), Ok(())),
        ("motor.setpoint", Variant::UInt16(3001), Err(StatusCode::BadOutOfRange)),
        ("motor.setpoint", Variant::Int32(5), Err(StatusCode::BadTypeMismatch)),
        ("motor.setpoint", Variant::Empty, Err(StatusCode::BadTypeMismatch)),
        ("motor.run", Variant::Boolean(false), Ok(())),
        ("tank.valve", Variant::Float(12.5), Ok(())),
        ("tank.valve", Variant::Float(f32::NAN), Err(StatusCode::BadOutOfRange)),
        ("tank.valve", Variant::Float(-0.5), Err(StatusCode::BadOutOfRange)),
        ("tank.valve", Variant::Double(12.5), Err(StatusCode::BadTypeMismatch)),
        ("motor.speed", Variant::Double(1.0), Err(StatusCode::BadNotWritable)),
    ] {
        let mut plant = Plant::default();
        let quantity = named(name);
        assert_eq!(quantity.write(&mut plant, &value), expected, "{name} {value:?}");
        match expected {
            Ok(()) => assert_eq!(quantity.read(&plant), value, "{name}"),
            Err(_) => assert_eq!(plant, Plant::default(), "{name}"),
        }
    }
}

#[test]
fn names_are_unique_and_every_type_has_its_kind() {
    let mut names: Vec<_> = QUANTITIES.iter().map(|quantity| quantity.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), QUANTITIES.len());
    for (name, kind) in [
        ("motor.run", StreamKind::Bit),
        ("furnace.duty", StreamKind::Byte),
        ("motor.setpoint", StreamKind::Uint16),
        ("tank.balance", StreamKind::Int32),
        ("furnace.energy", StreamKind::Int64),
        ("motor.revolutions", StreamKind::Uint64),
        ("motor.current", StreamKind::Fp32),
        ("motor.speed", StreamKind::Fp64),
    ] {
        assert_eq!(named(name).kind(), kind, "{name}");
    }
}

#[test]
fn times_are_whole_ticks() {
    assert_eq!(time().checked_ticks() % PLANT_TICK_100NS, 0);
}
