//! Tests of recognising session commands.

use super::*;

fn check(rows: impl IntoIterator<Item = (&'static str, SessionCommand)>) {
    for (text, expected) in rows {
        assert_eq!(parse_command(text), Some(expected), "{text}");
    }
}

#[test]
fn settings_are_set_and_shown() {
    let changed = |name: &str, value: Option<&str>, is_local| SessionCommand::Set {
        name: name.into(),
        value: value.map(str::to_owned),
        is_local,
    };
    let set = |name: &str, value: &str| changed(name, Some(value), false);
    let show = |name: &str| SessionCommand::Show(name.into());
    check([
        ("SET application_name = 'it''s psql'", set("application_name", "it's psql")),
        ("set session extra_float_digits to 3", set("extra_float_digits", "3")),
        ("SET TIME ZONE 'Europe/Berlin'", set("timezone", "Europe/Berlin")),
        ("SET search_path = public, pg_catalog", set("search_path", "public, pg_catalog")),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", SessionCommand::NoOp("SET")),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
            set("default_transaction_isolation", "read committed"),
        ),
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", set("transaction_isolation", "serializable")),
        ("SET LOCAL statement_timeout = '5s'", changed("statement_timeout", Some("5s"), true)),
        ("SET TIME ZONE LOCAL", changed("timezone", None, false)),
        ("SET Application_Name TO default", changed("application_name", None, false)),
        ("SET ROLE NONE", SessionCommand::NoOp("SET")),
        ("SET ROLE NONE /* pool */", SessionCommand::NoOp("SET")),
        ("SET search_path TO 'public', 'pg_catalog'", set("search_path", "'public', 'pg_catalog'")),
        ("SET timezone TO \"UTC\"", set("timezone", "UTC")),
        ("SET statement_timeout = 5000 /* traced */", set("statement_timeout", "5000")),
        ("SET timezone = 'UTC' -- the only one", set("timezone", "UTC")),
        ("SET application_name = local", set("application_name", "local")),
        ("SET SESSION AUTHORIZATION DEFAULT", SessionCommand::NoOp("SET")),
        ("SET ROLE admin", set("role", "admin")),
        ("SET a.b = 1", set("a.b", "1")),
        ("SHOW server_version", show("server_version")),
        ("show transaction isolation level", show("transaction_isolation")),
        ("SHOW TIME ZONE", show("timezone")),
        ("SHOW \"TimeZone\"", show("timezone")),
        ("SHOW SESSION AUTHORIZATION", show("session_authorization")),
        ("RESET ALL", SessionCommand::Reset("all".into())),
        ("RESET TIME ZONE", SessionCommand::Reset("timezone".into())),
        ("RESET SESSION AUTHORIZATION", SessionCommand::NoOp("RESET")),
    ]);
}

#[test]
fn commands_are_told_from_queries() {
    let begin = |level: Option<&str>| SessionCommand::Begin { isolation: level.map(str::to_owned) };
    check([
        ("begin;", begin(None)),
        ("BEGIN ISOLATION LEVEL REPEATABLE READ", begin(Some("repeatable read"))),
        ("BEGIN WORK READ ONLY, ISOLATION LEVEL Serializable, DEFERRABLE", begin(Some("serializable"))),
        ("START TRANSACTION READ ONLY", begin(None)),
        ("COMMIT", SessionCommand::Commit),
        ("rollback", SessionCommand::Rollback { to_savepoint: false }),
        ("ROLLBACK TO SAVEPOINT a", SessionCommand::Rollback { to_savepoint: true }),
        ("SAVEPOINT a", SessionCommand::Savepoint),
        ("RELEASE SAVEPOINT a", SessionCommand::Release),
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
    ]);
    for text in ["SELECT 1", "SHOW TABLES", "INSERT INTO a VALUES (1)", "(SELECT 1)", "beginning", "SET a"] {
        assert_eq!(parse_command(text), None, "{text}");
    }
}
