//! Queries over a limit are refused before anything is read.

use serde_json::json;

use super::{ask, data, plant};
use crate::support::Server;

#[tokio::test]
async fn a_query_over_a_limit_is_refused_and_scans_nothing() {
    let limits = [
        ("BASALT_GRAPHQL__DEPTH", "5"),
        ("BASALT_GRAPHQL__COMPLEXITY", "1000"),
        ("BASALT_GRAPHQL__ALIASES", "3"),
    ];
    let (_server, client) = Server::with_client(&limits).await;
    plant(&client, "d", &[("s", "fp64")]).await;
    let before = client.sql("SELECT count(*) AS n FROM query_log").await[0]["n"].as_i64().expect("a count");
    let deep = "{ device(rowId: 1) { streams { nodes { device { streams { nodes { name } } } } } } }";
    let wide = "{ stream(rowId: 1) { values(first: 10000) { nodes { ts value } } } }";
    let wider = "{ streams(first: 100) { nodes { values(first: 100) { nodes { ts value } } } } }";
    let steps = "{ stream(rowId: 1) { statistics(from: \"2026-01-01\", to: \"2026-02-01\", step: \"PT1M\") { mean } } }";
    let many =
        format!("{{ {} }}", (0..30).map(|i| format!("a{i}: me {{ kind }}")).collect::<Vec<_>>().join(" "));
    let laughs: String =
        (0..50).map(|i| format!("fragment f{i} on Query {{ ...f{} ...f{} }} ", i + 1, i + 1)).collect();
    let laughs = format!("{{ ...f0 }} {laughs} fragment f50 on Query {{ me {{ kind }} }}");
    let schema = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    for (name, query, expected) in [
        ("depth", deep, "7 fields within fields; at most 5"),
        ("rows", wide, "too complex"),
        ("rows_of_rows", wider, "too complex"),
        ("steps", steps, "too complex"),
        ("aliases", &many, "30 aliases; at most 3"),
        ("fragments", &laughs, "fields; at most 10000"),
        ("the_schema", schema, "at most"),
    ] {
        let body = ask(&client, query, json!({})).await;
        let message = body["errors"][0]["message"].as_str().unwrap_or_else(|| panic!("{name}: {body}"));
        assert!(message.to_lowercase().contains(&expected.to_lowercase()), "{name}: {message}");
        assert_eq!(super::codes(&body), ["GRAPHQL_VALIDATION_FAILED"], "{name}");
        assert!(body.get("data").is_none(), "{name}: {body}");
    }
    let after = client.sql("SELECT count(*) AS n FROM query_log").await[0]["n"].as_i64().expect("a count");
    assert_eq!(after, before + 1, "nothing ran but the first count");
    data(&client, "{ stream(rowId: 1) { values(first: 100) { nodes { ts value } } } }", json!({})).await;
}

#[tokio::test]
async fn the_schema_can_be_read_by_the_tools_that_do() {
    let (_server, client) = Server::with_client(&[]).await;
    let body = data(&client, INTROSPECTION, json!({})).await;
    let types = body["__schema"]["types"].as_array().expect("types").len();
    assert!(types > 50, "{types} types");
    for kind in body["__schema"]["types"].as_array().expect("types") {
        let name = kind["name"].as_str().expect("a name");
        if name.starts_with("__") {
            continue;
        }
        let is_described = kind["description"].as_str().is_some_and(|text| !text.is_empty());
        let needs_none = name.ends_with("Input") || name.ends_with("Connection") || name.ends_with("Edge");
        assert!(
            is_described
                || needs_none
                || ["Mutation", "ID", "Int", "Float", "String", "Boolean"].contains(&name),
            "{name} says nothing of itself"
        );
    }
}

/// The introspection query of GraphiQL.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name }
  types { ...FullType } directives { name description locations args { ...InputValue } } } }
  fragment FullType on __Type { kind name description
    fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
    inputFields { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
  fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
  fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";
