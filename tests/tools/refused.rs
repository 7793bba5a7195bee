//! Refused callers and statements, and connections that end.

use std::net::UdpSocket;
use std::time::Duration;

use serde_json::json;

use super::fixture::ToolsFixture;
use super::wire::{PgClient, parse_error};
use crate::support::{Server, eventually};

#[tokio::test]
async fn errors_have_their_sqlstate_and_the_words_of_sql_over_http() {
    let world = ToolsFixture::new(&[]).await;
    let client = world.server.client();
    let mut pg = world.connect().await;
    let rows = [
        ("no_table", "SELECT * FROM sensors", "42P01"),
        ("no_column", "SELECT temperature FROM readings", "42703"),
        ("no_lateral", "SELECT 1 FROM streams s, (SELECT s.id) AS d", "42P01"),
        ("no_function", "SELECT frobnicate(value) FROM readings", "42883"),
        ("no_sql", "SELECT * FROM", "42601"),
        ("divided_by_zero", "SELECT 1 / (stream_id - stream_id) FROM readings", "22012"),
        ("a_cast", "SELECT CAST(text AS INT) FROM readings WHERE text IS NOT NULL", "22P02"),
        ("no_time", "SELECT 'soon'::timestamptz", "22007"),
        ("no_day", "SELECT 'soon'::date", "22007"),
        ("no_interval", "SELECT 'soon'::interval", "22007"),
        ("too_large_quotient", "SELECT (-9223372036854775807 - 1) / -1", "22003"),
        ("too_large", "SELECT 9223372036854775807 + 1", "22003"),
        ("more_than_one", "SELECT (SELECT ts FROM readings)", "21000"),
        ("a_negative_limit", "SELECT 1 LIMIT -1", "2201W"),
        ("before_all_times", "SELECT timestamp '0001-01-01 00:00:00' + interval '1 second'", "22008"),
        ("not_grouped", "SELECT stream_id, value FROM readings GROUP BY stream_id", "42803"),
        ("delete", "DELETE FROM readings", "25006"),
        ("insert", "INSERT INTO readings (stream_id) VALUES (1)", "25006"),
        ("update", "UPDATE readings SET value = 1", "25006"),
        ("create", "CREATE TABLE t (a INT)", "25006"),
        ("drop", "DROP TABLE readings", "25006"),
    ];
    for (name, text, code) in rows {
        let expected = client.try_sql(text).await["detail"].clone();
        for found in [pg.query(text).await.unwrap_err(), pg.query_with_params(text, &[]).await.unwrap_err()] {
            assert_eq!((found.code.as_str(), json!(found.message)), (code, expected.clone()), "{name}");
        }
    }
    let more = [
        ("a_value", "SELECT * FROM readings WHERE stream_id = $1", &[Some("one")][..], "22P02"),
        ("too_few_values", "SELECT $1", &[], "08P01"),
        ("two_statements", "SELECT 1; SELECT 2", &[], "42601"),
        ("a_setting", "SHOW nothing_like_it", &[], "42704"),
    ];
    for (name, text, values, code) in more {
        assert_eq!(pg.query_with_params(text, values).await.unwrap_err().code, code, "{name}");
    }
    let instead = [
        ("copy_in", "COPY readings FROM STDIN WITH (FORMAT csv)", "POST /ingest"),
        ("copy_to_a_file", "COPY readings TO '/tmp/x.csv'", "POST /sql"),
        ("copy_in_the_old_form", "COPY BINARY readings TO STDOUT", "(FORMAT binary)"),
        ("copy_with_quotes", "COPY readings TO STDOUT (FORMAT csv, FORCE_QUOTE *)", "valid are FORMAT"),
        ("backward", "FETCH PRIOR FROM c", "forward only"),
        ("explain_as_json", "EXPLAIN (FORMAT JSON) SELECT 1", "FORMAT JSON; the formats are TEXT"),
    ];
    for (name, text, words) in instead {
        for found in [pg.query(text).await.unwrap_err(), pg.query_with_params(text, &[]).await.unwrap_err()] {
            assert!(found.code == "0A000" && found.message.contains(words), "{name}: {found:?}");
        }
    }
    let wide: Vec<_> = (0..1700).map(|n| format!("1 AS c{n}")).collect();
    assert_eq!(pg.query(&format!("SELECT {}", wide.join(", "))).await.unwrap_err().code, "54011");
    assert!(pg.query("SELECT 1").await.is_ok(), "the connection outlives them all");
    assert_eq!(client.sql("SELECT count(*) AS n FROM readings").await[0]["n"], 360, "and nothing changed");
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_told_to_the_audit_log() {
    let world = ToolsFixture::new(&[]).await;
    let address = world.server.pg_address();
    let wrong = format!("{}x", world.key());
    for key in ["", "secret", wrong.as_str()] {
        let error = PgClient::connect(&address, key).await.err().unwrap();
        assert_eq!((error.severity.as_str(), error.code.as_str()), ("FATAL", "28P01"), "{error:?}");
        assert_eq!(error.message, "Invalid API key.");
    }
    let mut pg = PgClient::open(&address).await;
    pg.startup(&[("user", "a"), ("replication", "true")]).await;
    assert_eq!(parse_error(&pg.message().await.unwrap().1).code, "0A000");
    let client = world.server.client();
    let audited = "SELECT request, address FROM audit_log WHERE request = 'postgres'";
    let rows = eventually("the refusals", Duration::from_secs(30), || async {
        let rows = client.sql(audited).await;
        (!rows.is_empty()).then_some(rows)
    });
    assert_eq!(rows.await[0]["address"], "127.0.0.1");
}

/// An address of this machine by which it is not itself: whoever uses it counts as another machine.
fn outer_address() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: the system only says which way it would.
    socket.connect("192.0.2.1:9").expect("a machine with a network");
    socket.local_addr().unwrap().ip().to_string()
}

