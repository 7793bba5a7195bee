//! Tests of the columns of readings.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};

use super::*;
use crate::app::export::fixed_columns::is_fixed_column;
use crate::domain::reading::Quality;
use crate::domain::{Micros, StreamId};

fn reading(value: Option<f64>, text: Option<&str>) -> Reading {
    let text = text.map(Box::from);
    Reading { stream: StreamId(1), ts: Micros(1), value, text, quality: Quality::Good }
}

/// The double, integer, boolean and text of one row.
type ValueRow = (Option<f64>, Option<i64>, Option<bool>, Option<String>);

fn shown(value_type: ValueType, reading: &Reading) -> ValueRow {
    let mut columns = ValueColumns::default();
    columns.append(value_type, reading);
    let [double, bigint, boolean, text] = columns.finish();
    (
        double.is_valid(0).then(|| double.as_primitive::<Float64Type>().value(0)),
        bigint.is_valid(0).then(|| bigint.as_primitive::<Int64Type>().value(0)),
        boolean.is_valid(0).then(|| boolean.as_boolean().value(0)),
        text.is_valid(0).then(|| text.as_string::<i32>().value(0).to_owned()),
    )
}

#[test]
fn a_value_is_in_the_column_of_its_type() {
    use ValueType::{Bigint, Boolean, Double, Text};
    let text = |text: &str| Some(text.to_owned());
    let rows: [(&str, ValueType, Reading, ValueRow); 9] = [
        ("number", Double, reading(Some(1.5), None), (Some(1.5), None, None, None)),
        ("integer", Bigint, reading(Some(-3.0), None), (None, Some(-3), None, None)),
        (
            "beyond_2_to_53",
            Bigint,
            reading(Some(9_007_199_254_740_993.0), Some("9007199254740993")),
            (None, Some(9_007_199_254_740_993), None, None),
        ),
        ("scaled", Bigint, reading(Some(0.5), None), (Some(0.5), None, None, None)),
        (
            "beyond_64_bits_with_a_sign",
            Double,
            reading(Some(1.8e19), Some("18000000000000000001")),
            (Some(1.8e19), None, None, text("18000000000000000001")),
        ),
        ("true", Boolean, reading(Some(1.0), None), (None, None, Some(true), None)),
        ("false", Boolean, reading(Some(0.0), None), (None, None, Some(false), None)),
        ("text", Text, reading(None, Some("on")), (None, None, None, text("on"))),
        ("nothing", Text, reading(None, None), (None, None, None, None)),
    ];
    for (name, value_type, reading, expected) in rows {
        assert_eq!(shown(value_type, &reading), expected, "{name}");
    }
}

#[test]
fn names_of_columns_are_those_of_the_contract() {
    let schema = schema(&ExportPlan::default());
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(
        names,
        [
            "timestamp",
            "device_id",
            "component_id",
            "sensor_id",
            "sensor_key",
            "value_type",
            "value_double",
            "value_bigint",
            "value_boolean",
            "value_text",
            "metadata",
        ]
    );
    assert!(is_fixed_column("metadata") && !is_fixed_column("temperature"));
}
