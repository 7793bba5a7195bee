//! Tests of request parsing and of telling request kinds apart.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderName};

use super::*;

fn headers(name: HeaderName, value: &str) -> HeaderMap {
    [(name, value.parse().expect("a header"))].into_iter().collect()
}

#[test]
fn the_better_media_type_is_chosen() {
    let rows = [
        ("application/graphql-response+json", Some(RESPONSE_MEDIA_TYPES[0])),
        ("application/json, application/graphql-response+json;q=0.9", Some(RESPONSE_MEDIA_TYPES[0])),
        ("application/json", Some(RESPONSE_MEDIA_TYPES[1])),
        ("Application/JSON; charset=utf-8", Some(RESPONSE_MEDIA_TYPES[1])),
        ("*/*", Some(RESPONSE_MEDIA_TYPES[1])),
        ("application/*", Some(RESPONSE_MEDIA_TYPES[1])),
        ("text/html", None),
    ];
    for (accept, expected) in rows {
        assert_eq!(media(&headers(ACCEPT, accept)).ok(), expected, "{accept}");
    }
    assert_eq!(media(&HeaderMap::new()).ok(), Some(RESPONSE_MEDIA_TYPES[1]));
}

#[test]
fn only_json_in_utf_8_is_read() {
    let rows = [
        ("application/json", true),
        ("application/json; charset=utf-8", true),
        ("application/json; charset=\"UTF-8\"", true),
        ("application/json; charset=latin1", false),
        ("text/plain", false),
        ("", false),
    ];
    for (given, is_read) in rows {
        assert_eq!(check_content_type(&headers(CONTENT_TYPE, given)).is_ok(), is_read, "{given}");
    }
    assert!(check_content_type(&HeaderMap::new()).is_err());
}

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
        let told = parse(body.as_bytes(), 2).err().map(|error| error.message);
        match expected {
            None => assert_eq!(told, None, "{body}"),
            Some(part) => assert!(told.as_deref().is_some_and(|t| t.contains(part)), "{body}: {told:?}"),
        }
    }
}
