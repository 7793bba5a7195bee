//! Many signals that all change at every full second, to measure how much a client can take. Each value follows from
//! the signal's number and source time, so that lost, late or wrong values are noticed.

use opcua::types::{DataValue, DateTime, StatusCode, Variant};

/// Number of signals.
pub const SIGNAL_COUNT: u32 = 2000;
/// Ticks of OPC UA times, of 100 ns each.
pub const TICKS_PER_SECOND: i64 = 10_000_000;

/// The whole seconds in a time, counted from OPC UA's epoch.
pub fn whole_seconds(time: DateTime) -> i64 {
    time.checked_ticks().div_euclid(TICKS_PER_SECOND)
}

/// Name of a signal.
pub fn name(number: u32) -> String {
    format!("signals.{number}")
}

/// Value of a signal from this second on: (seconds since 1970 + 7 × number) modulo 1000, in tenths.
pub fn value_at(number: u32, second: i64) -> DataValue {
    const SECONDS_TO_1970: i64 = 11_644_473_600;
    let tenths = (second - SECONDS_TO_1970 + 7 * i64::from(number)).rem_euclid(1000);
    DataValue {
        value: Some(Variant::Double(tenths as f64 / 10.0)),
        status: Some(StatusCode::Good),
        source_timestamp: Some(DateTime::from(second * TICKS_PER_SECOND)),
        server_timestamp: Some(DateTime::now()),
        ..DataValue::null()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_known_from_its_number_and_time() {
        // 2026-04-28T12:00:00Z, 1777377600 s after 1970.
        let noon = whole_seconds(DateTime::from((2026, 4, 28, 12, 0, 0)));
        for (number, later, expected) in
            [(0, 0, 60.0), (1, 0, 60.7), (0, 1, 60.1), (57, 0, 99.9), (58, 0, 0.6)]
        {
            let value = value_at(number, noon + later);
            assert_eq!(value.value, Some(Variant::Double(expected)), "{number} after {later} s");
            assert_eq!(value.source_timestamp.map(whole_seconds), Some(noon + later));
        }
    }
}
