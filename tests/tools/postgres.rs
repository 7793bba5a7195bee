//! The protocol as clients speak it: both forms of queries, parameters, portals, transactions, cancelling.

use std::time::Duration;

use super::fixture::ToolsFixture;
use super::wire::{PgClient, Rows, kinds, rows, values};
use crate::support::{eventually, rows};

fn table(rows: &[&[&str]]) -> Rows {
    rows.iter().map(|row| row.iter().map(|v| (*v != "NULL").then(|| (*v).to_owned())).collect()).collect()
}

const SPEEDS: &str = "SELECT ts, value FROM readings WHERE stream_id = 1 ORDER BY ts";

#[tokio::test]
async fn statements_are_answered_in_both_protocols() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    type Row<'a> = (&'a str, &'a str, &'a [Option<&'a str>], &'a [&'a [&'a str]]);
    let rows: [Row; 18] = rows![
        "a_number", "SELECT 1 AS one", &[], &[&["1"]];
        "types", "SELECT true, 1.5, 'a', NULL", &[], &[&["t", "1.5", "a", "NULL"]];
        "a_time", &format!("{SPEEDS} LIMIT 1"), &[], &[&["2026-04-28 10:00:00.25+00", "0"]];
        "a_text", "SELECT text FROM readings WHERE text IS NOT NULL ORDER BY ts LIMIT 2", &[],
            &[&["on"], &["it's off"]];
        "no_rows", "SELECT value FROM readings WHERE stream_id = 77", &[], &[];
        "an_interval", "SELECT interval '1 hour', CAST(NULL AS interval)", &[], &[&["01:00:00", "NULL"]];
        "points", "SELECT lttb(ts, value, 3) IS NULL FROM readings WHERE stream_id = 1", &[], &[&["f"]];
        "a_comment_and_an_end", "/* a */ SELECT 1; -- b", &[], &[&["1"]];
        "a_parameter", "SELECT count(*) FROM readings WHERE stream_id = $1", &[Some("1")], &[&["120"]];
        "used_twice", "SELECT concat($1, $1, $2)", &[Some("a"), Some("b")], &[&["aab"]];
        "a_null", "SELECT $1 IS NULL", &[None], &[&["t"]];
        "times", "SELECT count(*) FROM readings WHERE stream_id = $1 AND ts >= $2 AND ts < $3",
            &[Some("1"), Some("2026-04-28 10:30:00+00"), Some("2026-04-28T13:00:00+02:00")], &[&["30"]];
        "a_limit", "SELECT value FROM readings WHERE stream_id = 1 ORDER BY ts LIMIT $1", &[Some("2")],
            &[&["0"], &["0.125"]];
        "escapes", r"SELECT 'A#_b' LIKE 'A##_%' ESCAPE '#', 'a_b' LIKE 'a\_%' ESCAPE '', 'a_b' ILIKE 'A\_%'", &[],
            &[&["t", "f", "t"]];
        "escapes_of_parameters", "SELECT 'a_b#' LIKE $1 || '%' ESCAPE '#', 'a_b#' LIKE $2 ESCAPE '#', 'ab' LIKE $3 ESCAPE '#'",
            &[Some("a#_"), Some("a#_b##"), Some(r"a\b")], &[&["t", "t", "f"]];
        "a_setting", "SHOW server_version", &[], &[&["16.6"]];
        "the_zone", "SHOW TIME ZONE", &[], &[&["UTC"]];
        "a_command", "SET application_name = 'x'", &[], &[];
    ];
    for (name, text, given, expected) in rows {
        assert_eq!(pg.query_with_params(text, given).await, Ok(table(expected)), "{name}, extended");
        if given.is_empty() {
            assert_eq!(pg.query(text).await, Ok(table(expected)), "{name}, simple");
        }
    }
    assert_eq!(pg.query("SELECT 1; SELECT 2, 3;").await, Ok(table(&[&["1"], &["2", "3"]])));
    assert_eq!(pg.query(" ; ").await, Ok(vec![]), "an empty query");
}

