//! Tests of COPY statements.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<CopyStatement, StatementRefusal> {
    let mut words = TokenCursor::new(text);
    assert!(words.next_is("COPY"), "{text}");
    parse(&mut words)
}

#[test]
fn what_is_copied_is_a_query() {
    for (text, expected) in [
        ("COPY (SELECT ')' FROM (SELECT 1) a) TO STDOUT", "SELECT ')' FROM (SELECT 1) a"),
        ("copy readings to stdout", "SELECT * FROM readings"),
        ("COPY public.\"Readings\" TO STDOUT", "SELECT * FROM public.\"Readings\""),
        ("COPY readings (ts, value) TO STDOUT CSV", "SELECT ts, value FROM readings"),
        ("COPY ( VALUES (1) ) TO STDOUT (FORMAT text)", "VALUES (1)"),
    ] {
        assert_eq!(read(text).map(|copy| copy.query).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn other_copies_are_refused() {
    for (text, code, words) in [
        ("COPY readings FROM STDIN", "0A000", "POST /ingest"),
        ("COPY readings (ts) FROM '/tmp/a' WITH (FORMAT csv)", "0A000", "POST /ingest"),
        ("COPY readings TO '/tmp/a.csv'", "0A000", "POST /sql"),
        ("COPY (SELECT 1) TO PROGRAM 'cat'", "0A000", "POST /sql"),
        ("COPY BINARY readings TO STDOUT", "0A000", "(FORMAT binary)"),
        ("COPY", "42601", "COPY (SELECT"),
        ("COPY readings", "42601", "COPY (SELECT"),
        ("COPY () TO STDOUT", "42601", "COPY (SELECT"),
        ("COPY (SELECT 1 TO STDOUT", "42601", "COPY (SELECT"),
        ("COPY 'readings' TO STDOUT", "42601", "COPY (SELECT"),
        ("COPY a. TO STDOUT", "42601", "COPY (SELECT"),
        ("COPY readings TO somewhere", "42601", "COPY (SELECT"),
        ("COPY readings TO", "42601", "COPY (SELECT"),
    ] {
        let refusal = read(text).unwrap_err();
        assert!(refusal.code == code && refusal.message.contains(words), "{text}: {refusal:?}");
    }
}

proptest! {
    /// Texts after COPY are read as a copy or refused.
    #[test]
    fn any_text_is_a_copy_or_refused(
        rest in r#"( |[a-c(),'"\\]|E'|\\x|é| TO| STDOUT| WITH| FORMAT| CSV| HEADER| NULL| DELIMITER| QUOTE| AS){0,20}"#,
        options in r#"( |[a-c(),'"\\]|E'|\\x|é| FORMAT csv| CSV| HEADER| NULL| DELIMITER| QUOTE| ESCAPE| AS){0,20}"#,
    ) {
        drop(read(&format!("COPY {rest}")));
        drop(read(&format!("COPY a TO STDOUT {options}")));
    }
}
