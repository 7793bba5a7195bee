//! Tests of the rules of annotations.

use serde_json::json;

use super::*;

fn annotation(start: i64, end: Option<i64>) -> AnnotationSpec {
    AnnotationSpec {
        class: Uuid::from_u128(1),
        scope_type: ScopeType::Device,
        scope: Uuid::from_u128(2),
        start: Micros(start),
        end: end.map(Micros),
        values: Map::new(),
        source: AnnotationSource::Manual,
        confidence: None,
        note: None,
    }
}

#[test]
fn annotations_say_what_is_wrong() {
    let plain = || annotation(5, None);
    let big = json!({"a": "x".repeat(MAX_VALUE_BYTES)}).as_object().cloned().unwrap_or_default();
    let rows = [
        (plain(), ""),
        (annotation(5, Some(5)), ""),
        (annotation(5, Some(4)), "end_time: must not be before startTime"),
        (AnnotationSpec { confidence: Some(0.0), ..plain() }, ""),
        (AnnotationSpec { confidence: Some(1.0), ..plain() }, ""),
        (AnnotationSpec { confidence: Some(1.01), ..plain() }, "confidence: must be between 0 and 1"),
        (AnnotationSpec { confidence: Some(f64::NAN), ..plain() }, "confidence: must be between 0 and 1"),
        (AnnotationSpec { note: Some("x".repeat(4000)), ..plain() }, ""),
        (AnnotationSpec { note: Some("x".repeat(4001)), ..plain() }, "note: size must be between 0 and 4000"),
        (AnnotationSpec { values: big, ..plain() }, "values: must have at most 16384 bytes of JSON"),
    ];
    for (spec, expected) in rows {
        let messages: Vec<_> =
            spec.problems().into_iter().map(|found| format!("{}: {}", found.field, found.message)).collect();
        assert_eq!(messages.join("; "), expected, "{spec:?}");
    }
}

#[test]
fn a_point_in_time_is_a_microsecond_long() {
    let rows = [(None, 6), (Some(5), 6), (Some(6), 6), (Some(90), 90)];
    for (end, until) in rows {
        assert_eq!(annotation(5, end).until(), Micros(until), "{end:?}");
    }
}

#[test]
fn names_tell_types_and_sources_apart() {
    let scopes: std::collections::BTreeSet<_> = ScopeType::ALL.map(ScopeType::name).into();
    let sources: std::collections::BTreeSet<_> = AnnotationSource::ALL.map(AnnotationSource::name).into();
    assert_eq!((scopes.len(), sources.len()), (4, 5));
    for scope in ScopeType::ALL {
        assert_eq!(
            serde_json::to_value(scope).unwrap(),
            json!(scope.name()),
            "stored by the name of the API"
        );
    }
}
