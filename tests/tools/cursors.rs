//! Cursors of SQL and COPY TO STDOUT, by both forms of queries.

use super::fixture::ToolsFixture;
use super::wire::{PgClient, cstring, kinds, parse_error, rows, values};

const SPEEDS: &str = "SELECT value FROM readings WHERE stream_id = 1 ORDER BY ts";

/// Answer to a simple query: kinds of messages and tags, and the last error.
async fn answer(pg: &mut PgClient, text: &str) -> (String, Vec<String>, Option<String>) {
    pg.send('Q', &cstring(text)).await;
    let (mut found, mut tags, mut error) = (String::new(), Vec::new(), None);
    loop {
        let (kind, body) = pg.message().await.unwrap();
        found.push(kind);
        match kind {
            'C' => tags.push(String::from_utf8(body[..body.len() - 1].to_vec()).unwrap()),
            'E' => error = Some(parse_error(&body).code),
            'Z' => return (found, tags, error),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_cursor_gives_its_rows_once_and_in_order() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    let expected = pg.query(SPEEDS).await.unwrap();
    pg.query(&format!("BEGIN; DECLARE c NO SCROLL CURSOR FOR {SPEEDS}")).await.unwrap();
    let mut found = pg.query("FETCH c").await.unwrap();
    found.extend(pg.query("FETCH FORWARD 50 FROM c").await.unwrap());
    // In the extended protocol: described, in binary, and in two parts.
    pg.parse("", "FETCH 30 FROM c", &[]).await;
    pg.bind("p", "", [0, 1], &[]).await;
    pg.send('D', b"Pp\0").await;
    pg.execute("p", 20).await;
    pg.execute("p", 20).await;
    let parts = pg.sync().await.unwrap();
    assert_eq!(kinds(&parts), format!("12T{}s{}CZ", "D".repeat(20), "D".repeat(10)));
    assert_eq!(values(&parts)[0][0].as_deref(), Some(&(51.0f64 / 8.0).to_be_bytes()[..]));
    assert_eq!(pg.query("FETCH c").await.unwrap(), expected[81..82]);
    let (kinds, tags, _) = answer(&mut pg, "MOVE 8 IN c; FETCH ALL FROM c; FETCH c; CLOSE c").await;
    assert_eq!(kinds, format!("CT{}CTCCZ", "D".repeat(30)));
    assert_eq!(tags, ["MOVE 8", "FETCH 30", "FETCH 0", "CLOSE CURSOR"]);
    assert_eq!(found, expected[..51]);
}

#[tokio::test]
async fn a_cursor_takes_parameters_and_is_described_by_its_name() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    pg.query("BEGIN").await.unwrap();
    let text = "DECLARE c CURSOR FOR SELECT ts, value FROM readings WHERE stream_id = $1 ORDER BY ts";
    pg.parse("", text, &[0]).await;
    pg.bind("", "", [0, 0], &[Some(b"2")]).await;
    pg.send('D', b"P\0").await;
    pg.execute("", 0).await;
    pg.send('D', b"Pc\0").await;
    let messages = pg.sync().await.unwrap();
    assert_eq!(kinds(&messages), "12nCTZ");
    assert_eq!(pg.query("FETCH 120 FROM c; FETCH c").await.unwrap().len(), 120);
}

/// As asyncpg's cursors do, which pass over rows before they fetch the first one.
#[tokio::test]
async fn a_portal_that_is_bound_is_a_cursor() {
    let (_fixture, mut pg) = ToolsFixture::with_client(&[]).await;
    pg.query("BEGIN").await.unwrap();
    pg.parse("", "SELECT value FROM readings WHERE stream_id = $1 ORDER BY ts", &[]).await;
    pg.bind("part", "", [0, 0], &[Some(b"1")]).await;
    pg.sync().await.unwrap();
    let (_, tags, error) = answer(&mut pg, "MOVE FORWARD 5 part; FETCH 2 FROM part").await;
    assert_eq!((tags, error), (vec!["MOVE 5".to_owned(), "FETCH 2".to_owned()], None));
    pg.execute("part", 1).await;
    assert_eq!(rows(&pg.sync().await.unwrap()), [[Some("0.875".to_owned())]]);
    assert_eq!(pg.query("SELECT name FROM pg_cursors").await.unwrap(), Vec::<Vec<_>>::new());
}

#[tokio::test]
async fn cursors_live_as_long_as_their_transaction() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    for (text, code) in [
        ("DECLARE c CURSOR FOR SELECT 1", Some("25P01")),
        ("DECLARE c CURSOR FOR SELECT 1; FETCH c", None),
        ("FETCH c", Some("34000")),
        ("BEGIN; DECLARE c CURSOR FOR SELECT 1; DECLARE c CURSOR FOR SELECT 2", Some("42P03")),
        ("ROLLBACK", None),
        ("BEGIN; DECLARE c CURSOR FOR SELECT 1; COMMIT", None),
        ("CLOSE c", Some("34000")),
        ("BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT 1 UNION SELECT 2; ROLLBACK", None),
        ("FETCH h", Some("34000")),
        ("DECLARE h CURSOR WITH HOLD FOR SELECT 1 UNION SELECT 2", None),
        ("FETCH h", None),
        ("SELECT no_such_column FROM readings", Some("42703")),
        ("BEGIN; FETCH h; ROLLBACK", None),
        ("CLOSE ALL", None),
        ("FETCH h", Some("34000")),
        ("DECLARE c CURSOR WITH HOLD FOR DELETE FROM readings", Some("25006")),
    ] {
        assert_eq!(answer(&mut pg, text).await.2.as_deref(), code, "{text}");
    }
    for number in 0..32 {
        pg.query(&format!("DECLARE c{number} CURSOR WITH HOLD FOR SELECT 1")).await.unwrap();
    }
    let refused = pg.query("DECLARE more CURSOR WITH HOLD FOR SELECT 1").await.unwrap_err();
    assert_eq!(refused.code, "54000", "{refused:?}");
    pg.query("DISCARD ALL; DECLARE more CURSOR WITH HOLD FOR SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_copy_is_sent_as_text_or_csv() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    let query = "SELECT ts, 'a,\"b' AS \"q,\", NULL AS n, value FROM readings WHERE stream_id = 1 AND value < 0.2 ORDER BY ts";
    let csv = "ts,\"q,\",n,value\n2026-04-28 10:00:00.25+00,\"a,\"\"b\",,0\n2026-04-28 10:01:00.25+00,\"a,\"\"b\",,0.125\n";
    let text = "2026-04-28 10:00:00.25+00\ta,\"b\t\\N\t0\n2026-04-28 10:01:00.25+00\ta,\"b\t\\N\t0.125\n";
    for (options, expected) in [("WITH (FORMAT csv, HEADER)", csv), ("CSV HEADER", csv), ("", text)] {
        let copy = format!("COPY ({query}) TO STDOUT {options}");
        for is_extended in [false, true] {
            if is_extended {
                pg.parse("", &copy, &[]).await;
                pg.bind("", "", [0, 0], &[]).await;
                pg.send('D', b"P\0").await;
                pg.execute("", 0).await;
                pg.send('S', b"").await;
            } else {
                pg.send('Q', &cstring(&copy)).await;
            }
            let messages = pg.until_ready().await.unwrap();
            let lines: Vec<_> = messages.iter().filter(|(kind, _)| *kind == 'd').collect();
            let copied: Vec<u8> = lines.iter().flat_map(|(_, body)| body.to_vec()).collect();
            assert_eq!(String::from_utf8(copied).unwrap(), expected, "{copy}");
            let framed = format!("H{}cCZ", "d".repeat(lines.len()));
            let before = if is_extended { "12n" } else { "" };
            assert_eq!(kinds(&messages), format!("{before}{framed}"), "{copy}");
            assert!(rows(&messages).is_empty());
        }
    }
    assert_eq!(answer(&mut pg, "COPY readings (ts) TO STDOUT").await.1, ["COPY 360"]);
    assert_eq!(answer(&mut pg, "COPY (DELETE FROM readings) TO STDOUT").await.2.as_deref(), Some("25006"));
    let failed = answer(&mut pg, "COPY (SELECT 1 / (value - value)::int FROM readings) TO STDOUT").await;
    assert_eq!(failed.2.as_deref(), Some("22012"), "{failed:?}");
}
