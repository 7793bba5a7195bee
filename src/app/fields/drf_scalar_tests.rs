//! Tests of Django REST framework's leniency, value by value.

use serde_json::{Value, json};

use super::*;

fn text_of<T: std::fmt::Debug>(result: Result<T, String>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(message) => message,
    }
}

#[test]
fn integers() {
    let cases = [
        (json!(12), "12"),
        (json!("12"), "12"),
        (json!(" +12 "), "12"),
        (json!("-3"), "-3"),
        (json!(12.0), "12"),
        (json!("12.00"), "12"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!(12.5), INTEGER),
        (json!("12.5"), INTEGER),
        (json!(true), INTEGER),
        (json!(""), INTEGER),
        (json!("-"), INTEGER),
        (json!("1_000"), INTEGER),
        (json!("0x10"), INTEGER),
        (json!([1]), INTEGER),
        (json!({}), INTEGER),
    ];
    for (value, expected) in cases {
        assert_eq!(text_of(whole(&value)), expected, "{value}");
    }
    assert!(whole(&json!("9".repeat(1000))).unwrap() > i128::from(u64::MAX));
}

#[test]
fn ranges_name_the_bound_that_is_crossed() {
    assert_eq!(within(5, 0..=255), Ok(5));
    assert_eq!(within(-1, 0..=255), Err("Ensure this value is greater than or equal to 0.".into()));
    assert_eq!(within(256, 0..=255), Err("Ensure this value is less than or equal to 255.".into()));
}

#[test]
fn numbers() {
    let cases = [
        (json!(1.5), "1.5"),
        (json!(2), "2.0"),
        (json!("1e3"), "1000.0"),
        (json!("NaN"), NUMBER),
        (json!("inf"), NUMBER),
        (json!("-Infinity"), NUMBER),
        (json!("1e999"), NUMBER),
        (json!(false), NUMBER),
        (json!(""), NUMBER),
        (json!([]), NUMBER),
    ];
    for (value, expected) in cases {
        assert_eq!(text_of(number(&value)), expected, "{value}");
    }
}

#[test]
fn booleans() {
    let cases = [
        (json!(true), "true"),
        (json!(0), "false"),
        (json!(1.0), "true"),
        (json!("Yes"), "true"),
        (json!("off"), "false"),
        (json!(2), BOOLEAN),
        (json!("maybe"), BOOLEAN),
        (json!([]), BOOLEAN),
    ];
    for (value, expected) in cases {
        assert_eq!(text_of(boolean(value.clone())), expected, "{value}");
    }
}

#[test]
fn strings_and_objects() {
    let cases = [
        (json!("a"), "\"a\""),
        (json!(5), "\"5\""),
        (json!(true), STRING),
        (json!(["a"]), STRING),
        (json!("a\u{0}b"), NUL),
    ];
    for (value, expected) in cases {
        assert_eq!(text_of(text(value.clone())), expected, "{value}");
    }
    assert_eq!(object(json!({"a": [1]})).unwrap()["a"], json!([1]));
    assert_eq!(object(json!([])), Err("Expected a dictionary of items but got type \"list\".".into()));
    assert_eq!(object(json!("x")), Err("Expected a dictionary of items but got type \"str\".".into()));
    assert_eq!(object(json!({"a": [{"b\u{0}": 1}]})), Err(NUL.into()));
}

#[test]
fn row_ids() {
    let mistyped = |name: &str| format!("Incorrect type. Expected pk value, received {name}.");
    let cases: [(Value, String); 9] = [
        (json!(7), "7".into()),
        (json!("7"), "7".into()),
        (json!("abc"), mistyped("str")),
        (json!(true), mistyped("bool")),
        (json!([1]), mistyped("list")),
        (json!({}), mistyped("dict")),
        (json!(1.5), mistyped("float")),
        (json!(0), no_such_row(0)),
        (json!(99_999_999_999_i64), no_such_row(99_999_999_999_i64)),
    ];
    for (value, expected) in cases {
        assert_eq!(text_of(row_id(&value)), expected, "{value}");
    }
}

#[test]
fn timestamps() {
    let cases = [
        (json!("2026-04-28T12:00:00Z"), Some("2026-04-28T12:00:00Z")),
        (json!("2026-04-28T14:00:00+02:00"), Some("2026-04-28T12:00:00Z")),
        (json!("2026-04-28"), Some("2026-04-28T00:00:00Z")),
        (json!(1_777_377_600), Some("2026-04-28T12:00:00Z")),
        (json!(1_777_377_600.25), Some("2026-04-28T12:00:00.250000Z")),
        (json!("1777377600"), Some("2026-04-28T12:00:00Z")),
        (json!(-1), None),
        (json!("9999-01-01"), None),
        (json!("yesterday"), None),
        (json!(""), None),
        (json!(true), None),
    ];
    for (value, expected) in cases {
        let got = timestamp(&value).map(|ts| ts.to_iso());
        assert_eq!(got, expected.map(str::to_owned).ok_or_else(|| DATETIME.to_owned()), "{value}");
    }
}
