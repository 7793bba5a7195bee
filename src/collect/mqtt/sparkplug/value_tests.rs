//! Values in payloads that pysparkplug 0.6.1 has encoded (tests/data/sparkplug/), and in those of other edge nodes.

use proptest::prelude::*;

use super::*;
use crate::collect::mqtt::sparkplug::birth::Birth;
use crate::collect::mqtt::sparkplug::decode;
use crate::collect::mqtt::sparkplug::edge_node::bd_seq;
use crate::collect::mqtt::sparkplug::proto::{Payload, PropertySet, PropertyValue};

const BIRTH: &str = include_str!("../../../../tests/data/sparkplug/nbirth.hex");
const DEATH: &str = include_str!("../../../../tests/data/sparkplug/ndeath.hex");
const TIME: i64 = 1_777_377_600_000_000;

fn payload(hex: &str) -> Payload {
    let digits: String = hex.split_whitespace().collect();
    decode::payload(&hex::decode(digits).unwrap()).unwrap()
}

fn number(value: NumericValue) -> Result<DeviceValue, String> {
    Ok(DeviceValue::Number(value))
}

fn text(value: &str) -> Result<DeviceValue, String> {
    Ok(DeviceValue::Text(value.into()))
}

#[test]
fn a_birth_of_another_library_is_read_whole() {
    let found = payload(BIRTH);
    assert_eq!((found.seq, found.timestamp, bd_seq(&found)), (Some(0), Some(1_777_377_600_000), Some(7)));
    assert_eq!(bd_seq(&payload(DEATH)), Some(7));
    let source = "g/n#x".parse::<crate::collect::mqtt::sparkplug::address::MetricAddress>().unwrap().source;
    let (birth, problem) = Birth::new(&source, &found.metrics);
    assert_eq!(problem, None);
    let expected = [
        ("m/INT8", number(NumericValue::Int(-5))),
        ("m/INT16", number(NumericValue::Int(-300))),
        ("m/INT32", number(NumericValue::Int(-70_000))),
        ("m/INT64", number(NumericValue::Int(-5_000_000_000))),
        ("m/UINT8", number(NumericValue::Uint(200))),
        ("m/UINT16", number(NumericValue::Uint(60_000))),
        ("m/UINT32", number(NumericValue::Uint(4_000_000_000))),
        ("m/UINT64", number(NumericValue::Uint(u64::MAX))),
        ("m/FLOAT", number(NumericValue::Float(1.5))),
        ("m/DOUBLE", number(NumericValue::Float(-2.25))),
        ("m/BOOLEAN", number(NumericValue::Bit(true))),
        ("m/STRING", text("run")),
        ("m/TEXT", text("long")),
        ("m/UUID", text("4b3f")),
        ("m/DATETIME", number(NumericValue::Uint(1_777_377_600_000))),
        ("null", Err("the value is null".to_owned())),
        ("past", number(NumericValue::Float(3.0))),
        ("bdSeq", number(NumericValue::Int(7))),
    ];
    assert_eq!(found.metrics.len(), expected.len());
    for (index, (metric, (name, value))) in found.metrics.iter().zip(expected).enumerate() {
        let data_type = birth.named(name).unwrap().data_type;
        let sample = read(metric, data_type, None);
        let time = sample.as_ref().ok().and_then(|sample| sample.source_time);
        assert_eq!(sample.clone().map(|sample| sample.value), value, "{name}");
        if index < 15 {
            assert_eq!(time, Some(Micros(TIME + index as i64 * 1000)), "{name}");
        }
        assert_eq!(sample.is_ok_and(|sample| sample.is_historical), name == "past", "{name}");
    }
}

#[test]
fn integers_are_read_however_wide_their_sign_is() {
    for (data_type, encoded, expected) in [
        (DataType::Int8, MetricValue::Int(0xFB), Some(-5)),
        (DataType::Int8, MetricValue::Int(0xFFFF_FFFB), Some(-5)),
        (DataType::Int8, MetricValue::Int(0x17B), None),
        (DataType::Int16, MetricValue::Int(0xFED4), Some(-300)),
        (DataType::Int16, MetricValue::Int(0xFFFF_FED4), Some(-300)),
        (DataType::Int32, MetricValue::Int(0xFFFF_FFFF), Some(-1)),
        (DataType::Int32, MetricValue::Long(u64::MAX), Some(-1)),
        (DataType::Int64, MetricValue::Long(u64::MAX), Some(-1)),
        (DataType::Uint32, MetricValue::Long(4_000_000_000), Some(4_000_000_000)),
        (DataType::Uint32, MetricValue::Long(5_000_000_000), None),
        (DataType::Uint8, MetricValue::Int(256), None),
        (DataType::Boolean, MetricValue::Int(1), None),
        (DataType::String, MetricValue::Double(1.0), None),
    ] {
        let metric = Metric { value: Some(encoded.clone()), ..Metric::default() };
        let whole = read(&metric, data_type, None).ok().map(|sample| match sample.value {
            DeviceValue::Number(number) => number.to_integer().unwrap(),
            DeviceValue::Text(_) => panic!("{encoded:?}"),
        });
        assert_eq!(whole, expected, "{data_type} {encoded:?}");
    }
}

