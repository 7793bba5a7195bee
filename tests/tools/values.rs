//! UUIDs and texts of times as parameters, in the forms that drivers and people send, and values of a copy in binary.

use serde_json::json;

use super::fixture::ToolsFixture;
use super::wire::{PgClient, columns, cstring, kinds, values};

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
    // The day decides the order of nothing, and a parameter has one type however often it is used.
    let newest = "SELECT value FROM readings WHERE stream_id = 1 AND ts::date = $1 ORDER BY ts DESC LIMIT 1";
    let hour =
        "SELECT count(*) FROM readings WHERE stream_id = $1 AND ts BETWEEN $2 AND $2 + interval '1 hour'";
    for (text, bound, expected) in [
        (newest, &[Some("2026-04-28")][..], "14.875"),
        (hour, &[Some("1"), Some("2026-04-28 10:30")][..], "60"),
    ] {
        let found = pg.query_with_params(text, bound).await;
        assert_eq!(found, Ok(vec![vec![Some(expected.to_owned())]]), "{text}");
    }
    for time in ["infinity", "-infinity", "now", "today"] {
        let error = pg.query_with_params(before, &[Some(time)]).await.unwrap_err();
        assert!(error.code == "0A000" && error.message.contains(time), "{error:?}");
    }
    assert_eq!(pg.query_with_params(before, &[Some("soon")]).await.unwrap_err().code, "22P02");
    let infinite = pg.query("SELECT 'infinity'::timestamptz").await.unwrap_err();
    assert!(infinite.code == "0A000" && infinite.message.contains("`infinity`"), "{infinite:?}");
    let alone = pg.query("SELECT to_timestamp(text) FROM readings").await.unwrap_err();
    assert!(alone.code == "42883" && alone.message.contains("x::timestamptz"), "{alone:?}");
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
    let local = "SELECT (ts AT TIME ZONE 'Europe/Berlin')::timestamp FROM readings WHERE stream_id = 1 ORDER BY ts LIMIT 1";
    assert_eq!(pg.query(local).await, cell("2026-04-28 12:00:00.25"));
    pg.parse("", "SELECT NULL, true", &[]).await;
    pg.send('D', b"S\0").await;
    let described = columns(&pg.sync().await.unwrap());
    assert_eq!(described, [("?column?".to_owned(), 25), ("?column?".to_owned(), 16)]);
}

/// The one value of an answer to a statement with a parameter of a type.
async fn answer(pg: &mut PgClient, text: &str, oid: u32, format: u16, value: &[u8]) -> String {
    pg.parse("", text, &[oid]).await;
    pg.bind("", "", [format, 0], &[Some(value)]).await;
    pg.send('E', b"\0\0\0\0\0").await;
    let messages = pg.sync().await.unwrap();
    let cell = values(&messages)[0][0].clone().unwrap();
    String::from_utf8(cell.to_vec()).unwrap()
}

