//! Tests of the duration fields of a retention policy.

use serde_json::{Value, json};

use super::*;
use crate::app::fields::json_source::JsonObject;
use crate::app::fields::reader::ReadMode;

#[test]
fn durations_are_read_in_three_units() {
    let one_unit = format!("non_field_errors: {ONE_UNIT}");
    let most = |name: &str, n: u64| format!("{name}: Ensure this value is less than or equal to {n}.");
    type Case = (&'static str, Value, Result<Option<i64>, String>);
    let cases: Vec<Case> = vec![
        ("seconds", json!({"drop_after_seconds": 60}), Ok(Some(60))),
        ("hours", json!({"drop_after_hours": 2}), Ok(Some(7200))),
        ("days", json!({"drop_after_days": 30}), Ok(Some(2_592_000))),
        ("a_fraction_is_rounded_down", json!({"drop_after_seconds": 1.9}), Ok(Some(1))),
        ("not_what_floats_lose", json!({"drop_after_hours": 0.29}), Ok(Some(1044))),
        ("half_a_day", json!({"drop_after_days": 0.5}), Ok(Some(43_200))),
        ("text", json!({"drop_after_days": " 1 "}), Ok(Some(86_400))),
        ("zero", json!({"drop_after_seconds": 0}), Ok(None)),
        ("less_than_a_second", json!({"drop_after_seconds": 0.9}), Ok(None)),
        ("negative", json!({"drop_after_days": -3}), Ok(None)),
        ("the_longest", json!({"drop_after_seconds": 9_214_646_400_u64}), Ok(Some(9_214_646_400))),
        ("none", json!({}), Err(one_unit.clone())),
        ("two", json!({"drop_after_days": 1, "drop_after_hours": 1}), Err(one_unit)),
        (
            "null",
            json!({"drop_after_days": null}),
            Err("drop_after_days: This field may not be null.".into()),
        ),
        (
            "no_number",
            json!({"drop_after_days": "x"}),
            Err("drop_after_days: A valid number is required.".into()),
        ),
        (
            "a_boolean",
            json!({"drop_after_days": true}),
            Err("drop_after_days: A valid number is required.".into()),
        ),
        ("too_long", json!({"drop_after_seconds": 1e300}), Err(most("drop_after_seconds", 9_214_646_400))),
        ("too_many_days", json!({"drop_after_days": 106_652}), Err(most("drop_after_days", 106_651))),
    ];
    for (name, body, expected) in cases {
        let Value::Object(map) = body else { panic!("{name}") };
        let found =
            read_drop_after(FieldReader::new(JsonObject::new(map), ReadMode::Whole)).map_err(|e| e.message);
        assert_eq!(found, expected, "{name}");
    }
}
