//! UUIDs and texts of times as parameters, in the forms that drivers and people send, and values of a copy in binary.

use super::fixture::ToolsFixture;
use super::wire::{columns, cstring, kinds};

#[tokio::test]
async fn uuids_are_parameters_and_casts() {
    let (_fixture, mut pg) = ToolsFixture::with_client(&[]).await;
    let uuid = pg.query("SELECT uuid FROM devices").await.unwrap()[0][0].clone().unwrap();
    let (large, list) = (uuid.to_uppercase(), format!("{{{}}}", uuid.replace('-', "")));
    for (text, value) in [
        ("SELECT count(*) FROM devices WHERE uuid = $1::uuid", large.as_str()),
        ("SELECT count(*) FROM devices WHERE uuid = ANY($1::uuid[])", list.as_str()),
        ("SELECT count(*) FROM devices WHERE uuid::uuid = $1::uuid", uuid.as_str()),
    ] {
        let counted = pg.query_with_params(text, &[Some(value)]).await;
        assert_eq!(counted, Ok(vec![vec![Some("1".to_owned())]]), "{text}");
    }
    let literal = format!("SELECT count(*) FROM devices WHERE uuid = uuid '{large}'");
    assert_eq!(pg.query(&literal).await, Ok(vec![vec![Some("1".to_owned())]]));
    assert_eq!(pg.query("SELECT 'x'::uuid").await.unwrap_err().code, "22P02");
    for (text, oid) in [("SELECT $1::uuid", 2950_u32), ("SELECT $1::uuid[]", 2951)] {
        pg.parse("", text, &[]).await;
        pg.send('D', b"S\0").await;
        let described = pg.sync().await.unwrap();
        assert_eq!(kinds(&described), "1tTZ", "{text}");
        assert_eq!(described[1].1[2..], oid.to_be_bytes(), "{text}");
        assert_eq!(pg.query_with_params(text, &[Some("{x}")]).await.unwrap_err().code, "22P02", "{text}");
    }
}

#[tokio::test]
async fn texts_of_times_are_parameters_in_the_forms_of_postgresql() {
    let (_fixture, mut pg) = ToolsFixture::with_client(&[]).await;
    let before = "SELECT count(*) FROM readings WHERE stream_id = 1 AND ts < $1";
    for (time, expected) in [
        ("2026-04-28 10:30", "30"),
        ("2026-04-28T10:30Z", "30"),
        ("2026-04-28 12:30+02", "30"),
        ("2026-04-28 12:30 Europe/Berlin", "30"),
        ("2026-04-28 -10:30", "30"),
        ("2026-04-29", "120"),
        ("20260428", "0"),
        ("epoch", "0"),
    ] {
        let counted = pg.query_with_params(before, &[Some(time)]).await;
        assert_eq!(counted, Ok(vec![vec![Some(expected.to_owned())]]), "{time}");
        let literal = pg.query(&before.replace("$1", &format!("'{time}'"))).await;
        assert_eq!(literal, Ok(vec![vec![Some(expected.to_owned())]]), "{time}");
    }
    for time in ["infinity", "-infinity", "now", "today"] {
        let error = pg.query_with_params(before, &[Some(time)]).await.unwrap_err();
        assert!(error.code == "0A000" && error.message.contains(time), "{error:?}");
    }
    assert_eq!(pg.query_with_params(before, &[Some("soon")]).await.unwrap_err().code, "22P02");
    let infinite = pg.query("SELECT 'infinity'::timestamptz").await.unwrap_err();
    assert!(infinite.code == "0A000" && infinite.message.contains("`infinity`"), "{infinite:?}");
}

/// The bytes are those of PostgreSQL 15.
#[tokio::test]
async fn a_copy_in_binary_has_the_bytes_of_postgresql() {
    let (_fixture, mut pg) = ToolsFixture::with_client(&[]).await;
    let header = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    let row = b"\0\x04\0\0\0\x04\0\0\0\x07\0\0\0\x08\x3f\xf8\0\0\0\0\0\0\0\0\0\x02ab\xff\xff\xff\xff";
    let row_text = "SELECT 7::int AS a, 1.5::float8 AS b, 'ab' AS c, NULL::text AS d";
    for (query, rows, sent) in [
        (row_text.to_owned(), row.to_vec(), "HddcCZ"),
        (format!("SELECT * FROM ({row_text}) AS r WHERE r.a > 7"), Vec::new(), "HdcCZ"),
    ] {
        pg.send('Q', &cstring(&format!("COPY ({query}) TO STDOUT (FORMAT binary)"))).await;
        let messages = pg.until_ready().await.unwrap();
        assert_eq!(kinds(&messages), sent, "{query}");
        assert_eq!(messages[0].1[..], *b"\x01\0\x04\0\x01\0\x01\0\x01\0\x01", "{query}");
        let data = messages.iter().filter(|(kind, _)| *kind == 'd').flat_map(|(_, body)| body.to_vec());
        assert_eq!(data.collect::<Vec<u8>>(), [&header[..], &rows, b"\xff\xff"].concat(), "{query}");
    }
}

#[tokio::test]
async fn values_are_described_and_read_as_by_postgresql() {
    let (_fixture, mut pg) = ToolsFixture::with_client(&[]).await;
    let cell = |text: &str| Ok(vec![vec![Some(text.to_owned())]]);
    let time = "SELECT count(*) FROM (VALUES (time '10:00')) AS v(x) WHERE x IN ($1, $2)";
    assert_eq!(pg.query_with_params(time, &[Some("10:00:00"), None]).await, cell("1"));
    let spans = "SELECT $1::interval, $2::interval[]";
    let spans =
        pg.query_with_params(spans, &[Some("3 days 0:00:04"), Some("{\"1 day 00:30\"}")]).await.unwrap();
    let shown = [Some("3 days 00:00:04".to_owned()), Some("{\"1 day 00:30:00\"}".to_owned())];
    assert_eq!(spans, [shown]);
    let trimmed = "SELECT length(trim(trailing FROM 'ab  ')) + length(trim(both from ' c '))";
    assert_eq!(pg.query(trimmed).await, cell("3"));
    let quoted = "SELECT quote_literal($1::text) || quote_nullable(NULL)";
    assert_eq!(pg.query_with_params(quoted, &[Some("it's")]).await, cell("'it''s'NULL"));
    let unnested = "SELECT sum(n) FROM unnest(ARRAY[1, 2, 3]) AS n WHERE n > 1";
    assert_eq!(pg.query(unnested).await, cell("5"));
    pg.parse("", "SELECT NULL, true", &[]).await;
    pg.send('D', b"S\0").await;
    let described = columns(&pg.sync().await.unwrap());
    assert_eq!(described, [("?column?".to_owned(), 25), ("?column?".to_owned(), 16)]);
}
