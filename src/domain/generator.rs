//! Signal generators of `virtual` devices, configured in the metadata of a stream.
//!
//! Settings are read from the stream's metadata, else from its device's: `generator` (`sine` or `random`),
//! `amplitude` and `mean` of the values, and `frequency`: the period of a sine, or the time for which a random value
//! is held, in seconds. A value depends only on the settings, the stream and the time, so repeated reads agree.

use std::f64::consts::TAU;

use serde_json::{Map, Value};

use super::stream::StreamKind;
use super::{FieldError, Micros, StreamId};

const DEFAULT_PERIOD_S: f64 = 60.0;
/// Upper bound: a hundred days. Lower bound: shorter than any poll interval, so less would be of no use.
const PERIOD_RANGE_S: std::ops::RangeInclusive<f64> = 0.001..=8_640_000.0;
/// Beyond this, mean plus amplitude may overflow to infinity.
const MAX_MAGNITUDE: f64 = 1e300;

/// Shape of the generated signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wave {
    /// A sine with phase zero at 1970-01-01T00:00:00Z.
    Sine {
        /// Period in microseconds, 1,000 to 8.64e12.
        period_us: i64,
    },
    /// Uniformly distributed values. With `hold_us` 1, every microsecond has its own value.
    Random {
        /// Time for which a value is held, microseconds.
        hold_us: i64,
    },
}

/// Generates values between `mean - amplitude` and `mean + amplitude`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Generator {
    /// Shape and period.
    pub wave: Wave,
    /// Largest deviation from the mean, in the stream's unit; zero or more.
    pub amplitude: f64,
    /// Centre of the values, in the stream's unit.
    pub mean: f64,
}

impl Generator {
    /// Reads the generator of a stream; `None` when neither its metadata nor its device's names one.
    ///
    /// # Errors
    /// The invalid setting, reported for the field `metadata`.
    pub fn from_metadata(
        device: &Map<String, Value>,
        stream: &Map<String, Value>,
    ) -> Result<Option<Self>, FieldError> {
        let setting = |name: &str| {
            let value_of =
                |map: &'_ Map<String, Value>| map.get(name).filter(|value| !value.is_null()).cloned();
            value_of(stream).or_else(|| value_of(device))
        };
        let Some(word) = setting("generator") else { return Ok(None) };
        let number = |name: &str| match setting(name) {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) if number.abs() <= MAX_MAGNITUDE => Ok(Some(number)),
                _ => Err(wrong(format!("{name}: {value} is not a number."))),
            },
        };
        let frequency = number("frequency")?;
        if let Some(seconds) = frequency.filter(|seconds| !PERIOD_RANGE_S.contains(seconds)) {
            let (least, most) = (PERIOD_RANGE_S.start(), PERIOD_RANGE_S.end());
            return Err(wrong(format!("frequency: {seconds} is not from {least} to {most} seconds.")));
        }
        let period_us = frequency.map(|seconds| (seconds * 1e6).round() as i64);
        let wave = match word.as_str() {
            Some("sine") => Wave::Sine { period_us: period_us.unwrap_or((DEFAULT_PERIOD_S * 1e6) as i64) },
            Some("random") => Wave::Random { hold_us: period_us.unwrap_or(1) },
            _ => return Err(wrong(format!("generator: {word} is not one of \"sine\", \"random\"."))),
        };
        let amplitude = number("amplitude")?.unwrap_or(1.0);
        if amplitude < 0.0 {
            return Err(wrong(format!("amplitude: {amplitude} is less than 0.")));
        }
        Ok(Some(Generator { wave, amplitude, mean: number("mean")?.unwrap_or(0.0) }))
    }

    /// Checks that every generated value fits `kind`; a mismatch is reported for the field `metadata`.
    pub fn check(&self, kind: StreamKind) -> Result<(), FieldError> {
        if !kind.is_register_kind() {
            let nature = if kind.is_numeric() { "a quantity" } else { "numeric" };
            return Err(wrong(format!("generator: it makes numbers, but {kind} is not {nature}.")));
        }
        let (low, high) = (self.mean - self.amplitude, self.mean + self.amplitude);
        let largest = kind.largest_float().unwrap_or(f64::MAX);
        let (least, most) = match kind.integer_range() {
            Some(range) => (*range.start() as f64, *range.end() as f64),
            None => (-largest, largest),
        };
        if low.round() < least || high.round() > most {
            let named =
                format!("generator: values from {low} to {high} do not fit {kind} ({least} to {most})");
            return Err(wrong(format!("{named}; set mean and amplitude.")));
        }
        Ok(())
    }

    /// The value of `stream` at time `at`.
    pub fn value(&self, stream: StreamId, at: Micros) -> f64 {
        let unit = match self.wave {
            Wave::Sine { period_us } => {
                let phase = at.0.rem_euclid(period_us) as f64 / period_us as f64;
                (phase * TAU).sin()
            }
            Wave::Random { hold_us } => {
                let seed = (stream.0 as u64).wrapping_mul(0xD134_2543_DE82_EF95);
                let bits = mix(seed ^ at.0.div_euclid(hold_us) as u64) >> 11;
                bits as f64 / (1_u64 << 52) as f64 - 1.0
            }
        };
        self.mean + self.amplitude * unit
    }
}