#[tokio::test]
async fn keys_of_other_machines_are_not_asked_for_in_the_clear() {
    let place = format!("{}:0", outer_address());
    let doors = [("BASALT_PG_LISTEN", place.as_str()), ("BASALT_FLIGHT_LISTEN", &place)];
    let server = Server::start(&doors).await;
    let error = PgClient::connect(&server.pg_address(), &server.key).await.err().unwrap();
    let code = (error.severity.as_str(), error.code.as_str());
    assert_eq!(code, ("FATAL", "28000"), "before a password: {error:?}");
    assert!(error.message.contains("TLS") && error.message.contains("allow_plaintext"), "{error:?}");
    let error = super::flight::ask(&server, &server.key, "SELECT 1").await.unwrap_err();
    assert!(error.contains("over TLS only"), "{error}");

    let server = Server::start(&[&doors[..], &[("BASALT_ALLOW_PLAINTEXT", "true")]].concat()).await;
    let mut pg = PgClient::connect(&server.pg_address(), &server.key).await.unwrap();
    assert_eq!(pg.query("SELECT 1").await.unwrap().len(), 1);
    assert_eq!(super::flight::ask(&server, &server.key, "SELECT 1").await, Ok(1));
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let world = ToolsFixture::new(&[]).await;
    let key = world.server.create_key(&["--scope", "data:read"]).await;
    let mut pg = PgClient::connect(&world.server.pg_address(), &key).await.unwrap();
    let error = pg.query("SELECT * FROM readings").await.unwrap_err();
    assert_eq!(error.code, "42501");
    assert!(error.message.contains("value:read"), "{error:?}");
    assert_eq!(pg.query("SELECT name FROM streams ORDER BY id").await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_revoked_key_ends_its_connections() {
    let world = ToolsFixture::new(&[]).await;
    let address = world.server.pg_address();
    let key = world.server.create_key(&[]).await;
    let mut idle = PgClient::connect(&address, &key).await.unwrap();
    let mut busy = PgClient::connect(&address, &key).await.unwrap();
    busy.query("SELECT 1").await.unwrap();
    busy.send('Q', &super::wire::cstring("SELECT sum(a) FROM generate_series(1, 100000000000) a")).await;
    world.revoke_newest().await;
    for (name, pg) in [("idle", &mut idle), ("busy", &mut busy)] {
        let ended = pg.until_ready().await.unwrap_err();
        assert_eq!((ended.severity.as_str(), ended.code.as_str()), ("FATAL", "28P01"), "{name}: {ended:?}");
        assert!(pg.message().await.is_none(), "{name} is closed");
    }
    assert!(PgClient::connect(&address, &key).await.is_err());
}

#[tokio::test]
async fn limits_hold_as_over_http() {
    let limits = [
        ("BASALT_LIMITS__QUERY_ROWS", "20000"),
        ("BASALT_LIMITS__QUERY_TIMEOUT", "2s"),
        ("BASALT_LIMITS__QUERY_SHARE", "2MB"),
    ];
    let (_world, mut pg) = ToolsFixture::with_client(&limits).await;
    let rows = [
        ("rows", "SELECT value FROM generate_series(1, 3000000)", "54000", "20000 rows"),
        ("time", "SELECT sum(a) FROM generate_series(1, 100000000000) a", "57014", "longer than 2 s"),
        ("memory", "SELECT array_agg(value) FROM generate_series(1, 90000000)", "54000", "more memory"),
    ];
    for (name, text, code, words) in rows {
        let error = pg.query(text).await.unwrap_err();
        assert!(error.message.contains(words) && error.code == code, "{name}: {error:?}");
    }
    assert_eq!(pg.query("SELECT value FROM generate_series(1, 20000)").await.unwrap().len(), 20_000);
}

#[tokio::test]
async fn connections_are_counted_and_idle_ones_end() {
    let world =
        ToolsFixture::new(&[("BASALT_PG__CONNECTIONS", "2"), ("BASALT_PG__IDLE_TIMEOUT", "3s")]).await;
    let address = world.server.pg_address();
    let first = PgClient::connect(&address, world.key()).await.unwrap();
    let mut second = PgClient::connect(&address, world.key()).await.unwrap();
    let mut third = PgClient::open(&address).await;
    let error = parse_error(&third.message().await.unwrap().1);
    assert!(error.code == "53300" && error.message.contains("pg.connections"), "{error:?}");
    drop(first);
    let mut again = eventually("a place is free", Duration::from_secs(20), || async {
        PgClient::connect(&address, world.key()).await.ok()
    })
    .await;
    for pg in [&mut second, &mut again] {
        let ended = pg.until_ready().await.unwrap_err();
        assert!(ended.code == "57P05" && ended.message.contains("pg.idle_timeout"), "{ended:?}");
    }
}

#[tokio::test]
async fn the_server_stops_in_order_with_connections_open() {
    let (mut world, mut pg) = ToolsFixture::with_client(&[]).await;
    world.server.stop().await;
    assert_eq!(pg.until_ready().await.unwrap_err().code, "57P01");
}
