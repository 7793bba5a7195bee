//! Tests of statements about cursors.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<CursorCommand, StatementRefusal> {
    let mut words = TokenCursor::new(text);
    let word = words.next_upper();
    parse(&word, &mut words)
}

#[test]
fn cursors_are_declared_as_drivers_write_it() {
    let rows = [
        ("DECLARE c CURSOR FOR SELECT 1", "c", false, false, "SELECT 1"),
        ("declare \"C 1\" NO SCROLL CURSOR WITH HOLD FOR SELECT $1 ;", "C 1", false, true, "SELECT $1 ;"),
        (
            "DECLARE SQL_CUR0x1 BINARY INSENSITIVE SCROLL CURSOR WITHOUT HOLD for (TABLE a)",
            "sql_cur0x1",
            true,
            false,
            "(TABLE a)",
        ),
        (
            "DECLARE cursor ASENSITIVE CURSOR FOR WITH x AS (SELECT 1) SELECT * FROM x",
            "cursor",
            false,
            false,
            "WITH x AS (SELECT 1) SELECT * FROM x",
        ),
        ("DECLARE c CURSOR FOR -- all\n SELECT 1", "c", false, false, "-- all\n SELECT 1"),
    ];
    for (text, name, is_binary, is_held, query) in rows {
        let expected = CursorDeclaration { name: name.into(), is_binary, is_held, query: query.into() };
        assert_eq!(read(text), Ok(CursorCommand::Declare(expected)), "{text}");
    }
    for text in [
        "DECLARE",
        "DECLARE c",
        "DECLARE \"\" CURSOR FOR SELECT 1",
        "DECLARE 'c' CURSOR FOR SELECT 1",
        "DECLARE c CURSOR",
        "DECLARE c CURSOR FOR",
        "DECLARE c CURSOR FOR /* nothing */",
        "DECLARE c CURSOR WITH FOR SELECT 1",
        "DECLARE c NO CURSOR FOR SELECT 1",
        "DECLARE c SOME CURSOR FOR SELECT 1",
    ] {
        assert_eq!(read(text).unwrap_err().code, "42601", "{text}");
    }
}

#[test]
fn steps_go_forward() {
    let rows = [
        ("FETCH c", "c", Some(1)),
        ("FETCH NEXT c", "c", Some(1)),
        ("FETCH next", "next", Some(1)),
        ("FETCH FROM c", "c", Some(1)),
        ("FETCH IN \"C\"", "C", Some(1)),
        ("fetch 100 in \"SQL_CUR1\"", "SQL_CUR1", Some(100)),
        ("FETCH 20 c", "c", Some(20)),
        ("FETCH ALL FROM c", "c", None),
        ("FETCH FORWARD c", "c", Some(1)),
        ("FETCH FORWARD 7 FROM c", "c", Some(7)),
        ("FETCH FORWARD ALL IN c", "c", None),
        ("FETCH FORWARD FROM c", "c", Some(1)),
    ];
    for (text, cursor, rows) in rows {
        let step = CursorStep { cursor: cursor.into(), rows };
        assert_eq!(read(text), Ok(CursorCommand::Fetch(step.clone())), "{text}");
        let moved = text.to_ascii_uppercase().replacen("FETCH", "MOVE", 1);
        let CursorCommand::Move(found) = read(&moved).unwrap() else { panic!("{moved}") };
        assert_eq!(found.rows, step.rows, "{moved}");
    }
    for (text, code) in [
        ("FETCH", "42601"),
        ("FETCH 5", "42601"),
        ("FETCH 10 FROM", "42601"),
        ("FETCH 1.5 FROM c", "42601"),
        ("FETCH ALL FROM c d", "42601"),
        ("FETCH FROM 'c'", "42601"),
        ("FETCH 0 FROM c", "0A000"),
        ("FETCH -1 FROM c", "0A000"),
        ("FETCH PRIOR FROM c", "0A000"),
        ("FETCH FIRST FROM c", "0A000"),
        ("FETCH LAST IN c", "0A000"),
        ("FETCH BACKWARD ALL IN c", "0A000"),
        ("MOVE ABSOLUTE 3 IN c", "0A000"),
        ("FETCH RELATIVE -1 IN c", "0A000"),
        ("FETCH 99999999999999999999 IN c", "22003"),
    ] {
        assert_eq!(read(text).unwrap_err().code, code, "{text}");
    }
}

#[test]
fn cursors_are_closed_by_name_or_together() {
    assert_eq!(read("CLOSE \"C\""), Ok(CursorCommand::Close(Some("C".into()))));
    assert_eq!(read("CLOSE all"), Ok(CursorCommand::Close(None)));
    for text in ["CLOSE", "CLOSE a b", "CLOSE 1"] {
        assert_eq!(read(text).unwrap_err().code, "42601", "{text}");
    }
}

proptest! {
    /// Texts after the first word are read as a command or refused.
    #[test]
    fn any_text_is_a_command_or_refused(
        first in "DECLARE|FETCH|MOVE|CLOSE",
        rest in r#"( |c|"|'|-|[0-9é]|/\*| CURSOR| FOR| WITH| HOLD| NO| SCROLL| FORWARD| ALL| FROM| IN){0,20}"#,
    ) {
        drop(read(&format!("{first} {rest}")));
    }
}
