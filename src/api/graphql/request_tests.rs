//! Tests of parsing request bodies.

use super::*;

#[test]
fn a_body_is_one_operation_or_a_short_list() {
    let rows = [
        (r#"{"query": "{a}"}"#, None),
        (r#" [{"query": "{a}"}, {"query": "{b}"}]"#, None),
        (r#"{"query": "{a}", "variables": null, "operationName": null, "extensions": {}}"#, None),
        ("[]", Some("has no operation")),
        (r#"[{"query": "{a}"}, {"query": "{b}"}, {"query": "{c}"}]"#, Some("has 3 operations; at most 2")),
        ("", Some("the body is not")),
        ("{}", Some("missing field `query`")),
        (r#"{"query": 1}"#, Some("expected a string")),
        (r#"{"query": "{a}", "variables": []}"#, Some("expected a map")),
        (r#"{"query": "{a}", "operationName": 1}"#, Some("expected a string")),
        (r#"{"query": "{a}", "extensions": "x"}"#, Some("expected a map")),
    ];
    for (body, expected) in rows {
        let message = RequestBody::parse(body.as_bytes(), 2).err().map(|error| error.message);
        match expected {
            None => assert_eq!(message, None, "{body}"),
            Some(part) => {
                assert!(message.as_deref().is_some_and(|t| t.contains(part)), "{body}: {message:?}")
            }
        }
    }
}
