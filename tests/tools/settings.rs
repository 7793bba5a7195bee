//! Settings of a connection as drivers and tools use them: what has an effect, what is notices to have none, what is refused.

use super::fixture::ToolsFixture;
use super::wire::{Message, PgClient, cstring, parse_error, rows};

/// The names and values of ParameterStatus messages.
fn reports(messages: &[Message]) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let reported = messages.iter().filter(|(kind, _)| *kind == 'S').map(|(_, body)| {
        let mut parts = body.split(|byte| *byte == 0);
        (text(parts.next().unwrap()), text(parts.next().unwrap()))
    });
    reported.collect()
}

/// The words of warnings.
fn warnings(messages: &[Message]) -> Vec<String> {
    messages.iter().filter(|(kind, _)| *kind == 'N').map(|(_, body)| parse_error(body).message).collect()
}

/// All messages of the answers to a simple query that succeeds.
async fn messages(pg: &mut PgClient, text: &str) -> Vec<Message> {
    pg.send('Q', &cstring(text)).await;
    pg.until_ready().await.unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

async fn value(pg: &mut PgClient, text: &str) -> Option<String> {
    pg.query(text).await.unwrap_or_else(|error| panic!("{text}: {error:?}"))[0][0].clone()
}

#[tokio::test]
async fn settings_are_shown_as_they_are() {
    let (_fixture, mut pg) = ToolsFixture::with_client(&[]).await;
    for (name, expected) in [
        ("server_version", "16.6"),
        ("transaction isolation level", "read committed"),
        ("standard_conforming_strings", "on"),
        ("TimeZone", "UTC"),
        ("search_path", "public"),
        ("statement_timeout", "0"),
        ("basalt.rollup", "on"),
        ("transaction_read_only", "on"),
    ] {
        assert_eq!(value(&mut pg, &format!("SHOW {name}")).await.as_deref(), Some(expected), "{name}");
    }
    for (text, expected) in [
        ("SELECT current_setting('application_name')", Some("")),
        ("SELECT current_setting('TimeZone')", Some("UTC")),
        ("SELECT current_setting('my.own', true)", None),
        ("SELECT set_config('my.own', 'x', false)", Some("x")),
        ("SELECT current_setting('my.own', true)", Some("x")),
        ("SELECT set_config('statement_timeout', '60000', false)", Some("1min")),
        ("SHOW statement_timeout", Some("1min")),
        ("SELECT set_config('statement_timeout', NULL, false)", Some("0")),
        ("SELECT set_config('search_path', 'public', true)", Some("public")),
    ] {
        assert_eq!(value(&mut pg, text).await.as_deref(), expected, "{text}");
    }
    let notices = messages(&mut pg, "SELECT set_config('application_name', 'pool', false)").await;
    assert_eq!(reports(&notices), [("application_name".to_owned(), "pool".to_owned())]);
}

#[tokio::test]
async fn settings_that_would_change_answers_are_refused() {
    let (_fixture, mut pg) = ToolsFixture::with_client(&[]).await;
    for (text, code, words) in [
        ("SET timezone = 'Europe/Berlin'", "0A000", "AT TIME ZONE"),
        ("SET TIME ZONE '+02:00'", "0A000", "AT TIME ZONE"),
        ("SELECT set_config('TimeZone', 'Europe/Berlin', false)", "0A000", "AT TIME ZONE"),
        ("SET extra_float_digits = 0", "0A000", "all their digits"),
        ("SET statement_timeout = 'soon'", "22023", "invalid value"),
        ("SELECT set_config('statement_timeout', 'soon', false)", "22023", "invalid value"),
        ("SET search_path = plant", "3F000", "does not exist"),
        ("SELECT set_config('search_path', 'plant', false)", "3F000", "does not exist"),
        ("SET datestyle = 'German'", "0A000", "to_char"),
        ("SET ROLE admin", "0A000", "rights of its key"),
        ("SELECT current_setting('nothing')", "42704", "unrecognized"),
        ("RESET nothing", "42704", "unrecognized"),
    ] {
        for found in [pg.query(text).await.unwrap_err(), pg.query_with_params(text, &[]).await.unwrap_err()] {
            assert!(found.code == code && found.message.contains(words), "{text}: {found:?}");
        }
    }
    for (text, words) in [
        ("SET jit = on", "stays at off"),
        ("SET work_mem = '64MB'", "no effect"),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE; ROLLBACK", "stays at read committed"),
        ("SET LOCAL statement_timeout = 1000", "transaction blocks"),
    ] {
        let notices = warnings(&messages(&mut pg, text).await);
        assert!(notices.len() == 1 && notices[0].contains(words), "{text}: {notices:?}");
    }
    for text in [
        "SET timezone TO 'Etc/UTC'",
        "SET TIME ZONE LOCAL",
        "SET datestyle = 'ISO, MDY'",
        "SET extra_float_digits = 3",
        "SET search_path = public, pg_catalog",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET client_encoding TO 'UTF8'",
        "SET basalt.rollup = off",
        "SET client_min_messages = error",
        "SET work_mem = '64MB'",
    ] {
        let notices = warnings(&messages(&mut pg, text).await);
        assert!(notices.is_empty(), "{text}: {notices:?}");
    }
}

#[tokio::test]
async fn settings_end_with_their_transaction_and_a_time_limit_holds() {
    let (_fixture, mut pg) = ToolsFixture::with_client(&[("BASALT_LIMITS__QUERY_TIMEOUT", "10m")]).await;
    let timeout = "SHOW statement_timeout";
    pg.query("BEGIN; SET LOCAL statement_timeout = '50ms'; SET application_name = 'kept'").await.unwrap();
    assert_eq!(value(&mut pg, timeout).await.as_deref(), Some("50ms"));
    let error = pg.query("SELECT sum(a) FROM generate_series(1, 100000000000) a").await.unwrap_err();
    assert!(error.code == "57014" && error.message.contains("statement timeout"), "{error:?}");
    let notices = messages(&mut pg, "ROLLBACK").await;
    assert_eq!(reports(&notices), [("application_name".to_owned(), String::new())]);
    assert_eq!(value(&mut pg, timeout).await.as_deref(), Some("0"));
    pg.query("BEGIN; SET statement_timeout = '5min'; COMMIT").await.unwrap();
    assert_eq!(value(&mut pg, timeout).await.as_deref(), Some("5min"));
    pg.query("SET statement_timeout = '1min'; SELECT nothing").await.unwrap_err();
    assert_eq!(value(&mut pg, timeout).await.as_deref(), Some("5min"), "a query that fails sets nothing");
    pg.query("DISCARD ALL").await.unwrap();
    assert_eq!(value(&mut pg, timeout).await.as_deref(), Some("0"));
}

#[tokio::test]
async fn settings_of_the_start_are_taken_or_told_to_have_no_effect() {
    let fixture = ToolsFixture::new(&[]).await;
    let mut pg = PgClient::open(&fixture.server.pg_address()).await;
    let parameters = [("user", "a"), ("TimeZone", "Europe/Berlin"), ("options", "-c statement_timeout=7s")];
    pg.startup(&parameters).await;
    assert_eq!(pg.message().await.unwrap().0, 'R');
    pg.send('p', &cstring(fixture.key())).await;
    let started = pg.until_ready().await.unwrap();
    let notices = warnings(&started);
    assert!(notices.len() == 1 && notices[0].contains("\"timezone\" is UTC"), "{notices:?}");
    assert!(reports(&started).contains(&("TimeZone".to_owned(), "UTC".to_owned())));
    let shown = messages(&mut pg, "SHOW statement_timeout").await;
    assert_eq!(rows(&shown), [[Some("7s".to_owned())]]);
}
