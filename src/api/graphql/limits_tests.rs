//! What is too much, and what only looks like it.

use async_graphql::Request;
use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { depth: 4, complexity: 100, aliases: 2, batch: 1 };

fn told(query: &str) -> Option<String> {
    check(&LIMITS, &mut Request::new(query)).err().map(|error| error.message)
}

#[test]
fn each_limit_is_named_with_what_there_is_and_what_may_be() {
    let laughs: String =
        (0..60).map(|i| format!("fragment f{i} on Q {{ ...f{} ...f{} }} ", i + 1, i + 1)).collect();
    let laughs = format!("{{ ...f0 }} {laughs} fragment f60 on Q {{ a }}");
    let rows = [
        ("within", "{ a { b { c { d } } } }".to_owned(), None),
        ("too_deep", "{ a { b { c { d { e } } } } }".to_owned(), Some("5 fields within fields; at most 4")),
        (
            "deep_by_fragments",
            "{ a { ...f } } fragment f on Q { b { c { d { e } } } }".to_owned(),
            Some("5 fields"),
        ),
        ("deep_by_inline_ones", "{ a { ... on Q { b { c { d { e } } } } } }".to_owned(), Some("5 fields")),
        ("aliases", "{ x: a y: a z: a }".to_owned(), Some("3 aliases; at most 2")),
        ("many_laughs", laughs, Some("fields; at most 10000")),
        ("of_itself", "{ ...f } fragment f on Q { a ...f }".to_owned(), Some("`f` spreads itself")),
        ("unknown_fragment", "{ ...f }".to_owned(), None),
        (
            "nested_values",
            format!("{{ a(b: {}1{}) }}", "[".repeat(200), "]".repeat(200)),
            Some("more than 100 deep"),
        ),
        ("brackets_in_a_string", format!("{{ a(b: \"{}\") }}", "[{(".repeat(200)), None),
        ("brackets_in_a_block", format!("{{ a(b: \"\"\"{}\\\"\"\" [ \"\"\") }}", "{".repeat(200)), None),
        ("brackets_in_a_comment", format!("{{ a # {}\n }}", "{".repeat(200)), None),
        ("long", format!("{{ a }} # {}", "x".repeat(200_000)), Some("bytes; at most 100000")),
        ("second_operation", "query A { a } query B { x: a y: a z: a }".to_owned(), Some("3 aliases")),
    ];
    for (name, query, expected) in rows {
        let told = told(&query);
        match expected {
            None => assert_eq!(told, None, "{name}"),
            Some(part) => assert!(told.as_deref().is_some_and(|t| t.contains(part)), "{name}: {told:?}"),
        }
    }
}

#[test]
fn the_schema_is_asked_for_lists_in_lists_only_so_far() {
    let limits = Limits { depth: 15, ..LIMITS };
    let rows = [
        ("{ __schema { types { fields { args { name } } } } }", true),
        ("{ __schema { types { fields { type { fields { name } } } } } }", true),
        ("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }", false),
    ];
    for (query, is_passed) in rows {
        assert_eq!(check(&limits, &mut Request::new(query)).is_ok(), is_passed, "{query}");
    }
}

proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic(query in "[\\{\\}\\(\\)\\[\\]\"\\\\#a-c: .\n]{0,300}") {
        let _ = check(&LIMITS, &mut Request::new(query));
    }
}
