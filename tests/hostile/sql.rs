//! Hostile input: SQL statements.

use std::time::Instant;

use serde_json::{Value, json};

use super::{AttackedServer, STARVATION_LIMIT};
use crate::support::{Client, eventually, one_in, row_vec, rows};

/// The most memory the server may have held after any of these, MiB: a debug build with its default pool of 256 MB.
const MAX_RESIDENT_MIB: u64 = 1536;

/// Nearly the depth that a statement may have.
const DEEP: usize = 490;

/// Rows of numbers, long texts and short ones for statements to work on.
async fn with_rows(attacked: &AttackedServer, rows: usize) {
    let client = attacked.server.client();
    let lines: String = (0..rows)
        .map(|n| {
            let ts = 1_770_000_000 + n;
            format!("{{\"stream_id\": {}, \"ts\": {ts}, \"value\": {n}}}\n", attacked.stream)
        })
        .collect();
    client.ingest("application/x-ndjson", lines).await.ok();
}

/// The status, and the body of a refusal.
async fn ask(client: &Client, statement: &str) -> (u16, String) {
    let (status, body) = client
        .send_bytes("POST", "/sql", &[("content-type", "text/plain")], statement.to_owned())
        .await
        .outcome();
    (status, if status == 200 { String::new() } else { String::from_utf8_lossy(&body).into_owned() })
}

fn repeated(head: &str, part: &str, count: usize, tail: &str) -> String {
    format!("{head}{}{tail}", part.repeat(count))
}

/// Each shape that once overflowed a stack, `count` times over.
fn shapes(count: usize) -> Vec<String> {
    let nested = |open: &str, inner: &str, close: &str| {
        format!("SELECT {}{inner}{}", open.repeat(count), close.repeat(count))
    };
    let ctes: String = (1..count.min(200)).map(|n| format!(", c{n} AS (SELECT x FROM c{})", n - 1)).collect();
    row_vec![
        repeated("SELECT 1", "+1", count, "");
        repeated("SELECT 1.5", "*1.5", count, "");
        repeated("SELECT value", " + value", count, " FROM readings LIMIT 1");
        repeated("SELECT 1 WHERE (true AND true)", " OR (true AND true)", count, "");
        repeated("SELECT 1 FROM readings WHERE (value = 1 AND stream_id = 1)", " OR (value = 2 AND stream_id = 2)", count / 6, "");
        repeated("SELECT ", "NOT ", count, "true");
        repeated("SELECT ", "- ", count, "1");
        repeated("SELECT 'a'", " || 'a'", count, "");
        repeated("SELECT 1", "::int", count / 2, "");
        repeated("SELECT 1", " IS NULL", count / 2, "");
        repeated("SELECT 1", " IS NOT NULL", count / 3, "");
        repeated("SELECT true", " BETWEEN false AND true", count / 3, "");
        repeated("SELECT now()", " AT TIME ZONE 'UTC'", count / 3, "");
        repeated("SELECT 'a' LIKE 'a'", " = true", count, "");
        repeated("SELECT NULL::INT", "[]", count / 2, "");
        repeated("SELECT [1]", "[1]", count / 2, "");
        repeated("", "EXPLAIN ", count, "SELECT 1");
        repeated("SELECT 1", " UNION ALL SELECT 1", count / 4, "");
        repeated("SELECT 1", " UNION SELECT 1", count / 8, "");
        repeated("SELECT 1", " INTERSECT SELECT 1", count / 8, "");
        repeated("SELECT 1 FROM streams a0", " CROSS JOIN (SELECT 1) a", count / 40, "");
        nested("(", "1", ")");
        nested("[", "1", "]");
        nested("abs(", "1", ")");
        nested("CASE WHEN true THEN ", "1", " END");
        nested("(SELECT ", "1", ")");
        nested("CAST(", "1", " AS INT)");
        nested("coalesce(NULL, ", "1", ")");
        nested("struct(", "1", ")");
        format!("SELECT arrow_cast(NULL, '{}Int8{}')", "List(".repeat(count), ")".repeat(count));
        format!("SELECT CAST(NULL AS {}INT{})", "STRUCT<a ".repeat(count), ">".repeat(count));
        format!("WITH c0 AS (SELECT 1 AS x){ctes} SELECT count(*) FROM c{}", count.min(200) - 1);
        format!("SELECT * FROM {}readings{}", "(SELECT * FROM ".repeat(count / 10), ")".repeat(count / 10));
    ]
}

