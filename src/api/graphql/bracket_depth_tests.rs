//! The depth check counts every bracket that the parser follows, in any context of strings and comments.

use std::convert::Infallible;
use std::thread;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{BaseType, Directive, ExecutableDocument, Selection, SelectionSet, Type};
use async_graphql::{Name, Positioned, Value};
use proptest::prelude::*;

use super::*;

/// Enough stack for all nesting in these tests, in a debug build.
const STACK_BYTES: usize = 256 << 20;

/// Returns the bracket depth that the parser finds; `None` if it refuses the document.
fn parsed_depth(document: &str) -> Option<usize> {
    let document = document.to_owned();
    let parse = move || parse_query(document).ok().map(|parsed| of_document(&parsed));
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(parse).expect("a thread");
    thread.join().expect("the parser does not panic")
}

fn of_document(document: &ExecutableDocument) -> usize {
    let mut deepest = 0;
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        for variable in &operation.variable_definitions {
            let default = variable.node.default_value.as_ref().map(|value| of_value(&value.node));
            let of_type = of_type(&variable.node.var_type.node);
            deepest = deepest
                .max(1 + default.unwrap_or(0).max(of_type).max(of_directives(&variable.node.directives)));
        }
        deepest =
            deepest.max(of_directives(&operation.directives)).max(of_set(&operation.selection_set.node));
    }
    for fragment in document.fragments.values() {
        let fragment = &fragment.node;
        deepest = deepest.max(of_directives(&fragment.directives)).max(of_set(&fragment.selection_set.node));
    }
    deepest
}

fn of_set(set: &SelectionSet) -> usize {
    let of_one = |selection: &Positioned<Selection>| match &selection.node {
        Selection::Field(field) => {
            let arguments = field.node.arguments.iter();
            let arguments = arguments
                .map(|(_, value)| 1 + of_value(&value.node.clone().into_const_with(put).unwrap()))
                .max();
            let within = match field.node.selection_set.node.items.is_empty() {
                true => 0,
                false => of_set(&field.node.selection_set.node),
            };
            arguments.unwrap_or(0).max(within).max(of_directives(&field.node.directives))
        }
        Selection::InlineFragment(fragment) => {
            of_set(&fragment.node.selection_set.node).max(of_directives(&fragment.node.directives))
        }
        Selection::FragmentSpread(spread) => of_directives(&spread.node.directives),
    };
    1 + set.items.iter().map(of_one).max().unwrap_or(0)
}

fn of_directives(directives: &[Positioned<Directive>]) -> usize {
    let arguments = directives.iter().flat_map(|directive| &directive.node.arguments);
    let depths = arguments.map(|(_, value)| 1 + of_value(&value.node.clone().into_const_with(put).unwrap()));
    depths.max().unwrap_or(0)
}

/// Variables add no nesting.
fn put(_: Name) -> Result<Value, Infallible> {
    Ok(Value::Null)
}

fn of_type(of: &Type) -> usize {
    match &of.base {
        BaseType::List(inner) => 1 + of_type(inner),
        BaseType::Named(_) => 0,
    }
}

fn of_value(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(of_value).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(of_value).max().unwrap_or(0),
        _ => 0,
    }
}

#[test]
fn what_looks_hidden_is_counted_and_what_is_hidden_is_not() {
    let deep = "[".repeat(20);
    let close = "]".repeat(20);
    let rows = [
        ("plain", format!("{{a(x:{deep}{close})}}"), Ok(22)),
        ("behind_a_comment_that_a_carriage_return_ends", format!("#\r{{a(x:{deep}{close})}}"), Ok(22)),
        ("in_a_comment", format!("{{a # {deep}\n}}"), Ok(1)),
        ("in_a_string", format!("{{a(x:\"{deep}\")}}"), Ok(2)),
        ("in_a_block", format!("{{a(x:\"\"\"{deep}\n\\\"\"\"{deep}\"\"\")}}"), Ok(2)),
        ("behind_an_escaped_quote", format!("{{a(x:\"\\\"{deep}\")}}"), Ok(2)),
        ("behind_an_escaped_backslash", format!("{{a(x:\"\\\\\" y:{deep}{close})}}"), Ok(22)),
        ("behind_an_empty_string", format!("{{a(x:\"\" y:{deep}{close})}}"), Ok(22)),
        ("behind_an_empty_block", format!("{{a(x:\"\"\"\"\"\" y:{deep}{close})}}"), Ok(22)),
        ("a_quote_in_a_comment", format!("#\"\n{{a(x:{deep}{close})}}"), Ok(22)),
        ("a_comment_in_a_string", format!("{{a(x:\"#\" y:{deep}{close})}}"), Ok(22)),
        (
            "a_block_without_end",
            format!("{{a(x:[\"\"\"] y:{deep}{close})}}"),
            Err("A block string has no end."),
        ),
        ("a_string_that_a_line_feed_ends", format!("{{a(x:\"\n{deep}"), Err("A string has no end.")),
        ("a_string_that_a_carriage_return_ends", format!("{{a(x:\"\r{deep}"), Err("A string has no end.")),
        ("an_escaped_end_of_line", format!("{{a(x:\"\\\r{deep}"), Err("A string has no end.")),
        ("only_a_backslash", "\"\\".to_owned(), Err("A string has no end.")),
        ("more_closed_than_opened", "}}]]{".to_owned(), Ok(1)),
    ];
    for (name, document, expected) in rows {
        assert_eq!(bracket_depth(&document), expected, "{name}");
    }
}

