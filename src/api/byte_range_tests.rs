//! Tests of ranges: which part of ten bytes is asked for.

use axum::http::HeaderName;
use proptest::prelude::*;

use super::*;

const TAG: &str = "\"a\"";

fn asked(headers: &[(HeaderName, &str)]) -> Result<Option<Range<u64>>, u64> {
    let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
    requested(&headers.collect(), 10, TAG).map_err(|error| match error {
        HttpError::RangeNotSatisfiable(size) => size,
        other => panic!("{other:?}"),
    })
}

#[test]
fn one_range_is_served_and_anything_else_is_the_whole() {
    let rows = [
        ("bytes=0-0", Ok(Some(0..1))),
        ("bytes=0-9", Ok(Some(0..10))),
        ("bytes=2-5", Ok(Some(2..6))),
        ("bytes=5-", Ok(Some(5..10))),
        ("bytes=5-99", Ok(Some(5..10))),
        ("bytes=-3", Ok(Some(7..10))),
        ("bytes=-99", Ok(Some(0..10))),
        ("Bytes = 1-2", Ok(Some(1..3))),
        ("bytes=0-18446744073709551615", Ok(Some(0..10))),
        ("bytes=0-99999999999999999999999", Ok(Some(0..10))),
        ("bytes=10-", Err(10)),
        ("bytes=99999999999999999999999-", Err(10)),
        ("bytes=-0", Err(10)),
        ("bytes=5-2", Ok(None)),
        ("bytes=0-1,3-4", Ok(None)),
        ("bytes=", Ok(None)),
        ("bytes=-", Ok(None)),
        ("bytes=a-b", Ok(None)),
        ("bytes=+1-2", Ok(None)),
        ("rows=0-1", Ok(None)),
        ("", Ok(None)),
    ];
    for (text, expected) in rows {
        assert_eq!(asked(&[(header::RANGE, text)]), expected, "{text}");
    }
    assert_eq!(asked(&[]), Ok(None));
}

#[test]
fn a_range_of_another_content_is_the_whole() {
    for (tag, expected) in [(TAG, Some(0..1)), ("\"b\"", None), ("Mon, 01 Jan 2024 00:00:00 GMT", None)] {
        assert_eq!(asked(&[(header::RANGE, "bytes=0-0"), (header::IF_RANGE, tag)]), Ok(expected), "{tag}");
    }
}

/// Rest 16: the tag was sent and never asked for.
#[test]
fn tags_are_found_in_lists_and_by_a_star() {
    for (value, expected) in [
        ("\"a\"", true),
        ("*", true),
        ("\"b\", \"a\"", true),
        ("\"b\",\"a\" ", true),
        ("\"b\"", false),
        ("a", false),
        ("W/\"a\"", false),
        ("", false),
    ] {
        let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_str(value).unwrap())]);
        assert_eq!(is_named(&headers, header::IF_MATCH, TAG), expected, "{value}");
        assert!(!is_named(&headers, header::IF_NONE_MATCH, TAG), "{value}: another header");
    }
    let weak = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static("W/\"a\""))]);
    assert!(is_named(&weak, header::IF_NONE_MATCH, TAG));
}

proptest! {
    #[test]
    fn no_header_is_too_strange(text in "(bytes)?=?[ -~]{0,30}", size in 0_u64..20) {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_str(&text).unwrap())]);
        if let Ok(Some(part)) = requested(&headers, size, TAG) {
            prop_assert!(part.start < part.end && part.end <= size);
        }
    }
}
