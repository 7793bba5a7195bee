//! The time that a message gives: a number since 1970, or ISO 8601. Pure.

use serde_json::{Number, Value as Json};

use crate::domain::Micros;

/// Below this a number is seconds (until the year 5138); below each of the next, which are a thousand times larger,
/// milliseconds, microseconds; otherwise nanoseconds.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// Parses a time. `None` for anything else, and outside the years 1970 to 2261.
pub fn parse(found: &Json) -> Option<Micros> {
    let time = match found {
        Json::Number(number) => from_number(number),
        Json::String(text) => match text.trim().parse::<Number>() {
            Ok(number) => from_number(&number),
            Err(_) => Micros::parse(text),
        },
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    };
    time.filter(|time| time.is_storable())
}

fn from_number(number: &Number) -> Option<Micros> {
    if let Some(whole) = number.as_i64() {
        let micros = match divisor(whole.unsigned_abs() as f64) {
            Unit::Larger(factor) => whole.checked_mul(factor)?,
            Unit::Nanoseconds => whole / 1000,
        };
        return Some(Micros(micros));
    }
    let decimal = number.as_f64()?;
    let micros = match divisor(decimal.abs()) {
        Unit::Larger(factor) => decimal * factor as f64,
        Unit::Nanoseconds => decimal / 1000.0,
    };
    // A conversion that saturates is outside the valid years.
    Some(Micros(micros.round() as i64))
}

enum Unit {
    /// Microseconds in one.
    Larger(i64),
    Nanoseconds,
}

fn divisor(size: f64) -> Unit {
    let milliseconds = FIRST_MILLISECONDS as f64;
    if size < milliseconds {
        Unit::Larger(1_000_000)
    } else if size < milliseconds * 1e3 {
        Unit::Larger(1000)
    } else if size < milliseconds * 1e6 {
        Unit::Larger(1)
    } else {
        Unit::Nanoseconds
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOON: i64 = 1_777_377_600_000_000;

    #[test]
    fn a_time_is_since_1970_or_iso() {
        for (input, expected) in [
            (json!(1_777_377_600), Some(NOON)),
            (json!(1_777_377_600.25), Some(NOON + 250_000)),
            (json!(1_777_377_600_000_i64), Some(NOON)),
            (json!(1_777_377_600_250.5), Some(NOON + 250_500)),
            (json!(NOON + 7), Some(NOON + 7)),
            (json!(1_777_377_600_000_000_999_i64), Some(NOON)),
            (json!("1777377600000"), Some(NOON)),
            (json!("1777377600.5"), Some(NOON + 500_000)),
            (json!("2026-04-28T12:00:00Z"), Some(NOON)),
            (json!("2026-04-28T14:00:00.5+02:00"), Some(NOON + 500_000)),
            (json!("2026-04-28 12:00:00"), Some(NOON)),
            (json!(0), Some(0)),
            (json!(-1), None),
            (json!(1e300), None),
            (json!("noon"), None),
            (json!(""), None),
            (json!(true), None),
            (json!(null), None),
            (json!([1_777_377_600]), None),
        ] {
            assert_eq!(parse(&input), expected.map(Micros), "{input}");
        }
    }

    proptest! {
        #[test]
        fn seconds_and_milliseconds_of_a_time_are_that_time(second in 100_000_000_i64..9_000_000_000) {
            let time = Micros(second * 1_000_000);
            let expected = Some(time);
            prop_assert_eq!(parse(&json!(second)), expected);
            prop_assert_eq!(parse(&json!(second * 1000)), expected);
            prop_assert_eq!(parse(&json!(time.to_iso())), expected);
        }

        #[test]
        fn any_number_is_storable_or_none(number in any::<f64>(), whole in any::<i64>()) {
            for input in [json!(number), json!(whole), json!(whole.to_string())] {
                prop_assert!(parse(&input).is_none_or(Micros::is_storable));
            }
        }
    }
}
