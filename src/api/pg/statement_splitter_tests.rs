//! Tests of splitting texts into statements and arguments.

use proptest::prelude::*;

use super::SimpleStatement::Query;
use super::*;

#[test]
fn statements_end_at_semicolons_that_are_code() {
    let rows: [(&str, &str, &[&str]); 12] = [
        ("one", "SELECT 1", &["SELECT 1"]),
        ("with_its_end", "SELECT 1;", &["SELECT 1"]),
        ("two", "SELECT 1; SELECT 2 ;", &["SELECT 1", "SELECT 2"]),
        ("nothing", " ; -- no\n ;/* no */", &[]),
        ("in_a_text", "SELECT ';''; ' ; SELECT 2", &["SELECT ';''; '", "SELECT 2"]),
        ("in_a_text_with_escapes", r"SELECT E'\';' ; SELECT 2", &[r"SELECT E'\';'", "SELECT 2"]),
        ("a_backslash_is_itself", r"SELECT '\'; SELECT 2", &[r"SELECT '\'", "SELECT 2"]),
        ("in_a_name", r#"SELECT "a;""b" ; SELECT 2"#, &[r#"SELECT "a;""b""#, "SELECT 2"]),
        (
            "in_a_comment",
            "SELECT /* ; /* ; */ ; */ 1 -- ;\n; SELECT 2",
            &["SELECT /* ; /* ; */ ; */ 1 -- ;", "SELECT 2"],
        ),
        ("in_dollars", "SELECT $a$ ; $$ ; $a$ ; SELECT 2", &["SELECT $a$ ; $$ ; $a$", "SELECT 2"]),
        ("a_parameter_is_no_quote", "SELECT $1; SELECT $2", &["SELECT $1", "SELECT $2"]),
        ("open_to_the_end", "SELECT 'a; SELECT 2", &["SELECT 'a; SELECT 2"]),
    ];
    for (name, text, expected) in rows {
        let expected: Vec<SimpleStatement> = expected.iter().map(|part| Query((*part).to_owned())).collect();
        assert_eq!(split_statements(text), expected, "{name}");
    }
    let mixed =
        [SimpleStatement::Command(SessionCommand::Begin { isolation: None }), Query("SELECT 1".to_owned())];
    assert_eq!(split_statements("BEGIN; SELECT 1"), mixed);
}

#[test]
fn arguments_end_at_commas_of_their_list() {
    let rows: [(&str, &[&str]); 6] = [
        ("", &[]),
        ("1", &["1"]),
        ("1, 'a, b'", &["1", "'a, b'"]),
        ("f(1, 2), [3, 4], (5)", &["f(1, 2)", "[3, 4]", "(5)"]),
        ("1 /* , */, 2", &["1 /* , */", "2"]),
        ("1,", &["1", ""]),
    ];
    for (text, expected) in rows {
        assert_eq!(split_arguments(text), expected, "{text}");
    }
}

proptest! {
    /// Any text can be split, and no part of it is returned twice.
    #[test]
    fn any_text_is_cut(text in r#"([a-zE$'"();\\/*\-é \n]|SET|PREPARE|EXECUTE|AS){0,60}"#) {
        let cut = split_statements(&text);
        let length: usize = cut.iter().map(|statement| match statement { Query(text) => text.len(), SimpleStatement::Command(_) => 0 }).sum();
        prop_assert!(length <= text.len());
    }
}

#[tokio::test]
async fn long_texts_are_split_like_short_ones() {
    let text = format!("SELECT '{}'; SET timezone = 'UTC'; SELECT 2", "x;".repeat(LONG_TEXT_BYTES));
    let statements = split_any_length(&text).await.unwrap();
    assert_eq!((statements.len(), &statements), (3, &split_statements(&text)));
}
