//! Schedules of faults, and which devices they disconnect.

use super::*;

fn when(start_s: u64, length_s: u64, every_s: Option<u64>) -> FaultSchedule {
    let seconds = Duration::from_secs;
    FaultSchedule { start: seconds(start_s), length: seconds(length_s), every: every_s.map(seconds) }
}

#[test]
fn faults_come_again() {
    let cases = [
        ("once", when(10, 5, None), vec![10, 14], vec![0, 9, 15, 110]),
        ("every_minute", when(10, 5, Some(60)), vec![10, 14, 70, 74, 130], vec![9, 15, 69, 75]),
        ("all_the_time", when(0, 5, Some(5)), vec![0, 4, 5, 999], vec![]),
    ];
    for (name, when, during, outside) in cases {
        let is_on = |at: &u64| when.elapsed(Duration::from_secs(*at)).is_some();
        assert!(during.iter().all(is_on) && !outside.iter().any(is_on), "{name}");
    }
    assert_eq!(when(10, 5, Some(60)).elapsed(Duration::from_secs(72)), Some(Duration::from_secs(2)));
}

#[test]
fn devices_are_away_by_protocol_or_all() {
    let at = Duration::from_secs(3);
    let faults = |of| {
        PlantFaults::new(vec![PlantFault { kind: FaultKind::Disconnect(of), schedule: when(2, 2, None) }])
    };
    for protocol in [Protocol::Modbus, Protocol::Fenet] {
        assert!(faults(None).is_disconnected(protocol, at));
        assert!(!faults(None).is_disconnected(protocol, Duration::from_secs(4)));
        assert_eq!(faults(Some(Protocol::Fenet)).is_disconnected(protocol, at), protocol == Protocol::Fenet);
    }
    assert!(!PlantFaults::new(Vec::new()).is_disconnected(Protocol::Modbus, at));
}