#[tokio::test]
async fn numbers_and_times_go_both_ways_in_binary() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    // 2026-04-28 10:30:00 UTC, counted from 2000.
    let from = 830_687_400_000_000i64.to_be_bytes();
    let text =
        "SELECT ts, value, stream_id FROM readings WHERE stream_id = $1 AND ts > $2 ORDER BY ts LIMIT 1";
    pg.parse("s", text, &[23, 1184]).await;
    pg.bind("p", "s", [1, 1], &[Some(&1i32.to_be_bytes()), Some(&from)]).await;
    pg.send('D', b"Pp\0").await;
    pg.execute("p", 0).await;
    let messages = pg.sync().await.unwrap();
    assert_eq!(kinds(&messages), "12TDCZ");
    let row: Vec<_> = values(&messages).remove(0).into_iter().map(Option::unwrap).collect();
    assert_eq!(row[0][..], (830_687_400_000_000i64 + 250_000).to_be_bytes());
    assert_eq!(row[1][..], 3.75f64.to_be_bytes());
    assert_eq!(row[2][..], 1i32.to_be_bytes());
}

#[tokio::test]
async fn arrays_are_parameters() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    let of = "SELECT count(*) FROM readings WHERE stream_id = ANY($1)";
    let rows = rows![
        "numbers", of, Some("{1,3}"), "240";
        "one_that_is_not_there", of, Some("{ 1, 77 }"), "120";
        "a_null_among_them", of, Some("{1,NULL}"), "120";
        "none", of, Some("{}"), "0";
        "no_array", of, None, "0";
        "some", "SELECT count(*) FROM readings WHERE stream_id = SOME($1)", Some("{2}"), "120";
        "none_of", "SELECT count(*) FROM readings WHERE stream_id <> ALL($1)", Some("{1,2}"), "120";
        "texts", "SELECT count(*) FROM streams WHERE name = ANY($1)", Some(r#"{speed,"state","it, \"s\""}"#),
            "2";
        "times", "SELECT count(*) FROM readings WHERE ts = ANY($1)",
            Some(r#"{"2026-04-28 10:00:00.25+00","2026-04-28T12:01:00.25+02:00"}"#), "6";
        "cast", "SELECT count(*) FROM readings WHERE value = ANY($1::float8[])", Some("{0.125,-777.5}"), "121";
        "of_the_catalog", "SELECT count(*) FROM pg_catalog.pg_class WHERE relname = ANY($1)",
            Some("{readings,x}"), "1";
    ];
    for (name, text, given, expected) in rows {
        assert_eq!(pg.query_with_params(text, &[given]).await, Ok(table(&[&[expected]])), "{name}");
    }
    let many = format!("{{{}}}", vec!["1"; 10_001].join(","));
    let wrong =
        [("{1,x}", "22P02", "int4[]"), ("{{1},{2}}", "22P02", "int4[]"), (&many, "54000", "10000 elements")];
    for (given, code, words) in wrong {
        let error = pg.query_with_params(of, &[Some(given)]).await.unwrap_err();
        assert!(error.code == code && error.message.contains(words), "{error:?}");
    }
    // As numbers of four bytes, in binary: one dimension, no nulls, two elements from 1 on.
    let binary = [1, 0, 23, 2, 1, 4, 1, 4, 3].map(i32::to_be_bytes).concat();
    pg.parse("s", of, &[1007]).await;
    pg.bind("p", "s", [1, 1], &[Some(&binary)]).await;
    pg.send('D', b"Ss\0").await;
    pg.execute("p", 0).await;
    let error = pg.sync().await.unwrap();
    assert_eq!(kinds(&error), "12tTDCZ");
    assert_eq!(values(&error)[0][0].as_deref(), Some(&240i64.to_be_bytes()[..]));
    // Left to the server, the type is that of what it is compared with.
    pg.parse("t", of, &[]).await;
    pg.send('D', b"St\0").await;
    let error = pg.sync().await.unwrap();
    assert_eq!(error[1].1[2..], 1007u32.to_be_bytes());
    pg.query(&format!("PREPARE q (int[]) AS {}", of)).await.unwrap();
    for (given, expected) in
        [("'{1,2}'", "240"), ("ARRAY[3]", "120"), ("ARRAY[1, 1 + 1, 3]", "360"), ("NULL", "0")]
    {
        assert_eq!(pg.query(&format!("EXECUTE q ({given})")).await, Ok(table(&[&[expected]])), "{given}");
    }
    for given in ["'{a}'", "1"] {
        assert_eq!(pg.query(&format!("EXECUTE q ({given})")).await.unwrap_err().code, "42804", "{given}");
    }
}

#[tokio::test]
async fn a_statement_is_described_before_it_runs() {
    let (world, mut pg) = ToolsFixture::with_client(&[]).await;
    pg.parse("s", "SELECT ts, value * $3 AS v FROM readings WHERE stream_id = $1 AND ts >= $2", &[0, 0, 701])
        .await;
    pg.send('D', b"Ss\0").await;
    let messages = pg.sync().await.unwrap();
    assert_eq!(kinds(&messages), "1tTZ");
    let oids: Vec<u32> =
        messages[1].1[2..].chunks(4).map(|b| u32::from_be_bytes(b.try_into().unwrap())).collect();
    assert_eq!(oids, [23, 1184, 701], "int4 and timestamptz are inferred, float8 was declared");
    let columns = String::from_utf8_lossy(&messages[2].1);
    assert!(columns.contains("ts\0") && columns.contains("v\0"), "{columns:?}");
    // Nothing ran: the log has no record of it.
    let log = "SELECT count(*) AS n FROM query_log WHERE surface = 'postgres'";
    assert_eq!(world.server.client().sql(log).await[0]["n"], 0);
    pg.query("SELECT 1").await.unwrap();
    assert_eq!(world.server.client().sql(log).await[0]["n"], 1);
}

#[tokio::test]
async fn a_portal_gives_its_rows_in_parts() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    pg.query("BEGIN").await.unwrap();
    pg.parse("", SPEEDS, &[]).await;
    pg.bind("c", "", [0, 0], &[]).await;
    pg.execute("c", 50).await;
    let first = pg.sync().await.unwrap();
    assert!(kinds(&first).ends_with("DsZ"), "{}", kinds(&first));
    let mut all = rows(&first);
    for expected in [50, 20] {
        pg.execute("c", 50).await;
        let part = rows(&pg.sync().await.unwrap());
        assert_eq!(part.len(), expected);
        all.extend(part);
    }
    assert_eq!(all, pg.query(SPEEDS).await.unwrap(), "nothing is lost or doubled between the parts");
    pg.query("COMMIT").await.unwrap();
    pg.execute("c", 50).await;
    assert_eq!(pg.sync().await.unwrap_err().code, "34000", "a portal ends with its transaction");
}

