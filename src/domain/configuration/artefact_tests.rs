//! Tests of artefacts: names, sizes and the canonical text.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn spec(name: &str, content: Value) -> ArtefactSpec {
    ArtefactSpec {
        name: name.to_owned(),
        profile_type: ProfileType::SensorProfile,
        profile: Uuid::nil(),
        content: ArtefactContent::Inline(content.as_object().cloned().unwrap_or_default()),
    }
}

#[test]
fn a_name_and_a_size_are_bounded() {
    let of_bytes = |bytes: usize| json!({ "a": "x".repeat(bytes - r#"{"a":""}"#.len()) });
    let rows = [
        ("sound", spec("a", json!({})), vec![]),
        ("blank", spec(" ", json!({})), vec!["name"]),
        ("longest_name", spec(&"é".repeat(255), json!({})), vec![]),
        ("too_long_a_name", spec(&"é".repeat(256), json!({})), vec!["name"]),
        ("largest", spec("a", of_bytes(MAX_CONTENT_BYTES)), vec![]),
        ("too_large", spec("a", of_bytes(MAX_CONTENT_BYTES + 1)), vec!["content"]),
        ("both", spec("", of_bytes(MAX_CONTENT_BYTES + 1)), vec!["name", "content"]),
    ];
    for (name, spec, expected) in rows {
        let found = spec.problems();
        let fields: Vec<_> = found.iter().map(|problem| problem.field.as_ref()).collect();
        assert_eq!(fields, expected, "{name}");
    }
}

#[test]
fn the_canonical_text_sorts_every_object() {
    let content = json!({ "b": [1, { "y": null, "x": "\"" }], "a": 2.5, "B": true });
    let content = content.as_object().cloned().unwrap();
    assert_eq!(canonical_text(&content), r#"{"B":true,"a":2.5,"b":[1,{"x":"\"","y":null}]}"#);
}

#[test]
fn an_artefact_is_read_as_it_was_stored() {
    for content in [
        ArtefactContent::Inline(json!({ "rate": 5 }).as_object().cloned().unwrap()),
        ArtefactContent::Object(Uuid::from_u128(7)),
    ] {
        let artefact = Artefact {
            spec: ArtefactSpec { content, ..spec("sampling", json!({})) },
            version: 3,
            size_bytes: 10,
            sha256: "00".repeat(32),
            created_by: "key_1".to_owned(),
        };
        let text = serde_json::to_string(&artefact).unwrap();
        assert_eq!(serde_json::from_str::<Artefact>(&text).unwrap(), artefact);
    }
}

proptest! {
    #[test]
    fn the_order_of_members_changes_no_text(names in proptest::collection::vec("[a-c]{1,3}", 0..8)) {
        let forward: Map<String, Value> = names.iter().map(|name| (name.clone(), json!(name))).collect();
        let backward: Map<String, Value> = names.iter().rev().map(|name| (name.clone(), json!(name))).collect();
        let text = canonical_text(&forward);
        prop_assert_eq!(&text, &canonical_text(&backward));
        prop_assert_eq!(serde_json::from_str::<Map<String, Value>>(&text).unwrap(), forward);
    }
}
