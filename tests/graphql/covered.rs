//! The graph can do what REST can, or docs/graphql.md says why not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// Texts between backticks.
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
    let table: BTreeSet<&str> = rows.iter().flat_map(|[rest, _]| rest.iter().copied()).collect();
    assert_eq!(table, paths, "the paths of the table, and those of schema/openapi.json");

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

/// Name of each type, field, enum value and argument in the SDL, and the description above it, if any.
fn described(schema: &str) -> Vec<(String, Option<String>)> {
    let (mut found, mut above, mut text) = (Vec::new(), None, None::<String>);
    let (mut kind, mut field) = (String::new(), String::new());
    for line in schema.lines() {
        let words = line.trim();
        match (words, &mut text) {
            ("\"\"\"", Some(_)) => above = text.take(),
            ("\"\"\"", None) => text = Some(String::new()),
            (words, Some(text)) => *text = format!("{text} {words}").trim().to_owned(),
            ("" | "}", None) => {}
            (words, None) if words.starts_with([')']) => {}
            (words, None) if words.starts_with("directive") || words.starts_with("schema") => {
                kind.clear();
                above = None;
            }
            (words, None) => {
                let depth = line.chars().take_while(|c| *c == '\t').count();
                if depth == 0 {
                    kind = words.split_whitespace().nth(1).unwrap_or_default().to_owned();
                    found.push((kind.clone(), above.take()));
                    continue;
                }
                if kind.is_empty() {
                    continue;
                }
                if depth == 1 {
                    field = words.split(['(', ':']).next().unwrap_or_default().to_owned();
                    found.push((format!("{kind}.{field}"), above.take()));
                }
                // Arguments with nothing above them stand on one line, behind their field or behind another.
                let listed =
                    if depth == 1 { words.split_once('(').map_or("", |(_, rest)| rest) } else { words };
                for argument in listed.split([',', '\t']).filter(|part| part.contains(": ")) {
                    let name = argument.trim().split(':').next().unwrap_or_default().to_owned();
                    found.push((format!("{kind}.{field}({name})"), above.take()));
                }
            }
        }
    }
    found
}

#[test]
fn everything_in_the_schema_says_what_it_is() {
    let described = described(&read("schema/schema.graphql"));
    assert!(described.len() > 800, "only {} places were found", described.len());
    for place in
        ["Query.devices(first)", "Stream.values(from)", "StreamType.fp64", "CreateKeyInput.name", "Node.id"]
    {
        assert!(described.iter().any(|(name, _)| name == place), "{place} was not found");
    }
    // Of the library, for every connection alike.
    let says_little =
        |text: &str| text.split_whitespace().count() < 3 || text.starts_with("The same") || text == "It";
    let wanting = described.iter().filter(|(_, text)| text.as_deref().is_none_or(says_little));
    let wanting: Vec<_> = wanting.map(|(name, text)| format!("{name}: {text:?}")).collect();
    assert!(wanting.is_empty(), "{} say too little:\n{}", wanting.len(), wanting.join("\n"));
}
