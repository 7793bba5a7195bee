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