/// The answers are those of PostgreSQL 15.
#[tokio::test]
async fn parameters_are_cast_by_their_type() {
    let (fixture, mut pg) = ToolsFixture::with_client(&[]).await;
    let micros = |seconds: i64| (seconds * 1_000_000).to_be_bytes().to_vec();
    let day_and_hours = [&micros(7200)[..], &[0, 0, 0, 1, 0, 0, 0, 0]].concat();
    let later = "SELECT count(*) FROM readings WHERE stream_id = 1 AND ts::text >= $1::text";
    for (text, oid, value, binary, expected) in [
        ("SELECT $1::text", 1184, "2024-03-31T10:00Z", micros(765_194_400), "2024-03-31 10:00:00+00"),
        ("SELECT $1::text", 1114, "2024-03-31 10:00", micros(765_194_400), "2024-03-31 10:00:00"),
        ("SELECT $1::text", 1186, "1 day 2 hours", day_and_hours, "1 day 02:00:00"),
        ("SELECT $1::text", 1083, "12:34:56", micros(45_296), "12:34:56"),
        ("SELECT $1::text", 701, "1e20", 1e20f64.to_be_bytes().to_vec(), "1e+20"),
        ("SELECT (-$1)::text", 701, "2", 2f64.to_be_bytes().to_vec(), "-2"),
        ("SELECT $1::text", 700, "0.1", 0.1f32.to_be_bytes().to_vec(), "0.1"),
        ("SELECT $1::text", 1700, "1.50", vec![0, 2, 0, 0, 0, 0, 0, 2, 0, 1, 0x13, 0x88], "1.50"),
        ("SELECT $1::int", 701, "2.5", 2.5f64.to_be_bytes().to_vec(), "2"),
        ("SELECT ($1 + 1)::int", 701, "1.5", 1.5f64.to_be_bytes().to_vec(), "2"),
        ("SELECT $1::int", 1700, "2.5", vec![0, 2, 0, 0, 0, 0, 0, 1, 0, 2, 0x13, 0x88], "3"),
        (later, 1184, "2026-04-28 11:00+00", micros(830_689_200), "60"),
    ] {
        for (format, value) in [(0, value.as_bytes()), (1, binary.as_slice())] {
            assert_eq!(answer(&mut pg, text, oid, format, value).await, expected, "{text} {oid} {format}");
        }
    }
    // Numbers of JSON with a fraction are float8.
    for (text, value, expected) in [
        ("SELECT $1::text AS x", json!([1e20]), json!("1e+20")),
        ("SELECT $x::text AS x", json!({"x": 0.5}), json!("0.5")),
        ("SELECT $1::int AS x", json!([2.5]), json!(2)),
        ("SELECT $1::timestamptz::text AS x", json!(["2024-03-31T10:00Z"]), json!("2024-03-31 10:00:00+00")),
        (
            "SELECT value AS x FROM readings WHERE stream_id = 1 AND ts::date = $1 ORDER BY ts DESC LIMIT 1",
            json!(["2026-04-28"]),
            json!(14.875),
        ),
    ] {
        let body = json!({"query": text, "params": value});
        let rows = fixture.server.client().post("/sql", &body).await.body;
        assert_eq!(rows, json!([{"x": expected}]), "{text} {value}");
    }
}

#[tokio::test]
async fn statements_without_tables_are_read_like_all_others() {
    let (fixture, mut pg) = ToolsFixture::with_client(&[]).await;
    let client = fixture.server.client();
    for (text, expected) in [
        ("SELECT -2 ^ 2", Some("4")),
        ("SELECT 2 = ANY(ARRAY[1, NULL])", None),
        ("SELECT 2 <> ALL(ARRAY[1, NULL])", None),
        ("SELECT x FROM (VALUES (1), (2)) AS v(x) WHERE x = ANY('{1,NULL}'::int[])", Some("1")),
        ("SELECT NOT 1 IS DISTINCT FROM 1 OR false", Some("t")),
        ("SELECT cardinality('{}'::int[])", Some("0")),
    ] {
        let expected = Ok(vec![vec![expected.map(str::to_owned)]]);
        assert_eq!(pg.query(text).await, expected, "{text}");
        assert_eq!(pg.query_with_params(text, &[]).await, expected, "{text}");
        pg.query(&format!("PREPARE p AS {text}")).await.unwrap();
        assert_eq!(pg.query("EXECUTE p").await, expected, "{text}");
        pg.query("DEALLOCATE p").await.unwrap();
        pg.query("BEGIN").await.unwrap();
        pg.query(&format!("DECLARE c CURSOR FOR {text}")).await.unwrap();
        assert_eq!(pg.query("FETCH ALL FROM c").await, expected, "{text}");
        pg.query("COMMIT").await.unwrap();
    }
    pg.query("PREPARE q(float8) AS SELECT $1").await.unwrap();
    assert_eq!(pg.query("EXECUTE q(-2 ^ 2)").await, Ok(vec![vec![Some("4".to_owned())]]));
    let text = "SELECT 'a' < 'B' COLLATE \"de_DE\" AS x";
    let refused = client.try_sql(text).await["detail"].to_string();
    assert!(refused.to_lowercase().contains("collat"), "{refused}");
    assert!(pg.query(text).await.unwrap_err().message.to_lowercase().contains("collat"));
}
