//! Table of numbers that are read as null, texts that stay, and arbitrary ones: strict JSON is never changed.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(text: &str) -> Option<Value> {
    parse(text.as_bytes()).ok()
}

/// An HTTP device went offline, and a message of MQTT was malformed, for one member.
#[test]
fn numbers_that_are_none_cost_their_member() {
    for number in [
        "NaN",
        "nan",
        "-nan",
        "NAN",
        "Infinity",
        "-Infinity",
        "+Infinity",
        "inf",
        "-inf",
        "INF",
        "1.#INF",
        "-1.#IND",
        "1.#QNAN0",
        "1e400",
        "-1e400",
        "1E+999",
    ] {
        assert_eq!(read(number), Some(Value::Null), "{number}");
        for (text, expected) in [
            (format!("{{\"a\":{number},\"d\":3}}"), json!({"a": null, "d": 3})),
            (format!("[{number},[1.5,{number}], {number} ]"), json!([null, [1.5, null], null])),
        ] {
            assert_eq!(read(&text), Some(expected), "{text}");
        }
    }
}

#[test]
fn what_is_in_strings_stays() {
    for text in [
        r#"{"a":NaN,"b":"NaN","NaN":1}"#,
        r#"{"a":NaN,"b":"x\",NaN,\"","NaN":1}"#,
        r#"{"a":NaN,"b":"\\","NaN":1}"#,
        r#"{"a":NaN,"b":"[inf, 1e400]","NaN":1}"#,
        r#"{"a":NaN,"b":"é\u0022inf","NaN":1}"#,
    ] {
        let strict = text.replacen("NaN", "null", 1);
        let expected: Value = serde_json::from_str(&strict).unwrap();
        assert_eq!(read(text), Some(expected), "{text}");
    }
}

#[test]
fn what_precedes_and_follows_is_no_part_of_it() {
    for text in ["{\"a\":1}\0", "\u{feff}{\"a\":1}", "\u{feff} {\"a\":1} \0\0\r\n\0"] {
        assert_eq!(read(text), Some(json!({"a": 1})), "{text:?}");
    }
    assert_eq!(read("\u{feff}{\"a\":NaN}\0"), Some(json!({"a": null})));
}

#[test]
fn what_is_no_json_otherwise_is_an_error() {
    for text in [
        "",
        "\0",
        "<html>",
        "{\"a\":NaN",
        "{\"a\":nano}",
        "{\"a\":NaN,}",
        "{NaN:1}",
        "{\"a\":1\0}",
        "{\"a\":\"NaN",
        "[1e]",
        "[nan(1)]",
        "[None]",
        "[0x10]",
        "[- inf]",
        "{\"a\":NaN}{\"b\":1}",
    ] {
        assert!(read(text).is_none(), "{text:?}");
    }
    let error = parse::<Value>(b"{\"a\":NaN,}").unwrap_err();
    assert!(error.to_string().ends_with("at line 1 column 6"), "of the text as it came: {error}");
}

/// A JSON value of any form.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[\"\\\\,:naNiIfF1e#é]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[\"\\\\naN,]{0,4}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn strict_json_is_not_rewritten(value in values()) {
        let text = value.to_string();
        prop_assert_eq!(rewrite(text.as_bytes()), None);
        prop_assert_eq!(read(&text), Some(value));
    }

    #[test]
    fn a_null_may_be_any_number_that_is_none(value in values(), number in "[-+]?(NaN|nan|Infinity|inf|1e999)") {
        let strict = json!([value, null, {"a": null}]).to_string();
        let text = format!("[{value},{number},{{\"a\":{number}}}]");
        let rewritten = rewrite(text.as_bytes());
        prop_assert_eq!(rewritten.as_deref(), Some(strict.as_bytes()));
        prop_assert_eq!(read(&text), read(&strict));
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(parse::<Value>(&bytes));
        if let Some(rewritten) = rewrite(&bytes) {
            prop_assert_eq!(rewrite(&rewritten), None, "once is enough");
        }
    }

    #[test]
    fn no_text_like_json_is_too_strange(text in "[\\[\\]{}:,\" \\\\+#.\\-0-9a-fnNiIyt\\x00]{0,80}") {
        drop(read(&text));
        if let Some(rewritten) = rewrite(text.as_bytes()) {
            prop_assert_eq!(rewrite(&rewritten), None, "{}", text);
        }
    }
}