#[tokio::test]
async fn sql_prepares_statements_too() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    let text =
        "PREPARE part (int, timestamptz) AS SELECT count(*) FROM readings WHERE stream_id = $1 AND ts < $2";
    pg.query(text).await.unwrap();
    let rows = [
        ("EXECUTE part (1, '2026-04-28 10:30:00+00')", "30"),
        ("EXECUTE part (0 + 1, timestamp '2026-04-28 11:00:00' + interval '30 minutes')", "90"),
        ("EXECUTE part (NULL, NULL)", "0"),
    ];
    for (text, expected) in rows {
        assert_eq!(pg.query(text).await, Ok(table(&[&[expected]])), "{text}");
    }
    pg.query("PREPARE quotient (int) AS SELECT $1 / 30000::numeric").await.unwrap();
    assert_eq!(pg.query("EXECUTE quotient (1)").await, Ok(table(&[&["0.000033333"]])));
    assert_eq!(pg.query("PREPARE part AS SELECT 1").await.unwrap_err().code, "42P05");
    assert_eq!(pg.query("EXECUTE part (1)").await.unwrap_err().code, "42601");
    assert_eq!(pg.query("EXECUTE part ('one', 'two')").await.unwrap_err().code, "42804");
    assert_eq!(pg.query("EXECUTE other").await.unwrap_err().code, "26000");
    pg.query("DEALLOCATE part").await.unwrap();
    assert_eq!(pg.query("EXECUTE part (1, now())").await.unwrap_err().code, "26000");
}

