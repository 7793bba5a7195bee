//! Questions that would show, count, or stumble over a row of somebody else.

use serde_json::{Value, json};

use super::fixture::{self, IsolationFixture, SECRET, SECRET_VALUE};
use crate::in_process::{DAY, MINUTE, NOW};
use crate::support::{Client, rows};

/// Nothing of somebody else's is in an answer: neither their texts, names and values, nor their ids.
fn check_nothing_leaks(world: &IsolationFixture, place: &str, answer: &Value, headers: &str) {
    let text = format!("{answer} {headers}");
    let value = SECRET_VALUE.to_string();
    assert!(!text.to_lowercase().contains(SECRET) && !text.contains(&value), "{place}: leaks\n  {text}");
    for row in answer.as_array().into_iter().flatten() {
        for name in ["stream_id", "data_id"] {
            let id = row.get(name).and_then(Value::as_i64);
            assert!(id.is_none_or(|id| world.own.iter().any(|s| i64::from(s.0) == id)), "{place}: {row}");
        }
    }
}

/// Asks; the answer may be any refusal, but it leaks nothing and is never a failure of ours.
async fn probe(world: &IsolationFixture, client: &Client, place: &str, query: &str) -> (u16, Value) {
    let (status, headers, answer) = client.try_sql(query).await.into_parts();
    let place = format!("{place}: {query} ({status})");
    assert!(status < 500, "{place}: {answer}");
    // An error may repeat what the caller wrote himself.
    if !query.to_lowercase().contains(SECRET) {
        check_nothing_leaks(world, &place, &answer, &format!("{headers:?}"));
    }
    (status, answer)
}

/// The number of rows `own` has in `readings`.
const OWN: i64 = 40;
const OWN_FIRST: &str = "2026-04-28T08:40:00Z";
const OWN_LAST: &str = "2026-04-28T08:59:00Z";