/// None of these ends the process, at the bound or far past it, and each answer says something.
#[tokio::test(flavor = "multi_thread")]
async fn deep_statements_are_answered_or_refused() {
    let (attacked, client) = AttackedServer::with_client(&[("BASALT_LIMITS__QUERY_TIMEOUT", "10s")]).await;
    for count in [DEEP, 20_000] {
        for statement in one_in(4, shapes(count)) {
            let shown = &statement[..statement.len().min(50)];
            let (status, body) = ask(&client, &statement).await;
            assert!(matches!(status, 200 | 400 | 413 | 504), "{count} x {shown}: {status} {body}");
            assert!(status == 200 || body.contains("message") || body.contains("detail"), "{shown}: {body}");
            // Some shapes have a bound of their own, which keeps them short.
            assert!(count < 20_000 || status != 200 || statement.len() < 10_000, "{shown} is not refused");
        }
    }
    attacked.finish_below(MAX_RESIDENT_MIB).await;
}

/// Ordinary statements that are long without being deep are answered.
#[tokio::test(flavor = "multi_thread")]
async fn long_lists_are_still_answered() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    let ids: Vec<_> = (0..20_000).map(|n| n.to_string()).collect();
    let conditions: Vec<_> = (0..150).map(|n| format!("(value = {n} AND quality = 'good')")).collect();
    let statements = [
        format!("SELECT count(*) FROM readings WHERE stream_id IN ({})", ids.join(", ")),
        format!("SELECT count(*) FROM readings WHERE {}", conditions.join(" OR ")),
        format!(
            "SELECT count(*) FROM (VALUES {}) AS v(x)",
            ids.iter().map(|n| format!("({n})")).collect::<Vec<_>>().join(",")
        ),
    ];
    for statement in statements {
        let (status, body) = ask(&client, &statement).await;
        assert_eq!(status, 200, "{} {body}", &statement[..60]);
    }
    attacked.finish().await;
}

/// Each of these statements once held gigabytes.
#[tokio::test(flavor = "multi_thread")]
async fn statements_are_bounded_in_memory_whatever_function_builds() {
    let attacked = AttackedServer::start(&[("BASALT_LIMITS__QUERY_TIMEOUT", "3s")]).await;
    with_rows(&attacked, 20_000).await;
    let client = attacked.server.client();
    let long = "x".repeat(200_000);
    let digits = "1".repeat(2_000);
    let doubling: String =
        (1..30).map(|n| format!(", c{n} AS (SELECT a.x FROM c{0} a, c{0} b)", n - 1)).collect();
    let texts: String = (1..25).map(|n| format!(", t{n} AS (SELECT x || x AS x FROM t{})", n - 1)).collect();
    let columns: Vec<_> = (0..300).map(|n| format!("replace(x, '1', '{n:09}') AS c{n}")).collect();
    let statements = rows![
        format!("SELECT '{long}' AS t FROM generate_series(1, 100000)");
        format!("SELECT '{long}' AS t, ts FROM readings");
        format!("SELECT count(*) FROM (SELECT '{long}' || value::text AS t FROM readings) WHERE t LIKE '%y'");
        format!("SELECT replace(replace('{digits}', '1', '{digits}'), '1', '{digits}') AS t");
        format!("SELECT max(length(replace(replace(value::text, '1', '{digits}'), '1', '{digits}'))) FROM readings");
        format!("SELECT max(length(regexp_replace(value::text, '', '{digits}', 'g'))) FROM readings");
        format!("SELECT {} FROM (SELECT value::text || '{digits}' AS x FROM readings)", columns.join(", "));
        "SELECT count(*) FROM readings WHERE regexp_like('abc', concat('\\w{160}', value::text))".to_owned();
        "SELECT count(*) FROM readings WHERE 'abc' ~ concat('\\w{160}', value::text)".to_owned();
        "SELECT sum(x) OVER () AS s FROM generate_series(1, 30000000) AS g(x)".to_owned();
        "SELECT max(x) OVER (ORDER BY x RANGE BETWEEN 100000000 PRECEDING AND CURRENT ROW) AS s \
         FROM generate_series(1, 30000000) AS g(x)"
            .to_owned();
        format!("WITH c0 AS (SELECT 1 AS x){doubling} SELECT count(*) FROM c29");
        format!("WITH t0 AS (SELECT value::text AS x FROM readings){texts} SELECT max(length(x)) FROM t24");
        format!(
            "SELECT 1 FROM readings GROUP BY CUBE({})",
            (0..30).map(|n| format!("value + {n}")).collect::<Vec<_>>().join(", ")
        );
        "SELECT CAST(NULL AS INT[2000000000]) FROM readings".to_owned();
        "SELECT arrow_cast(NULL, 'FixedSizeBinary(2147483647)') FROM readings".to_owned();
        "SELECT array_to_string(array_agg(value), 'x') FROM generate_series(1, 100) AS g(x), readings".to_owned();
    ];
    for statement in one_in(4, statements) {
        let started = Instant::now();
        let (status, body) = ask_and_drop(&client, &statement).await;
        let shown = &statement[..statement.len().min(60)];
        assert!(matches!(status, 200 | 400 | 413 | 503 | 504), "{shown}: {status} {body}");
        println!("{status} after {:?}: {shown} {}", started.elapsed(), &body[..body.len().min(120)]);
    }
    attacked.finish_below(MAX_RESIDENT_MIB).await;
}

