//! Tests of reading bodies.

use axum::http::HeaderValue;
use axum::response::IntoResponse;
use serde_json::json;

use super::*;

fn fields(body: &Value) -> Fields {
    Fields::new(body.as_object().cloned().unwrap(), String::new())
}

fn problems(read: Fields) -> String {
    let messages: Vec<_> =
        read.problems.iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect();
    if read.is_malformed { "malformed".to_owned() } else { messages.join("; ") }
}

#[test]
fn members_are_read_by_type_and_all_mistakes_are_collected() {
    let mut read = fields(&json!({
        "text": "a", "null": null, "number": 1, "id": "x", "ids": ["y"], "time": "noon", "choice": "C",
        "rows": [{"a": 1}, {"a": null}], "count": 7, "negative": -1, "large": 4_294_967_296_i64,
    }));
    assert_eq!(read.text("text").as_deref(), Some("a"));
    assert_eq!((read.text("null"), read.text("absent")), (None, None));
    assert_eq!(read.number("number"), Some(1.0));
    assert_eq!((read.uuid("id"), read.uuids("ids"), read.time("time")), (None, Some(vec![]), None));
    assert_eq!(read.required_choice("choice", &["A", "B"], |name| name), None);
    assert_eq!(read.required_uuid("device"), None);
    let numbers = ["count", "negative", "large"].map(|name| read.unsigned(name, u32::MAX));
    assert_eq!(numbers, [Some(7), None, None]);
    for mut row in read.nested_list("rows", 2).unwrap() {
        row.required("a");
        read.absorb(row);
    }
    assert_eq!(
        problems(read),
        "id: must be a UUID; ids[0]: must be a UUID; time: must be an ISO-8601 time between 1970 and 2261; choice: must \
         be one of A, B; device: must not be null; negative: must be between 0 and 4294967295; large: must be between 0 \
         and 4294967295; rows[1].a: must not be null"
    );
}

#[test]
fn nested_objects_are_bounded_in_number_and_in_mistakes() {
    let mut read = fields(&json!({"rows": [{}, {}, {}]}));
    assert!(read.nested_list("rows", 2).is_none());
    assert_eq!(problems(read), "rows: size must be between 0 and 2");
    let mut read = fields(&json!({"more": vec![json!({}); 200]}));
    for mut row in read.nested_list("more", 200).unwrap() {
        row.required("a");
        read.absorb(row);
    }
    assert_eq!(read.problems.len(), 100);
    let mut read = fields(&json!({"mixed": [{}, 5]}));
    assert!(read.nested_list("mixed", 2).is_none());
    assert_eq!(problems(read), "malformed");
}

#[test]
fn another_json_type_is_a_malformed_body() {
    type Read = fn(&mut Fields) -> bool;
    let rows: [(Value, Read); 8] = [
        (json!({"a": 1}), |read| read.text("a").is_none()),
        (json!({"a": "1"}), |read| read.number("a").is_none()),
        (json!({"a": 1.5}), |read| read.integer("a").is_none()),
        (json!({"a": "true"}), |read| read.boolean("a").is_none()),
        (json!({"a": []}), |read| read.object("a").is_none()),
        (json!({"a": [1]}), |read| read.texts("a").is_none()),
        (json!({"a": {}}), |read| read.nested_list("a", 9).is_none()),
        (json!({"a": 5}), |read| read.uuid("a").is_none()),
    ];
    for (body, is_absent) in rows {
        let mut read = fields(&body);
        assert!(is_absent(&mut read), "{body}");
        assert_eq!(problems(read), "malformed", "{body}");
    }
}

#[test]
fn only_json_objects_are_bodies() {
    let rows = [
        ("application/json", "{}", 200),
        ("application/json; charset=utf-8", " {\"a\": 1} ", 200),
        ("application/merge-patch+json", "{}", 200),
        ("application/json", "", 400),
        ("", "", 400),
        ("application/json", "[]", 400),
        ("application/json", "{", 400),
        ("application/json", "null", 400),
        ("text/plain", "{}", 415),
        ("", "{}", 415),
        ("application/x-www-form-urlencoded", "a=1", 415),
    ];
    for (media, body, expected) in rows {
        let mut headers = HeaderMap::new();
        if !media.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        }
        let read = parse(&headers, Bytes::from_static(body.as_bytes()));
        let status = read.map_or_else(|error| error.into_response().status().as_u16(), |_| 200);
        assert_eq!(status, expected, "{media}: {body}");
    }
}

#[test]
fn a_rule_of_the_noun_does_not_repeat_a_problem() {
    let mut read = fields(&json!({}));
    read.required("name");
    let rules = vec![FieldError::new("name", "must not be blank"), FieldError::new("tags", "too many")];
    let response = read.finish(rules).unwrap_err();
    let text = format!("{response:?}");
    assert!(text.contains("must not be null") && !text.contains("must not be blank"), "{text}");
    assert!(text.contains("too many"), "{text}");
    // The rule saw the list without the element that is no id.
    let mut read = fields(&json!({"cameraIds": ["x"]}));
    read.uuids("cameraIds");
    let rules = vec![FieldError::new("cameras", "too few"), FieldError::new("tags[1]", "must be unique")];
    let text = format!("{:?}", read.finish(rules).unwrap_err());
    assert!(text.contains("must be a UUID") && !text.contains("too few"), "{text}");
    assert!(text.contains("must be unique"), "{text}");
}