/// Ignored text between two tokens.
fn ignored() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(" ".to_owned()),
        1 => prop::sample::select(vec!["\r", "\n", "\r\n", "\t", ",", "\u{feff}"]).prop_map(str::to_owned),
        2 => ("[\\[\\]{}()\"\\\\#a\u{e4}]{0,6}", prop::sample::select(vec!["\r", "\n", "\r\n"]))
            .prop_map(|(words, end)| format!("#{words}{end}")),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "([\\[\\]{}()#a\u{e4}' ]|\\\\\"|\\\\\\\\|\\\\n|\\\\u00e4){0,6}"
            .prop_map(|inner| format!("\"{inner}\"")),
        "([\\[\\]{}()#a\u{e4}\n\r]|\\\\\"\"\"|\\\\|\"a|\"\"a){0,6}"
            .prop_map(|inner| format!("\"\"\"{inner} \"\"\"")),
    ]
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![Just("1".to_owned()), Just("$v".to_owned()), Just("E".to_owned()), text()];
    leaf.prop_recursive(6, 24, 3, |inner| {
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..3), ignored())
                .prop_map(|(items, gap)| { format!("[{gap}{}{gap}]", items.join(&gap)) }),
            (inner, ignored()).prop_map(|(value, gap)| format!("{{{gap}k{gap}:{gap}{value}{gap}}}")),
        ]
    })
}

fn selection() -> impl Strategy<Value = String> {
    let leaf = (value(), ignored()).prop_map(|(value, gap)| format!("f{gap}({gap}x{gap}:{value}{gap})"));
    leaf.prop_recursive(5, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone(), ignored())
                .prop_map(|(a, b, gap)| format!("g{gap}{{{gap}{a} {b}{gap}}}")),
            (inner, value()).prop_map(|(a, v)| format!("...on T @d(x:{v}){{{a}}}")),
        ]
    })
}

fn document() -> impl Strategy<Value = String> {
    (selection(), value(), ignored()).prop_map(|(fields, value, gap)| {
        let default = if value.contains('$') { "1".to_owned() } else { value };
        format!("{gap}query{gap} q($v{gap}:{gap}[[T!]] = {default}){gap}{{{fields}}}{gap}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn documents_are_as_deep_as_the_parser_finds_them(document in document()) {
        prop_assert_eq!(bracket_depth(&document).ok(), parsed_depth(&document), "{:?}", document);
        prop_assert!(parsed_depth(&document).is_some(), "the generator made what is no document: {:?}", document);
    }

    #[test]
    fn whatever_the_parser_takes_has_been_counted(
        document in document(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}()\"\\\\#\r\na]{0,3}", 0..3_usize), 1..4),
    ) {
        let mut chars: Vec<char> = document.chars().collect();
        for (at, put, cut) in changes {
            let at = at.index(chars.len() + 1);
            let end = (at + cut).min(chars.len());
            chars.splice(at..end, put.chars());
        }
        let changed: String = chars.into_iter().collect();
        // A document that the depth check refuses is never parsed.
        if let (Ok(counted), Some(parsed)) = (bracket_depth(&changed), parsed_depth(&changed)) {
            prop_assert!(counted >= parsed, "{counted} of {parsed}: {changed:?}");
        }
    }
}