#[tokio::test]
async fn transactions_are_kept_count_of() {
    let (_world, mut pg) = ToolsFixture::with_client(&[]).await;
    let rows = [
        ("SELECT 1", 'I', None),
        ("BEGIN", 'T', None),
        ("SELECT 1", 'T', None),
        ("SAVEPOINT a", 'T', None),
        ("SELECT no_such_column FROM readings", 'E', Some("42703")),
        ("SELECT 1", 'E', Some("25P02")),
        ("ROLLBACK TO SAVEPOINT a", 'T', None),
        ("SELECT nothing(1)", 'E', Some("42883")),
        ("COMMIT", 'I', None),
        ("SELECT 1; BEGIN; SELECT broken broken broken; SELECT 2", 'E', Some("42601")),
        ("DISCARD ALL", 'E', Some("25P02")),
        ("ROLLBACK", 'I', None),
    ];
    for (text, status, code) in rows {
        pg.send('Q', &super::wire::cstring(text)).await;
        let mut error = None;
        let now = loop {
            match pg.message().await.unwrap() {
                ('Z', body) => break char::from(body[0]),
                ('E', body) => error = Some(super::wire::parse_error(&body).code),
                _ => {}
            }
        };
        assert_eq!((now, error.as_deref()), (status, code), "{text}");
    }
}

#[tokio::test]
async fn a_running_statement_is_cancelled_by_who_knows_its_secret() {
    let world = ToolsFixture::new(&[("BASALT_LIMITS__QUERY_TIMEOUT", "10m")]).await;
    let address = world.server.pg_address();
    let mut pg = PgClient::connect(&address, world.key()).await.unwrap();
    let endless = "SELECT sum(a) FROM generate_series(1, 100000000000) a";
    let (pid, secret) = pg.cancel_key;
    let cancelling = tokio::spawn(async move {
        PgClient::cancel(&address, (pid, secret.wrapping_add(1))).await;
        // The first may come before the statement has begun: it is of no consequence then, as in PostgreSQL.
        loop {
            PgClient::cancel(&address, (pid, secret)).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let cancelled = pg.query(endless).await.unwrap_err();
    assert_eq!((cancelled.code.as_str(), cancelled.severity.as_str()), ("57014", "ERROR"), "{cancelled:?}");
    cancelling.abort();
    assert_eq!(pg.query("SELECT 1").await, Ok(table(&[&["1"]])), "the connection goes on");
    let log = "SELECT outcome FROM query_log WHERE surface = 'postgres' AND outcome <> 'ok'";
    let client = world.server.client();
    let ended = eventually("its record", Duration::from_secs(20), || async {
        client.sql(log).await.first().map(|row| row["outcome"].clone())
    });
    assert_eq!(ended.await, "cancelled");
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_statement() {
    let (world, mut pg) = ToolsFixture::with_client(&[("BASALT_LIMITS__QUERY_TIMEOUT", "10m")]).await;
    pg.send('Q', &super::wire::cstring("SELECT sum(a) FROM generate_series(1, 100000000000) a")).await;
    drop(pg);
    let client = world.server.client();
    let log = "SELECT outcome FROM query_log WHERE surface = 'postgres'";
    let ended = eventually("its record", Duration::from_secs(20), || async {
        client.sql(log).await.first().map(|row| row["outcome"].clone())
    });
    assert_eq!(ended.await, "cancelled");
}