/// SplitMix64's finaliser: maps neighbouring numbers to unrelated ones.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn wrong(message: String) -> FieldError {
    FieldError::new("metadata", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(device: Value, stream: Value) -> Result<Option<Generator>, FieldError> {
        let map = |value: Value| value.as_object().cloned().unwrap();
        Generator::from_metadata(&map(device), &map(stream))
    }

    #[test]
    fn settings_are_the_streams_then_the_devices() {
        let sine = |seconds: i64, amplitude, mean| {
            Some(Generator { wave: Wave::Sine { period_us: seconds * 1_000_000 }, amplitude, mean })
        };
        let rows = [
            ("none", json!({}), json!({"frequency": 3}), None),
            ("by_default", json!({}), json!({"generator": "sine"}), sine(60, 1.0, 0.0)),
            ("of_the_device", json!({"generator": "sine", "frequency": 10}), json!({}), sine(10, 1.0, 0.0)),
            (
                "both",
                json!({"generator": "random", "mean": 5, "frequency": 10}),
                json!({"generator": "sine", "amplitude": 2.5, "frequency": null}),
                sine(10, 2.5, 5.0),
            ),
        ];
        for (name, device, stream, expected) in rows {
            assert_eq!(of(device, stream).unwrap(), expected, "{name}");
        }
        let generator = of(json!({}), json!({"generator": "random", "frequency": 0.5})).unwrap().unwrap();
        assert_eq!(generator.wave, Wave::Random { hold_us: 500_000 });
    }

    #[test]
    fn bad_settings_are_named() {
        let rows = [
            (json!({"generator": "saw"}), "generator: \"saw\" is not one of \"sine\", \"random\""),
            (json!({"generator": 1}), "generator: 1 is not one of"),
            (json!({"generator": "sine", "frequency": 0}), "frequency: 0 is not from 0.001"),
            (json!({"generator": "sine", "frequency": "fast"}), "frequency: \"fast\" is not a number"),
            (json!({"generator": "sine", "amplitude": -1}), "amplitude: -1 is less than 0"),
            (json!({"generator": "sine", "mean": [1]}), "mean: [1] is not a number"),
            (json!({"generator": "sine", "mean": 1e308}), "mean: 1e+308 is not a number"),
        ];
        for (stream, part) in rows {
            let error = of(json!({}), stream.clone()).unwrap_err();
            assert_eq!(error.field, "metadata");
            assert!(error.message.contains(part), "{stream}: {}", error.message);
        }
    }

    #[test]
    fn what_it_says_fits_the_stream_or_is_refused() {
        let rows = [
            (StreamKind::Fp64, json!({"generator": "sine", "amplitude": 1e300, "mean": 1e300}), true),
            (StreamKind::Int16, json!({"generator": "sine", "amplitude": 32767}), true),
            (StreamKind::Int16, json!({"generator": "sine", "amplitude": 32769}), false),
            (StreamKind::Uint16, json!({"generator": "sine"}), false),
            (StreamKind::Uint16, json!({"generator": "random", "amplitude": 10, "mean": 10}), true),
            (StreamKind::Byte, json!({"generator": "sine", "amplitude": 1, "mean": 255}), false),
            (StreamKind::Fp16, json!({"generator": "sine", "mean": 65504}), false),
            (StreamKind::Bit, json!({"generator": "sine"}), true),
            (StreamKind::Text, json!({"generator": "sine"}), false),
            (StreamKind::Enum, json!({"generator": "random"}), false),
        ];
        for (kind, stream, is_fit) in rows {
            let generator = of(json!({}), stream.clone()).unwrap().unwrap();
            assert_eq!(generator.check(kind).is_ok(), is_fit, "{kind} {stream}");
        }
    }

    #[test]
    fn a_value_follows_from_stream_and_time() {
        let sine = of(json!({}), json!({"generator": "sine", "frequency": 8, "amplitude": 2, "mean": 10}))
            .unwrap()
            .unwrap();
        for (second, expected) in
            [(0, 10.0), (2, 12.0), (4, 10.0), (6, 8.0), (8, 10.0), (1_777_377_602, 12.0)]
        {
            let value = sine.value(StreamId(1), Micros(second * 1_000_000));
            assert!((value - expected).abs() < 1e-9, "{second}: {value}");
        }
        let random = of(json!({}), json!({"generator": "random", "frequency": 1, "amplitude": 3, "mean": 1}))
            .unwrap()
            .unwrap();
        let at = |stream, us| random.value(StreamId(stream), Micros(us));
        assert_eq!(at(1, 0), at(1, 999_999), "it is held");
        assert_ne!(at(1, 0), at(1, 1_000_000));
        assert_ne!(at(1, 0), at(2, 0));
        let values: Vec<f64> = (0..10_000).map(|second| at(7, second * 1_000_000)).collect();
        assert!(values.iter().all(|value| (-2.0..=4.0).contains(value)));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!((mean - 1.0).abs() < 0.1, "{mean}");
        let in_upper_tenth = values.iter().filter(|value| **value > 3.4).count();
        assert!((800..1200).contains(&in_upper_tenth), "{in_upper_tenth}");
    }
}
