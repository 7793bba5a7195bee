//! Tests of splitting texts into statements and of recognising commands.

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
}

#[test]
fn commands_are_told_from_queries() {
    let set = |name: &str, value: &str| SessionCommand::Set { name: name.into(), value: value.into() };
    let show = |name: &str| SessionCommand::Show(name.into());
    let rows = [
        ("begin;", SessionCommand::Begin),
        ("BEGIN ISOLATION LEVEL REPEATABLE READ", SessionCommand::Begin),
        ("START TRANSACTION READ ONLY", SessionCommand::Begin),
        ("COMMIT", SessionCommand::Commit),
        ("rollback", SessionCommand::Rollback { to_savepoint: false }),
        ("ROLLBACK TO SAVEPOINT a", SessionCommand::Rollback { to_savepoint: true }),
        ("SAVEPOINT a", SessionCommand::Savepoint),
        ("RELEASE SAVEPOINT a", SessionCommand::Release),
        ("SET application_name = 'it''s psql'", set("application_name", "it's psql")),
        ("set session extra_float_digits to 3", set("extra_float_digits", "3")),
        ("SET TIME ZONE 'Europe/Berlin'", set("timezone", "Europe/Berlin")),
        ("SET search_path = public, pg_catalog", set("search_path", "public, pg_catalog")),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            set("transaction", "AS TRANSACTION READ ONLY"),
        ),
        ("SET a.b = 1", set("a.b", "1")),
        ("SHOW server_version", show("server_version")),
        ("show transaction isolation level", show("transaction_isolation")),
        ("SHOW TIME ZONE", show("timezone")),
        ("RESET ALL", SessionCommand::Reset),
        ("DISCARD ALL", SessionCommand::Discard { all: true }),
        ("DISCARD PLANS", SessionCommand::Discard { all: false }),
        ("DEALLOCATE PREPARE \"Q\"", SessionCommand::Deallocate(Some("Q".into()))),
        ("DEALLOCATE ALL", SessionCommand::Deallocate(None)),
        ("copy readings TO STDOUT", SessionCommand::Unsupported(NO_COPY)),
        ("DECLARE c CURSOR FOR SELECT 1", SessionCommand::Unsupported(NO_CURSORS)),
        ("MOVE 1 IN c", SessionCommand::Unsupported(NO_CURSORS)),
        ("/* pool */ UNLISTEN *", SessionCommand::NoOp("UNLISTEN")),
        (
            "PREPARE q (int, timestamptz) AS SELECT $1, $2",
            SessionCommand::Prepare {
                name: "q".into(),
                types: vec!["int".into(), "timestamptz".into()],
                query: "SELECT $1, $2".into(),
            },
        ),
        (
            "EXECUTE q (abs(-1), ')')",
            SessionCommand::Execute { name: "q".into(), arguments: "abs(-1), ')'".into() },
        ),
        ("EXECUTE q", SessionCommand::Execute { name: "q".into(), arguments: String::new() }),
    ];
    for (text, expected) in rows {
        assert_eq!(split_statements(text), [SimpleStatement::Command(expected)], "{text}");
    }
    for text in ["SELECT 1", "SHOW TABLES", "INSERT INTO a VALUES (1)", "(SELECT 1)", "beginning", "SET a"] {
        assert_eq!(split_statements(text), [Query(text.to_owned())], "{text}");
    }
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
        let length: usize = cut.iter().map(|said| match said { Query(text) => text.len(), SimpleStatement::Command(_) => 0 }).sum();
        prop_assert!(length <= text.len());
    }
}
