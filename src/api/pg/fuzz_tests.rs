//! Fuzz tests of the PostgreSQL protocol: messages, bound values and scripts.

use bytes::{Bytes, BytesMut};
use pgwire::api::Type;

use super::frame::{read_message, read_startup_packet};
use super::session_command::SessionCommand;
use super::statement_splitter::SimpleStatement;
use super::{parameter, statement_splitter, types};
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, Random, grammar, text};

/// Maximum message in these tests; of longer ones only the length is read.
const MAX_MESSAGE: usize = 1 << 20;

fn framed(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[tag][..], &length, body].concat()
}

/// Input: one byte that says whether startup is over, then consecutive messages.
fn messages() -> InputFormat {
    let begin = |body: &[u8]| [&[0][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat();
    let bodies: [(u8, &[u8]); 10] = [
        (b'p', b"secret\0"),
        (b'Q', b"SELECT 1; BEGIN\0"),
        (b'P', b"s\0SELECT $1\0\0\x02\0\0\0\x17\0\0\0\x19"),
        (b'B', b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x04\0\0\0\x2a\xff\xff\xff\xff\0\x01\0\x01"),
        (b'D', b"Ss\0"),
        (b'E', b"p\0\0\0\0\x0a"),
        (b'C', b"Pp\0"),
        (b'S', b""),
        (b'H', b""),
        (b'X', b""),
    ];
    let mut all = vec![1];
    let mut seeds = vec![
        begin(b"\0\x03\0\0user\0basalt\0database\0x\0\0"),
        begin(b"\x04\xd2\x16\x2f"),
        begin(b"\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02"),
    ];
    for (tag, body) in bodies {
        all.extend(framed(tag, body));
        seeds.push([vec![1], framed(tag, body)].concat());
    }
    seeds.push(all);
    InputFormat { seeds, words: &["\0", "B\0\0\0\u{1}", "P", "\0\0\0\u{4}"], ..InputFormat::default() }
}

fn read_messages() -> Decoder {
    Box::new(|input| {
        let Some((first, rest)) = input.split_first() else { return };
        let mut buffer = BytesMut::from(rest);
        if first.is_multiple_of(2) {
            drop(read_startup_packet(&mut buffer));
        }
        while let Ok(Some(_)) = read_message(&mut buffer, MAX_MESSAGE) {}
    })
}

#[test]
fn pg_messages() {
    FuzzTarget { module: module_path!(), name: "pg_messages", form: messages, decoder: read_messages }.run();
}

const KINDS: [Type; 20] = [
    Type::BOOL,
    Type::INT2,
    Type::INT4,
    Type::INT8,
    Type::OID,
    Type::FLOAT4,
    Type::FLOAT8,
    Type::NUMERIC,
    Type::TEXT,
    Type::VARCHAR,
    Type::BPCHAR,
    Type::NAME,
    Type::UUID,
    Type::JSON,
    Type::BYTEA,
    Type::DATE,
    Type::TIME,
    Type::TIMESTAMP,
    Type::TIMESTAMPTZ,
    Type::INTERVAL,
];

/// Input: the type, array flag and binary flag, then the value.
fn values() -> InputFormat {
    let texts: [&str; 16] = [
        "1",
        "true",
        "-32768",
        "1.5e300",
        "NaN",
        "\\x00ff",
        "2026-04-28",
        "12:00:00.5",
        "2026-04-28 12:00:00+02",
        "1 day 2 hours",
        "72962b91-fa75-4ae6-8d28-b404dc7daf63",
        "{1,2,NULL}",
        "{\"a b\",\"\\\"\",x}",
        "{2026-04-28,null}",
        "{}",
        "{{1},{2}}",
    ];
    let mut seeds = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        seeds.extend((0..4).map(|flags| [&[i as u8, flags][..], text.as_bytes()].concat()));
    }
    for (i, kind) in KINDS.iter().enumerate() {
        let one: &[u8] = b"\0\0\0\x08\0\x01\0\0\0\0\0\x2a";
        let head = [1, 0, kind.oid(), 1, 1].map(u32::to_be_bytes).concat();
        seeds.push([&[i as u8, 3][..], &head, one].concat());
        seeds.push([&[i as u8, 2][..], &one[4..]].concat());
    }
    // numeric: two digits.
    seeds.push(b"\x07\x02\0\x02\0\x01\0\0\0\0\x04\xd2\x16\x2e".to_vec());
    InputFormat {
        seeds,
        words: &["{", "}", ",", "\"", "\\", "NULL", "\\x", "e400", "-infinity", "infinity", "\0\0\0\u{1}"],
        nests: &[("{", "}"), ("\"", "\""), ("{\"", "\"}"), ("{1,", "}")],
        ..InputFormat::default()
    }
}

fn read_values() -> Decoder {
    Box::new(|input| {
        let [kind, flags, value @ ..] = input else { return };
        let kind = &KINDS[usize::from(*kind) % KINDS.len()];
        let kind =
            if flags & 1 == 1 { types::array_type(kind).unwrap_or(kind.clone()) } else { kind.clone() };
        drop(parameter::decode_value(1, &kind, flags & 2 == 2, Some(&Bytes::copy_from_slice(value))));
    })
}

#[test]
fn pg_values() {
    FuzzTarget { module: module_path!(), name: "pg_values", form: values, decoder: read_values }.run();
}

const RULES: grammar::Rules = grammar::rules! {
    script = "SELECT 1" | "<one>" | "<one>;<script>" | "<one> ; ;<script>" | "<comment><script>";
    one = "BEGIN" | "START TRANSACTION <word>" | "COMMIT" | "ROLLBACK TO <word>" | "SAVEPOINT <word>"
        | "SET <word> = <value>" | "SET SESSION <word> TO <value>, <value>" | "SET TIME ZONE <value>"
        | "SHOW <word>" | "RESET ALL" | "DISCARD <word>" | "DEALLOCATE <word>"
        | "PREPARE <word> (<word>[], <word>) AS SELECT <value>" | "EXECUTE <word>(<value>, <value>)"
        | "DECLARE <word> SCROLL CURSOR WITH HOLD FOR SELECT <value>" | "FETCH FORWARD 10 FROM <word>"
        | "MOVE ALL IN <word>" | "CLOSE <word>" | "COPY <word> FROM STDIN"
        | "COPY (SELECT <value>) TO STDOUT WITH (FORMAT csv, NULL <value>, DELIMITER <value>)"
        | "COPY <word> TO STDOUT CSV HEADER QUOTE AS <value>" | "LISTEN <word>" | "SELECT <value>";
    value = "1" | "'<inside>'" | "E'<inside>'" | "U&'<inside>'" | "$$<inside>$$" | "$a$<inside>$a$"
        | "$a$<inside>" | "(<value>)" | "[<value>]" | "\"<inside>\"" | "-1";
    inside = "" | "<letter><inside>" | "''<inside>" | "\\'<inside>" | "\"\"<inside>" | ";<inside>"
        | "$$<inside>" | "ä<inside>";
    word = "a" | "<letter><word>" | "\"<inside>\"" | "ALL" | "application_name" | "statement_timeout" | "int";
    comment = "-- <inside>\n" | "/* <inside> */" | "/* <comment> */" | "/* <inside>";
};

fn made(random: &mut Random) -> Vec<u8> {
    grammar::write(RULES, "script", random)
}

fn scripts() -> InputFormat {
    InputFormat {
        grammar: Some(made),
        words: &["'", "\"", "$$", "$a$", "/*", "*/", "--", ";", "E'", "U&'", "(", ")", "\\"],
        nests: &[("(", ")"), ("/*", "*/"), ("[", "]"), ("$a$", "$b$"), ("'", "'")],
        ..InputFormat::default()
    }
}

fn read_scripts() -> Decoder {
    Box::new(|input| {
        for statement in statement_splitter::split_statements(&text(input)) {
            match statement {
                SimpleStatement::Command(SessionCommand::Execute { arguments, .. }) => {
                    drop(statement_splitter::split_arguments(&arguments));
                }
                SimpleStatement::Command(SessionCommand::Prepare { types: names, .. }) => {
                    names.iter().for_each(|name| drop(types::type_by_name(name)));
                }
                _ => {}
            }
        }
    })
}

#[test]
fn pg_scripts() {
    FuzzTarget { module: module_path!(), name: "pg_scripts", form: scripts, decoder: read_scripts }.run();
}
