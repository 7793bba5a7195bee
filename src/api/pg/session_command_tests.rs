//! Tests of recognising session commands.

use super::*;

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
        ("RESET ALL", SessionCommand::Reset("all".into())),
        ("RESET TIME ZONE", SessionCommand::Reset("timezone".into())),
        ("RESET SESSION AUTHORIZATION", SessionCommand::NoOp("RESET")),
        ("DISCARD ALL", SessionCommand::Discard { all: true }),
        ("DISCARD PLANS", SessionCommand::Discard { all: false }),
        ("DEALLOCATE PREPARE \"Q\"", SessionCommand::Deallocate(Some("Q".into()))),
        ("DEALLOCATE ALL", SessionCommand::Deallocate(None)),
        ("CLOSE ALL", SessionCommand::Cursor(CursorCommand::Close(None))),
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
        assert_eq!(parse_command(text), Some(expected), "{text}");
    }
    for text in ["SELECT 1", "SHOW TABLES", "INSERT INTO a VALUES (1)", "(SELECT 1)", "beginning", "SET a"] {
        assert_eq!(parse_command(text), None, "{text}");
    }
}
