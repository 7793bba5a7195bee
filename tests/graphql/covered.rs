//! What REST can do the graph can, or docs/graphql.md says why not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The rows of the table that begins with this line: what is quoted in its two columns.
fn rows<'a>(document: &'a str, head: &str) -> Vec<[Vec<&'a str>; 2]> {
    let table = document.split(head).nth(1).expect("the table");
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let columns = lines.map(|line| line.trim_matches('|').split_once('|').expect("two columns"));
    columns.map(|(left, right)| [quoted(left), quoted(right)]).collect()
}

#[test]
fn every_path_of_rest_is_a_field_or_said_to_be_rest_only() {
    let document = read("docs/graphql.md");
    let rows = rows(&document, "| REST | here |");
    let described: Value = serde_json::from_str(&read("schema/openapi.json")).unwrap();
    let paths: BTreeSet<&str> = described["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let told: BTreeSet<&str> = rows.iter().flat_map(|[rest, _]| rest.iter().copied()).collect();
    assert_eq!(told, paths, "the paths of the table, and those of schema/openapi.json");

    let schema = read("schema/schema.graphql");
    let is_field = |name: &str| {
        let mut lines = schema.lines().map(str::trim);
        lines.any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', '('])))
    };
    let named: BTreeSet<&str> = rows.iter().flat_map(|[_, here]| here.iter().copied()).collect();
    for name in named.iter().filter(|name| !matches!(**name, "audit_log" | "PUT")) {
        assert!(is_field(name), "`{name}` is no field");
    }
    let mutations = schema.split("\ntype Mutation {").nth(1).unwrap().split("\n}").next().unwrap();
    let fields = mutations.lines().filter(|line| line.starts_with('\t') && !line.starts_with("\t\t"));
    let fields = fields.filter_map(|line| line.trim().split(['(', ':']).next());
    let mut count = 0;
    for field in fields.filter(|name| !name.is_empty() && name.chars().all(char::is_alphanumeric)) {
        count += 1;
        assert!(named.contains(field), "the table does not name the mutation `{field}`");
    }
    assert!(count >= 24, "only {count} mutations were found in the schema");
}
