//! Tests of the document limits: documents beyond them, and documents that only look so.

use async_graphql::Request;
use proptest::prelude::*;

use super::*;

const LIMITS: GraphqlLimits = GraphqlLimits { depth: 4, complexity: 100, aliases: 2, batch: 1 };

/// Checks documents by name: each is within the limits, or its error has these words.
fn check_rejections(rows: &[(&str, String, Option<&str>)]) {
    for (name, query, expected) in rows {
        let result = check_document(&LIMITS, &mut Request::new(query));
        let message = result.err().map(|error| error.message);
        match expected {
            None => assert_eq!(message, None, "{name}"),
            Some(part) => {
                assert!(message.as_deref().is_some_and(|t| t.contains(part)), "{name}: {message:?}")
            }
        }
    }
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
    check_rejections(&rows);
}

#[test]
fn the_schema_is_asked_for_lists_in_lists_only_so_far() {
    let limits = GraphqlLimits { depth: 15, ..LIMITS };
    let rows = [
        ("{ __schema { types { fields { args { name } } } } }", true),
        ("{ __schema { types { fields { type { fields { name } } } } } }", true),
        ("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }", false),
    ];
    for (query, is_passed) in rows {
        assert_eq!(check_document(&limits, &mut Request::new(query)).is_ok(), is_passed, "{query}");
    }
}

proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic(query in "[\\{\\}\\(\\)\\[\\]\"\\\\#a-c: .\n]{0,300}") {
        let _ = check_document(&LIMITS, &mut Request::new(query));
    }
}

#[test]
fn what_nothing_selects_is_judged_as_well() {
    let many = |each: &str| (0..400).map(|i| each.replace('#', &i.to_string())).collect::<String>();
    let chain = |spread: &str| {
        let fragments =
            (0..300).map(|i| format!("fragment f{i} on Q {{ a ...f{} }} ", i + 1)).collect::<String>();
        format!("{{ {spread} }} {fragments} fragment f300 on Q {{ a }}")
    };
    let arguments = |count| (0..count).map(|i| format!("x{i}: 1 ")).collect::<String>();
    let wide = format!("fragment w on Q {{ {} }}", "a ".repeat(100));
    let rows = [
        ("a_chain_of_fragments", chain("...f0"), Some("more than 100 deep, fragments included")),
        ("one_that_is_not_spread", chain("a"), Some("more than 100 deep, fragments included")),
        ("operations_together", format!("{} {wide}", many("query q# { ...w } ")), Some("at most 10000")),
        (
            "fragments_together",
            format!("{{ a }} {} {wide}", many("fragment f# on Q { ...w } ")),
            Some("at most 10000"),
        ),
        ("arguments_of_one", format!("{{ a({}) }}", arguments(33)), Some("33 arguments; at most 32")),
        ("of_a_directive", format!("{{ a @skip({}) }}", arguments(33)), Some("33 arguments; at most 32")),
        (
            "arguments_together",
            format!("{{ {} }}", format!("a({}) ", arguments(30)).repeat(400)),
            Some("arguments and fields; at most 10000"),
        ),
        (
            "directives",
            format!("{{ a {} }}", "@x ".repeat(10_001)),
            Some("arguments and fields; at most 10000"),
        ),
        ("a_block_string_without_end", "{ a(x: [\"\"\"]) }".to_owned(), Some("no end")),
        ("the_same_twice", "{ a(x: 1) a(x: 1) ... on Q { a(x: 2) } }".to_owned(), None),
        ("other_arguments", "{ a(x: 1) a(x: 2) }".to_owned(), Some("differing arguments")),
        ("fewer_arguments", "{ a(x: 1) a }".to_owned(), Some("differing arguments")),
        ("another_field", "{ a: b a: c }".to_owned(), Some("\"b\" and \"c\" are different fields")),
        ("in_a_fragment", "{ b { ...f a } } fragment f on Q { c: a c: b }".to_owned(), Some("are different")),
    ];
    check_rejections(&rows);
}

#[test]
fn arguments_are_weighed_with_their_variables() {
    let list: Vec<i32> = (0..1000).collect();
    let bytes_of = |query: &str| {
        let variables = async_graphql::Variables::from_json(serde_json::json!({ "v": list, "w": 1 }));
        check_document(&LIMITS, &mut Request::new(query).variables(variables)).expect("it may run")
    };
    let one = bytes_of("query($v: [Int]) { a(x: $v) }");
    assert!(one.bytes > 50_000 && one.largest_field == one.bytes, "{one:?}");
    let four =
        bytes_of("query($v: [Int]) { ...f b { ...f } c(x: [$v, {y: $v}]) } fragment f on Q { a(x: $v) }");
    assert!(four.bytes > 4 * one.bytes && four.largest_field > 2 * one.bytes, "{four:?}");
    assert!(bytes_of("query($w: Int) { a(x: $w) }").bytes < 1000);
}

/// A document at the limits is parsed, validated and run within half of the 2 MiB of stack of a server thread, even in
/// a debug build; nested JSON is limited to 128 levels by serde_json.
#[test]
fn a_document_at_the_bounds_fits_half_a_stack() {
    struct Query;

    #[async_graphql::Object]
    impl Query {
        async fn a(&self, x: Option<serde_json::Value>) -> Query {
            drop(x);
            Query
        }

        async fn leaf(&self) -> i32 {
            1
        }
    }

    let fields = format!("{}leaf{}", "{a".repeat(63), "}".repeat(63)).replace("aleaf", "a{leaf}");
    let inline = format!("{}leaf{}", "{...".repeat(63), "}".repeat(63)).replace("...leaf", "...{leaf}");
    let value = format!("{{a(x:{}1{}){{leaf}}}}", "[".repeat(98), "]".repeat(98));
    let object = format!("{{a(x:{}1{}){{leaf}}}}", "{x:".repeat(98), "}".repeat(98));
    let default = format!("query($v: [Int] = {}1{}) {{ leaf }}", "[".repeat(98), "]".repeat(98));
    let of_type = format!("query($v: {}Int{}) {{ leaf }}", "[".repeat(98), "]".repeat(98));
    let chain =
        (0..48).map(|i| format!("fragment f{i} on Query {{ a {{ ...f{} }} }} ", i + 1)).collect::<String>();
    let chain = format!("{{ ...f0 }} {chain} fragment f48 on Query {{ leaf }}");
    let deep = format!("query($v: JSON) {{a(x:{}$v{}){{leaf}}}}", "[".repeat(98), "]".repeat(98));
    let documents = [fields, inline, value, object, default, of_type, chain, deep];
    let variables: serde_json::Value =
        serde_json::from_str(&format!("{{\"v\": {}1{}}}", "[".repeat(126), "]".repeat(126))).expect("JSON");
    let run = move || {
        let limits = GraphqlLimits { depth: 200, complexity: 100_000, aliases: 100, batch: 1 };
        let schema =
            async_graphql::Schema::new(Query, async_graphql::EmptyMutation, async_graphql::EmptySubscription);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        for document in documents {
            let variables = async_graphql::Variables::from_json(variables.clone());
            let mut request = Request::new(&document).variables(variables);
            let judged = check_document(&limits, &mut request);
            assert!(judged.is_ok(), "{document}: {judged:?}");
            drop(runtime.block_on(schema.execute(request)));
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run).expect("a thread");
    thread.join().expect("no panic");
}