/// Questions, and what a restricted key is answered.
pub fn exact(world: &IsolationFixture) -> Vec<(String, Value)> {
    let (number, text) = (world.own[0].0, world.own[1].0);
    let hidden = world.hidden[0].0;
    let n = |rows: i64| json!([{ "n": rows }]);
    let table = rows![
        // Counts and bounds that metadata could answer.
        "SELECT count(*) AS n FROM readings", n(OWN);
        "SELECT count(1) AS n FROM core_value", n(OWN);
        "SELECT count(stream_id) AS n FROM readings", n(OWN);
        "SELECT count(DISTINCT stream_id) AS n FROM readings", n(2);
        "SELECT min(ts) AS a, max(ts) AS b FROM readings", json!([{"a": OWN_FIRST, "b": OWN_LAST}]);
        "SELECT min(stream_id) AS a, max(stream_id) AS b FROM readings", json!([{"a": number, "b": text}]);
        "SELECT max(value) AS n FROM readings", json!([{"n": 19.0}]);
        "SELECT count(*) AS n FROM devices", n(1);
        "SELECT count(*) AS n FROM streams", n(2);
        "SELECT count(*) AS n FROM core_data", n(2);
        "SELECT count(*) AS n FROM latest", n(2);
        "SELECT max(value) AS n FROM latest", json!([{"n": 19.0}]);
        "SELECT count(*) AS n FROM latest WHERE stream_id > 0 OR value > 100", n(2);
        "SELECT count(*) AS n FROM readings WHERE value > 700000", n(0);
        "SELECT count(*) AS n FROM readings WHERE value > 700000 OR value < 20", n(20);
        "SELECT count(*) AS n FROM readings WHERE value = 777123.5", n(0);
        "SELECT count(*) AS n FROM core_device", n(1);
        // What statistics answer: twenty windows computed, one written by hand.
        "SELECT count(*) AS n FROM statistics", n(21);
        "SELECT count(*) AS n FROM core_valuestatistics", n(21);
        "SELECT sum(count) AS n FROM statistics", n(21);
        "SELECT max(mean) AS n FROM statistics", json!([{"n": 19.0}]);
        "SELECT count(DISTINCT stream_id) AS n FROM statistics WHERE stream_id < 1000", n(1);
        "SELECT DISTINCT stream_id FROM readings ORDER BY 1", json!([{"stream_id": number}, {"stream_id": text}]);
        "SELECT stream_id, sum(value) AS n FROM readings GROUP BY stream_id ORDER BY 2 NULLS LAST LIMIT 1",
            json!([{"stream_id": number, "n": 190.0}]);
        "SELECT count(*) AS n FROM (SELECT stream_id, time_bucket('1 minute', ts) AS m, rms(value) FROM readings GROUP BY 1, 2) x",
            n(OWN);
        "SELECT count(*) AS n FROM readings WHERE stream_id > 0 AND ts < '2027-01-01'", n(OWN);
        "SELECT count(*) AS n FROM events", n(1);
        "SELECT count(*) AS n FROM core_eventlog WHERE message LIKE '%z%'", n(0);
        "SELECT kind FROM events ORDER BY ts, id LIMIT 1", json!([{"kind": "own"}]);
        "SELECT count(*) AS n FROM annotations WHERE stream_id IS NOT NULL", n(1);
        "SELECT count(*) AS n FROM annotations WHERE note <> 'own' OR created_by <> 'own'", n(0);
        "SELECT DISTINCT class AS n FROM annotations", json!([{"n": "state"}]);
        "SELECT count(*) AS n FROM readings r JOIN annotations a ON a.stream_id = r.stream_id \
             AND r.ts >= a.start_time AND r.ts < a.end_time",
            n(10);
        "SELECT count(*) AS n FROM messages WHERE payload NOT LIKE '%own%'", n(0);
        // Every way around a WHERE.
        "SELECT count(*) AS n FROM readings WHERE TRUE OR stream_id = 1", n(OWN);
        "SELECT count(*) AS n FROM (SELECT * FROM readings) r", n(OWN);
        "WITH r AS (SELECT * FROM readings) SELECT count(*) AS n FROM r", n(OWN);
        "WITH RECURSIVE r AS (SELECT stream_id FROM readings UNION SELECT stream_id FROM r) SELECT count(*) AS n FROM r", n(2);
        "SELECT count(*) AS n FROM (SELECT stream_id FROM readings UNION ALL SELECT data_id FROM core_value) r", n(2 * OWN);
        "SELECT count(*) AS n FROM readings a JOIN readings b ON a.stream_id = b.stream_id AND a.ts = b.ts", n(OWN);
        "SELECT count(*) AS n FROM streams s FULL JOIN readings r ON s.id = r.stream_id", n(OWN);
        "SELECT count(*) AS n FROM devices d LEFT JOIN streams s ON s.device_id = d.id", n(2);
        "SELECT count(*) AS n FROM readings WHERE stream_id IN (SELECT id FROM streams)", n(OWN);
        "SELECT count(*) AS n FROM readings WHERE stream_id NOT IN (SELECT id FROM streams)", n(0);
        "SELECT (SELECT count(*) FROM readings) AS n", n(OWN);
        "SELECT count(*) AS n FROM readings r WHERE EXISTS (SELECT 1 FROM readings o WHERE o.stream_id <> r.stream_id)", n(OWN);
        "SELECT count(*) AS n FROM readings WHERE text LIKE 'z%' OR value > 100", n(0);
        "SELECT count(*) AS n FROM readings EXCEPT SELECT 0", n(OWN);
        "SELECT stream_id FROM readings ORDER BY value DESC NULLS LAST LIMIT 1", json!([{"stream_id": number}]);
        "SELECT stream_id FROM readings ORDER BY ts DESC, stream_id DESC LIMIT 1", json!([{"stream_id": text}]);
        "SELECT stream_id FROM readings ORDER BY stream_id LIMIT 1", json!([{"stream_id": number}]);
        "SELECT stream_id FROM readings LIMIT 5 OFFSET 40", json!([]);
        "SELECT count(*) AS n FROM (SELECT 1 FROM readings LIMIT 100) r", n(OWN);
        "SELECT count(*) AS n FROM (SELECT * FROM readings OFFSET 10) r", n(OWN - 10);
        // Every seq the caller sees is that of one request of his.
        "SELECT count(DISTINCT seq) AS n FROM readings", n(1);
        // Errors aimed at rows of others: there are none to fail on.
        "SELECT count(*) AS n FROM readings WHERE CAST(text AS INT) >= 0", n(20);
        "SELECT count(*) AS n FROM readings WHERE CAST(text AS INT) >= 0 AND ts > '2026-01-01'", n(20);
        "SELECT sum(CAST(text AS INT)) AS n FROM readings", n(190);
        "SELECT count(*) AS n FROM readings WHERE text LIKE '%\\'", n(0);
        "SELECT count(*) AS n FROM readings WHERE CAST(CAST(value AS INT) AS SMALLINT) < 20", n(20);
    ];
    let mut cases: Vec<(String, Value)> = table.into_iter().map(|(q, v)| (q.to_owned(), v)).collect();
    for id in [hidden, world.hidden[2].0, world.foreign[0].0, world.foreign[2].0] {
        cases.extend(rows![
            format!("SELECT count(*) AS n FROM readings WHERE stream_id = {id}"), n(0);
            format!("SELECT count(*) AS n FROM readings WHERE stream_id IN ({id}, {number})"), n(20);
            format!("SELECT count(*) AS n FROM readings WHERE 1 / (stream_id - {id}) < 9"), n(OWN);
            format!("SELECT count(*) AS n FROM readings WHERE stream_id <= {text} AND 1 / (stream_id - {id}) < 9"), n(OWN);
            format!("SELECT count(1 % (stream_id - {id})) AS n FROM readings"), n(OWN);
            format!("SELECT count(*) AS n FROM streams WHERE 1 / (id - {id}) < 9"), n(2);
            format!("SELECT name FROM core_data WHERE id = {id}"), json!([]);
            format!("SELECT value FROM latest WHERE stream_id = {id}"), json!([]);
            format!("SELECT count(*) AS n FROM latest WHERE stream_id IN ({id}, {number})"), n(1);
        ]);
        for (table, column) in [
            ("statistics", "stream_id"),
            ("core_valuestatistics", "data_id"),
            ("events", "stream_id"),
            ("annotations", "stream_id"),
        ] {
            cases.push((format!("SELECT count(*) AS n FROM {table} WHERE {column} = {id}"), n(0)));
        }
        cases.extend(rows![
            format!("SELECT count(*) AS n FROM statistics WHERE 1 / (stream_id - {id}) < 9"), n(21);
            format!("SELECT max(value) AS m FROM readings WHERE stream_id = {id}"), json!([{"m": null}]);
        ]);
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restricted_key_counts_its_own_rows_only_however_it_asks() {
    let world = IsolationFixture::new().await;
    let keys = world.restricted().await;
    for stage in ["in memory", "in the lake"] {
        for (kind, client) in &keys {
            for (query, expected) in exact(&world) {
                let (status, answer) = probe(&world, client, &format!("{stage}, {kind}"), &query).await;
                assert_eq!((status, &answer), (200, &expected), "{stage}, {kind}: {query}");
            }
        }
        world.db.store.flush().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_asked_nothing_of_others_is_said() {
    let world = IsolationFixture::new().await;
    let keys = world.restricted().await;
    let mut queries: Vec<String> = [
        "SELECT * FROM readings",
        "SELECT * FROM core_value",
        "SELECT * FROM streams",
        "SELECT * FROM statistics",
        "SELECT * FROM messages",
        "SELECT * FROM commands",
        "SELECT * FROM products",
        "SELECT * FROM clients",
        "SELECT * FROM documents",
        "SELECT * FROM sites",
        "SELECT * FROM components",
        "SELECT * FROM quarantine",
        "SELECT * FROM mqtt_sessions",
        "SELECT * FROM jobs",
        "SELECT * FROM nodes",
        "SELECT * FROM shards",
        "SELECT * FROM events",
        "SELECT * FROM annotations",
        "SELECT stream_id, time_bucket('1 hour', ts), avg(value) FROM readings GROUP BY 1, 2",
        "SELECT * FROM devices",
        "SELECT * FROM groups",
        "SELECT * FROM latest",
        "SELECT * FROM core_valuestatistics",
        "SELECT * FROM core_eventlog",
        "SELECT * FROM core_data",
        "SELECT * FROM core_device",
        "SELECT * FROM readings a, readings b WHERE a.ts = b.ts",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.columns",
        "SELECT * FROM information_schema.views",
        "SELECT * FROM information_schema.schemata",
        "SELECT * FROM information_schema.df_settings",
        "SHOW TABLES",
        "SHOW ALL",
        "DESCRIBE readings",
        "SHOW COLUMNS FROM readings",
        "SHOW CREATE TABLE core_value",
        "SELECT value / 0 FROM readings",
        "SELECT CAST(value / 0 AS INT) FROM readings",
        "SELECT CAST(text AS INT) / 0 FROM readings WHERE text IS NOT NULL",
        "SELECT CAST(text AS DATE) FROM readings WHERE text IS NOT NULL",
        "SELECT CAST(name AS INT) FROM streams",
        "SELECT CAST(name AS INT) FROM devices",
        "SELECT arrow_cast(text, 'Int32') FROM readings",
        "SELECT regexp_like(text, '(') FROM readings",
        "SELECT regexp_match(text, text) FROM readings",
        "SELECT repeat(text, 3) FROM readings",
        "SELECT to_timestamp(text, '%Y-%m-%d') FROM readings",
        "SELECT array_agg(text) FROM readings",
        "SELECT string_agg(text, ',') FROM readings",
        "SELECT stream_id, lag(text) OVER (ORDER BY ts) AS before FROM readings",
        "SELECT approx_distinct(text), approx_percentile_cont(value, 0.99) FROM readings",
        "SELECT * FROM (VALUES (1)) v JOIN LATERAL (SELECT text FROM readings) r ON TRUE",
        "SELECT * FROM readings TABLESAMPLE (10 ROWS)",
    ]
    .map(str::to_owned)
    .into();
    for query in queries.clone().iter().take(21) {
        for explain in [
            "EXPLAIN",
            "EXPLAIN VERBOSE",
            "EXPLAIN ANALYZE",
            "EXPLAIN ANALYZE VERBOSE",
            "EXPLAIN FORMAT TREE",
        ] {
            queries.push(format!("{explain} {query} ORDER BY 1 LIMIT 3"));
        }
    }
    for stage in ["in memory", "in the lake"] {
        for (kind, client) in &keys {
            for query in &queries {
                probe(&world, client, &format!("{stage}, {kind}"), query).await;
            }
        }
        world.db.store.flush().await.unwrap();
    }
}

/// Plans and metrics tell nothing of files and rows from before the filter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_is_the_same_whether_or_not_others_have_rows() {
    let world = IsolationFixture::new().await;
    let [(_, client), _] = world.restricted().await;
    for stage in ["in memory", "in the lake"] {
        for query in [
            "EXPLAIN SELECT count(*) FROM readings WHERE stream_id < 100",
            "EXPLAIN ANALYZE SELECT count(*) FROM readings",
            "EXPLAIN ANALYZE SELECT count(text) FROM readings",
            "EXPLAIN ANALYZE VERBOSE SELECT * FROM readings",
            "EXPLAIN ANALYZE SELECT * FROM statistics",
            "EXPLAIN ANALYZE SELECT * FROM messages",
            "EXPLAIN ANALYZE SELECT * FROM events",
        ] {
            let (status, answer) = probe(&world, &client, stage, query).await;
            assert_eq!(status, 200, "{stage}: {query}: {answer}");
            let text = answer.to_string();
            let is_closed = ["VisibleRows", "Rollup", "Statistics", "Messages", "Events"].iter();
            assert!(is_closed.into_iter().any(|leaf| text.contains(leaf)), "{stage}: {query}: {text}");
            for word in ["parquet", "StreamingTable", "date=", "file_groups", "DataSource", "Filter"] {
                assert!(!text.contains(word), "{stage}: {query}: says `{word}`: {text}");
            }
            // 160 rows are hidden or foreign, 200 are there in all.
            for rows in ["160", "200", "320", "360"] {
                let is_hidden = !text.contains(&format!("output_rows={rows},"));
                assert!(is_hidden, "{stage}: {query}: counts {rows}: {text}");
            }
        }
        world.db.store.flush().await.unwrap();
    }
}

/// Nor do their shapes: partitions, orders and empty ranges are those of a table in which nobody else has rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_does_not_change_when_others_write() {
    let world = IsolationFixture::new().await;
    let [(_, client), _] = world.restricted().await;
    let queries = [
        "EXPLAIN SELECT * FROM readings",
        "EXPLAIN SELECT * FROM readings ORDER BY stream_id, ts",
        "EXPLAIN SELECT stream_id, max(value) FROM readings GROUP BY stream_id",
        "EXPLAIN SELECT time_bucket('1 hour', ts), count(*) FROM readings WHERE ts < '2026-04-20T00:00:00Z' GROUP BY 1",
        "EXPLAIN SELECT stream_id, max(text) FROM readings GROUP BY stream_id",
        "EXPLAIN SELECT * FROM statistics WHERE ts < '2026-04-20T00:00:00Z'",
        "EXPLAIN SELECT * FROM messages ORDER BY ts",
        "EXPLAIN SELECT * FROM events",
        "EXPLAIN SELECT * FROM core_value WHERE timestamp > '2026-04-01T00:00:00Z'",
        "EXPLAIN SELECT * FROM readings WHERE ts < '2026-04-20T00:00:00Z'",
        "EXPLAIN SELECT * FROM readings WHERE value > 700000",
        "EXPLAIN SELECT * FROM readings WHERE stream_id > 2 AND ts > '2026-04-20T00:00:00Z'",
        "EXPLAIN VERBOSE SELECT * FROM latest WHERE stream_id < 100",
        "EXPLAIN SELECT * FROM readings a JOIN readings b ON a.ts = b.ts",
        "EXPLAIN SELECT ts, value FROM readings WHERE stream_id = 1 ORDER BY ts",
        "EXPLAIN SELECT ts, value FROM readings WHERE stream_id = 3 AND ts < '2026-04-20T00:00:00Z' ORDER BY ts",
        "EXPLAIN SELECT ts, value FROM readings WHERE stream_id = 5 ORDER BY ts DESC LIMIT 3",
    ];
    let mut plans = Vec::new();
    for query in queries {
        plans.push(probe(&world, &client, "before", query).await);
    }
    for (stage, day) in [("in memory", 10), ("flushed", 11), ("late", 10), ("in memory again", 5)] {
        for (streams, who) in world.others() {
            for pair in streams.chunks(2) {
                fixture::write(&world.db, &who, pair, true, NOW - day * DAY).await;
            }
        }
        for (query, before) in queries.iter().zip(&plans) {
            let after = probe(&world, &client, stage, query).await;
            assert!(after == *before, "{stage}: {query}\n  was {before:?}\n  is  {after:?}");
        }
        if stage != "in memory again" {
            world.db.store.flush().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rest_and_ingest_show_and_take_own_rows_only() {
    let world = IsolationFixture::new().await;
    let keys = world.restricted().await;
    let foreign: Vec<i32> = world.hidden.iter().chain(&world.foreign).map(|s| s.0).collect();
    for stage in ["in memory", "in the lake"] {
        for (kind, client) in &keys {
            for path in rows![
                "/api/value/?limit=1000"; "/api/data/"; "/api/device/"; "/api/value/?start=2026-01-01T00:00:00Z";
                "/api/statistic/?limit=1000&fields=all"; "/api/statistic/?from=2026-01-01&fields=all";
            ] {
                let (status, headers, answer) = client.get(path).await.into_parts();
                let place = format!("{stage}, {kind}: {path}");
                assert_eq!(status, 200, "{place}: {answer}");
                check_nothing_leaks(&world, &place, &answer, &format!("{headers:?}"));
            }
            for id in &foreign {
                let own = ["", "value/", "statistic/"].map(|list| format!("/api/data/{id}/{list}"));
                let one = format!("/api/statistic/{id}-{}/", NOW - 150 * MINUTE);
                for path in own.into_iter().chain([one]) {
                    client.get(&path).await.about(&format!("{stage}, {kind}: {path}")).expect(404);
                }
                let row = format!(r#"{{"stream_id":{id},"ts":"2026-04-28T11:00:00Z","value":1}}"#);
                let answer = client.ingest("application/x-ndjson", row).await;
                let answer = answer.about(&format!("{stage}, {kind}")).expect(400);
                let unknown = answer.to_string().replace(&id.to_string(), "N");
                let nobody = r#"{"stream_id":99999,"ts":"2026-04-28T11:00:00Z","value":1}"#;
                let answer = client.ingest("application/x-ndjson", nobody).await.body;
                assert_eq!(answer.to_string().replace("99999", "N"), unknown, "as one that does not exist");
            }
            let named = format!(
                r#"{{"device":"{SECRET} first","stream":"{SECRET} first number","ts":"2026-04-28T11:00:00Z","value":1}}"#
            );
            client.ingest("application/x-ndjson", named).await.about(&format!("{stage}, {kind}")).expect(400);
        }
        world.db.store.flush().await.unwrap();
    }
}