/// Plant C6.
#[test]
fn a_value_in_the_field_of_another_type_is_bad_with_words() {
    for (data_type, encoded) in [
        (DataType::Float, MetricValue::Double(1.5)),
        (DataType::Double, MetricValue::Int(1)),
        (DataType::Boolean, MetricValue::Int(1)),
        (DataType::Boolean, MetricValue::Long(1)),
        (DataType::Int32, MetricValue::Float(1.0)),
        (DataType::Uint8, MetricValue::Boolean(true)),
    ] {
        let metric = Metric { value: Some(encoded), ..Metric::default() };
        let expected = format!("the value is encoded otherwise than its type {data_type} is");
        assert_eq!(read(&metric, data_type, None).unwrap_err(), expected);
    }
    // A double holds what a float holds.
    let metric = Metric { value: Some(MetricValue::Float(1.5)), ..Metric::default() };
    let sample = read(&metric, DataType::Double, None).unwrap();
    assert_eq!(sample.value, DeviceValue::Number(NumericValue::Float(1.5)));
}

#[test]
fn quality_and_time_come_from_metric_or_payload() {
    let with_quality = |code: Option<u32>, long: Option<u64>| {
        let properties = PropertySet {
            keys: vec!["engUnit".to_owned(), "Quality".to_owned()],
            values: vec![PropertyValue::default(), PropertyValue { int_value: code, long_value: long }],
        };
        let value = Some(MetricValue::Double(1.0));
        let metric = Metric { value, properties: Some(properties), ..Metric::default() };
        read(&metric, DataType::Double, Some(1_777_377_600_000))
            .map(|sample| (sample.quality, sample.source_time))
    };
    let time = Some(Micros(TIME));
    for (code, long, expected) in [
        (None, None, Ok((Quality::Good, time))),
        (Some(192), None, Ok((Quality::Good, time))),
        (None, Some(192), Ok((Quality::Good, time))),
        (Some(500), None, Ok((Quality::Uncertain, time))),
        (Some(64), None, Ok((Quality::Uncertain, time))),
        (Some(0), None, Err("the edge node says that the quality is bad".to_owned())),
    ] {
        assert_eq!(with_quality(code, long), expected, "{code:?} {long:?}");
    }
    let far =
        Metric { value: Some(MetricValue::Double(1.0)), timestamp: Some(u64::MAX), ..Metric::default() };
    assert_eq!(read(&far, DataType::Double, None).unwrap().source_time, None);
}

#[test]
fn what_is_not_read_says_so() {
    for (data_type, value, why) in [
        (DataType::Template, Some(MetricValue::Template(Vec::new())), "have the edge node send its members"),
        (DataType::from_number(17), Some(MetricValue::Bytes(vec![1])), "metrics of Bytes are not read"),
        (DataType::from_number(24), Some(MetricValue::Bytes(vec![1])), "metrics of an array (type 24)"),
        (DataType::Double, None, "the metric has no value"),
    ] {
        let error = read(&Metric { value, ..Metric::default() }, data_type, None).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_command_is_refused_where_the_type_cannot_hold_it() {
    let int = |whole| DeviceValue::Number(NumericValue::Int(whole));
    for (data_type, value, expected) in [
        (DataType::Boolean, int(1), Ok(MetricValue::Boolean(true))),
        (DataType::Boolean, int(2), Err("2 is no Boolean")),
        (DataType::Int8, int(-128), Ok(MetricValue::Int(0xFFFF_FF80))),
        (DataType::Int8, int(128), Err("128 is no Int8")),
        (DataType::Uint64, int(-1), Err("-1 is no UInt64")),
        (DataType::Int64, int(-1), Ok(MetricValue::Long(u64::MAX))),
        (DataType::Float, DeviceValue::Number(NumericValue::Float(1e300)), Err("1e+300 is no Float")),
        (DataType::Int32, DeviceValue::Number(NumericValue::Float(1.5)), Err("1.5 is no Int32")),
        (DataType::Double, DeviceValue::Text("x".into()), Err("\"x\" is no Double")),
        (DataType::String, int(5), Ok(MetricValue::Text("5".to_owned()))),
        (
            DataType::DateTime,
            DeviceValue::Text("2026-04-28T12:00:00Z".into()),
            Ok(MetricValue::Long(1_777_377_600_000)),
        ),
        (DataType::DataSet, int(1), Err("metrics of DataSet are not written")),
    ] {
        assert_eq!(encode(&value, data_type), expected.map_err(str::to_owned), "{data_type} {value}");
    }
}

proptest! {
    #[test]
    fn a_number_that_is_written_is_read_again(whole in any::<i64>(), number in 1_u32..=8, narrow in 0_u32..64) {
        let data_type = DataType::from_number(number);
        let value = DeviceValue::Number(NumericValue::Int(whole >> narrow));
        if let Ok(encoded) = encode(&value, data_type) {
            let metric = Metric { value: Some(encoded), ..Metric::default() };
            let read = read(&metric, data_type, None).unwrap().value;
            prop_assert_eq!(read.to_json(), value.to_json());
        }
    }
}
