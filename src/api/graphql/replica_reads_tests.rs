//! Tests of which documents a query node answers, and of the list of fields against the schema.

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;
use crate::api::graphql::build;
use crate::api::graphql::request::RequestBody;

fn is_answered(body: &Value) -> bool {
    let body = RequestBody::parse(body.to_string().as_bytes(), 1).expect("a request");
    let RequestBody::Single(request) = body else { panic!("one operation") };
    is_replica_read(&GraphqlLimits::default(), request)
}

#[test]
fn readings_series_statistics_and_sql_are_answered_and_all_else_is_left_to_the_ingest_node() {
    let rows = [
        ("readings", "{ stream(rowId: 1) { values(first: 5) { totalCount nodes { ts value } } } }", true),
        ("of_many", "{ streams { nodes { rowId values { edges { cursor node { ts text } } } } } }", true),
        ("statistics", "query A($id: ID) { stream(id: $id) { statistics { ts mean origin } } }", true),
        ("series", "{ values(streams: [1], from: 0, to: 1, step: \"PT1H\") { ts series { mean } } }", true),
        ("sql", "{ sql(query: \"SELECT 1\") { columns { name type } rows rowCount } queryLog }", true),
        ("names", "{ stream(rowId: 1) { name unit device { name } group { name } __typename } }", true),
        ("aliases", "{ a: stream(rowId: 1) { b: name } c: stream(rowId: 2) { name } }", true),
        ("a_directive", "query($v: Boolean!) { stream(rowId: 1) { name @skip(if: $v) } }", true),
        (
            "a_fragment",
            "{ ...f } fragment f on Query { stream(rowId: 1) { ...g } } fragment g on Stream { id }",
            true,
        ),
        ("inline_fragments", "{ ... on Query { ... { stream(rowId: 1) { ... on Stream { id } } } } }", true),
        ("two_operations", "query A { queryLog } query B { queryLog }", true),
        ("latest", "{ stream(rowId: 1) { latest { value } } }", false),
        ("latest_beside", "{ sql(query: \"\") { rows } latestValues { value } }", false),
        ("latest_in_a_list", "{ streams { edges { node { latest { ts } } } } }", false),
        ("of_the_series", "{ values(streams: [1]) { series { stream { latest { ts } } } } }", false),
        ("states", "{ stream(rowId: 1) { device { status { state } } } }", false),
        ("a_register", "{ stream(rowId: 1) { device { register(name: \"hr:0\") } } }", false),
        ("streams_of_a_group", "{ stream(rowId: 1) { group { streams { totalCount } } } }", false),
        ("devices", "{ devices { nodes { name } } }", false),
        ("a_node", "{ node(id: \"x\") { ... on Stream { name } } }", false),
        ("jobs", "{ jobs { nodes { id } } }", false),
        ("the_schema", "{ __schema { types { name } } }", false),
        ("a_mutation", "mutation { stream { name } }", false),
        ("a_subscription", "subscription { values { ts } }", false),
        ("a_mutation_beside", "query A { queryLog } mutation B { deleteStream(id: 1) { id } }", false),
        (
            "latest_by_a_fragment",
            "{ stream(rowId: 1) { ...f } } fragment f on Stream { latest { ts } }",
            false,
        ),
        ("latest_inline", "{ stream(rowId: 1) { ... on Stream { latest { ts } } } }", false),
        ("latest_left_out", "{ stream(rowId: 1) { latest @include(if: false) { ts } } }", false),
        ("a_fragment_of_another_type", "{ stream(rowId: 1) { ...f } } fragment f on Node { id }", false),
        ("an_interface", "{ stream(rowId: 1) { ... on Node { id } } }", false),
        ("an_unknown_fragment", "{ ...f }", false),
        ("a_fragment_of_itself", "{ ...f } fragment f on Query { queryLog ...f }", false),
        ("an_unknown_field", "{ stream(rowId: 1) { nothing } }", false),
        ("a_value_with_fields", "{ stream(rowId: 1) { name { first } } }", false),
        ("fields_of_a_name", "{ __typename { name } }", false),
        ("no_document", "SELECT 1", false),
        ("nothing", "", false),
    ];
    for (name, query, expected) in rows {
        assert_eq!(is_answered(&serde_json::json!({ "query": query })), expected, "{name}");
    }
    let many = |count: usize| "{ streams { nodes { name } } }".replace("name", &"name ".repeat(count));
    for (count, expected) in [(1000, true), (10_000, false)] {
        let query = serde_json::json!({"query": many(count), "operationName": "A", "variables": {"a": 1}});
        assert_eq!(is_answered(&query), expected, "{count} fields");
    }
}

/// The fields of a type with the types of their objects, `None` for values; those of the schema.
async fn fields_of(name: &str) -> BTreeMap<String, Option<String>> {
    let schema = build().finish();
    let query = format!(
        "{{ __type(name: \"{name}\") {{ fields {{ name type {{ ...t ofType {{ ...t ofType {{ ...t ofType {{ ...t }} }} }} }} }} }} }} \
         fragment t on __Type {{ kind name }}"
    );
    let response = schema.execute(query).await;
    assert!(response.errors.is_empty(), "{name}: {:?}", response.errors);
    let data = response.data.into_json().expect("JSON");
    let fields = data["__type"]["fields"].as_array().unwrap_or_else(|| panic!("no type {name}"));
    let named = fields.iter().map(|field| {
        let mut of = &field["type"];
        while of["ofType"].is_object() {
            of = &of["ofType"];
        }
        let object = (of["kind"] == "OBJECT").then(|| of["name"].as_str().unwrap_or_default().to_owned());
        (field["name"].as_str().unwrap_or_default().to_owned(), object)
    });
    named.collect()
}

/// Types of which only some fields are known, on purpose.
const PARTS: [&str; 3] = [ROOT, "Device", "Group"];

/// Fields of the other types that are left to the ingest node.
const LEFT_OUT: [(&str, &str); 2] = [("Stream", "latest"), ("Stream", "retention")];

#[tokio::test]
async fn the_list_names_fields_of_the_schema_and_leaves_out_none_unseen() {
    for KnownFields { of, values, objects } in &KNOWN {
        let mut fields = fields_of(of).await;
        for value in *values {
            assert_eq!(fields.remove(*value), Some(None), "{of}.{value} is a value");
        }
        for (object, inner) in *objects {
            assert_eq!(fields.remove(*object), Some(Some((*inner).to_owned())), "{of}.{object}");
            assert!(KNOWN.iter().any(|known| known.of == *inner), "{inner} is listed");
        }
        if !PARTS.contains(of) {
            let left: Vec<_> = fields.keys().map(|field| (*of, field.as_str())).collect();
            let expected: Vec<_> = LEFT_OUT.into_iter().filter(|(left_of, _)| left_of == of).collect();
            assert_eq!(left, expected, "a query node may answer a new field, or LEFT_OUT names it");
        }
    }
}