/// Asks with a limit of rows, so that a large answer is computed and not sent: the first megabyte is enough.
async fn ask_and_drop(client: &Client, statement: &str) -> (u16, String) {
    let limited = format!("SELECT * FROM ({statement}) AS q LIMIT 3");
    let statement = if statement.starts_with("WITH") { statement } else { &limited };
    ask(client, statement).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_has_at_most_a_thousand_parameters() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    let body = format!("{{\"query\": \"SELECT 1\", \"params\": [{}0]}}", "0,".repeat(5_000_000));
    for _ in 0..4 {
        let json = [("content-type", "application/json")];
        client.send("POST", "/sql", &json, body.clone()).await.expect_one_of(&[400, 413]);
    }
    attacked.finish_below(600).await;
}

/// Statements that compute without ever waiting end with their time and with their asker, and do not keep others from
/// being answered meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn statements_that_never_yield_end_and_starve_nobody() {
    let attacked = AttackedServer::start(&[("BASALT_LIMITS__QUERY_TIMEOUT", "2s")]).await;
    with_rows(&attacked, 30_000).await;
    let client = attacked.server.client().with_timeout(STARVATION_LIMIT);
    let endless = [
        "SELECT count(*) FROM readings a, readings b WHERE a.value * b.value < 0",
        "SELECT count(*) FROM readings a JOIN readings b ON a.stream_id = b.stream_id WHERE a.value * b.value < -1",
        "SELECT a.value FROM readings a CROSS JOIN readings b CROSS JOIN readings c WHERE a.value + b.value + c.value < 0",
        "SELECT max(a.value + b.value) FROM readings a, readings b, readings c",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    ];
    for statement in endless {
        let (status, body) = ask(&client, statement).await;
        assert!(matches!(status, 413 | 504), "{statement}: {status} {body}");
    }
    // Who hangs up is not computed for.
    let mut leaving = Vec::new();
    for statement in endless.iter().cycle().take(8) {
        let (client, statement) = (client.clone(), (*statement).to_owned());
        leaving.push(tokio::spawn(async move { ask(&client, &statement).await }));
    }
    eventually("one of them is computed", STARVATION_LIMIT, || async {
        let running = client.get("/api/query/").await.body;
        let mut texts = running.as_array()?.iter().filter_map(|query| query["text"].as_str());
        texts.any(|text| endless.contains(&text)).then_some(())
    })
    .await;
    leaving.iter().for_each(tokio::task::JoinHandle::abort);
    eventually("nothing is computed for who has left", STARVATION_LIMIT, || async {
        let cancelled = "SELECT count(*) AS n FROM query_log WHERE outcome = 'cancelled'";
        let (status, rows) = client.try_sql(cancelled).await.outcome();
        (status == 200 && rows[0]["n"].as_i64() >= Some(1)).then_some(())
    })
    .await;
    let rows: Vec<Value> = client.sql("SELECT count(*) AS n FROM readings").await;
    assert!(rows[0]["n"].as_i64() >= Some(30_000), "{}", json!(rows));
    attacked.finish().await;
}
