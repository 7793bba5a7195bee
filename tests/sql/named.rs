//! Named queries: every built-in one answers from real rows, over HTTP and by command; what is wrong is said.
//!
//! `named/NAME.result` has the answers, a line a row, under a line with the parameters; `BASALT_TEST_UPDATE=1` writes
//! them anew.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use basalt::domain::event::{EventSpec, Level};
use basalt::domain::reading::{Quality, Reading};
use basalt::domain::{DeviceId, Micros, StreamId};
use serde_json::{Value, json};

use super::answers;
use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv};
use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{Client, DataDir, Server, assert_contains, event, rows};

/// Every built-in query but `slow-queries`, whose answer is of the moment, with parameters.
fn cases() -> Vec<(&'static str, Value)> {
    let hour = json!({"from": "2026-04-28T10:00:00Z", "to": "2026-04-28T11:00:00Z"});
    let with = |more: Value| -> Value {
        let (mut all, more) = (hour.clone(), more.as_object().unwrap().clone());
        all.as_object_mut().unwrap().extend(more);
        all
    };
    vec![
        ("bad-spans", json!({})),
        ("bad-spans", json!({"stream": 4, "from": "2026-04-28T10:40:00Z"})),
        ("chart", json!({"stream": 1, "points": 5})),
        ("compare", with(json!({"a": 1, "b": 2, "step": "15 minutes"}))),
        ("correlation", json!({"a": 1, "b": 2})),
        ("coverage", json!({"stream": 1})),
        ("daily-production", json!({"stream": 3})),
        ("daily-production", json!({"stream": 3, "timezone": "Asia/Tokyo", "from": "2026-04-27"})),
        ("device-states", json!({})),
        ("gaps", json!({"stream": 2})),
        ("gaps", json!({"stream": 2, "longer_than": "PT59S", "to": "2026-04-28T10:02:30Z"})),
        ("histogram", json!({"stream": 1, "bins": 4})),
        ("histogram", json!({"stream": 4, "bins": 4, "from": "2026-04-28T10:50:00Z"})),
        ("hourly-mean", json!({"stream": 1})),
        ("hourly-mean", with(json!({"stream": 1, "step": "PT20M"}))),
        ("latest", json!({})),
        ("latest", json!({"from": "now - 70 minutes"})),
        ("missing-minutes", with(json!({"stream": 2, "step": "10 minutes"}))),
        ("missing-minutes", json!({"stream": 1, "from": "now - 125 minutes", "to": "now - 118 minutes"})),
        ("readings-by-day", json!({})),
        ("recent-events", json!({})),
        ("recent-events", json!({"level": "critical", "n": 1})),
        ("silent-streams", json!({})),
        ("time-above", json!({"stream": 1, "limit": 3.5})),
        ("time-above", json!({"stream": 4, "limit": 4})),
        ("top-streams", json!({})),
        ("top-streams", with(json!({"n": 1}))),
    ]
}

/// From 10:00 on: a ramp by the minute; twice that and one more, without half an hour; a counter of three days that is
/// reset; a signal that loses its source twice; a text; and a stream that never said anything.
async fn write(env: &TestEnv, db: &TestDb) {
    let good = |stream, ts, value| Reading::good(StreamId(stream), Micros(ts), value);
    let ten = NOW - 120 * MINUTE;
    let mut rows: Vec<Reading> = Vec::new();
    for minute in 0..60 {
        let (ts, value) = (ten + minute * MINUTE, (minute % 30) as f64 / 4.0);
        rows.push(good(1, ts, value));
        if !(20..50).contains(&minute) {
            rows.push(good(2, ts + 1_000_000, 2.0 * value + 1.0));
        }
    }
    let counts = [10.0, 15.0, 25.0, 4.0, 9.0, 9.0, 30.0];
    rows.extend(
        counts.iter().zip(0..).map(|(count, n)| good(3, NOW - 2 * DAY + n * 8 * 60 * MINUTE, *count)),
    );
    let signal = [Some(5.0), Some(3.0), None, None, Some(6.0), Some(6.5), None];
    rows.extend(signal.iter().zip(0..).map(|(value, n)| {
        let ts = ten + n * 10 * MINUTE;
        value.map_or_else(|| Reading::lost(StreamId(4), Micros(ts)), |value| good(4, ts, value))
    }));
    rows.push(Reading { quality: Quality::Uncertain, ..good(4, ten + 45 * MINUTE, 4.0) });
    rows.push(Reading { text: Some("running".into()), value: None, ..good(6, ten, 0.0) });
    db.store.write(&env.owner, rows.into_iter().collect()).await.unwrap();
    for (n, (kind, level)) in [("alarm", Level::Critical), ("note", Level::Info)].into_iter().enumerate() {
        let stream = (n == 0).then_some(StreamId(2));
        let event = event(DeviceId(1), stream, kind, Micros(NOW - n as i64 * DAY));
        let event = EventSpec { level, message: format!("event {n}"), ..event };
        env.catalog.events.create_event(&env.owner, event).await.unwrap();
    }
}

/// The rows, a line each, under the parameters.
async fn answer(client: &Client, name: &str, params: &Value) -> String {
    let headers = [("content-type", "application/json"), ("accept", NDJSON)];
    let body = json!({ "params": params }).to_string();
    let (status, bytes) =
        client.send_bytes("POST", &format!("/sql/queries/{name}"), &headers, body).await.outcome();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(status, 200, "{name} {params}: {text}");
    let rows = text.lines().map(|line| rounded(serde_json::from_str(line).unwrap()).to_string() + "\n");
    format!("-- {params}\n{}", rows.collect::<String>())
}

/// The last digits of a sum hang on the order of its parts, and those of an arrival on how often the clock was asked before.
fn rounded(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("2026-04-28T12:00:00.") => json!("2026-04-28T12:00:00Z"),
        Value::Object(row) => row.into_iter().map(|(name, value)| (name, rounded(value))).collect(),
        Value::Number(number) if number.is_f64() => {
            json!((number.as_f64().unwrap() * 1e9).round() / 1e9)
        }
        other => other,
    }
}

async fn check(client: &Client, stage: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql/named");
    let mut names: Vec<_> = cases().into_iter().map(|(name, _)| name).collect();
    names.dedup();
    for name in names {
        let mut found = String::new();
        for (_, params) in cases().iter().filter(|(of, _)| *of == name) {
            found += &answer(client, name, params).await;
        }
        let file = dir.join(format!("{name}.result"));
        if std::env::var_os("BASALT_TEST_UPDATE").is_some() {
            fs::write(&file, &found).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        assert!(found == expected, "{name}, {stage}\n--- got\n{found}--- expected\n{expected}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_built_in_query_answers_from_memory_and_from_the_lake() {
    let (env, _dir, db) = TestEnv::open_new(6).await;
    write(&env, &db).await;
    let client = answers::client(&env, &db).await;
    let list = client.get("/sql/queries/").await.body;
    let listed: Vec<_> = list.as_array().unwrap().iter().map(|q| q["name"].as_str().unwrap()).collect();
    let tested = |name: &&str| cases().iter().any(|(of, _)| of == name);
    let untested: Vec<_> = listed.iter().filter(|name| !tested(name)).collect();
    assert_eq!(untested, [&"slow-queries"]);
    check(&client, "in memory").await;
    db.store.flush().await.unwrap();
    db.store.compute_statistics().await.unwrap();
    check(&client, "in the lake").await;
    // The text of one is a statement like any other.
    let latest = list.as_array().unwrap().iter().find(|q| q["name"] == "latest").unwrap();
    let by_name = client.get("/sql/queries/latest").await.body;
    let body = json!({"query": latest["query"], "params": {"from": "1970-01-01T00:00:00Z"}});
    assert_eq!(client.post("/sql", &body).await.body, by_name);
    let slow = client.get("/sql/queries/slow-queries?n=3").await.ok();
    assert_eq!(slow.as_array().unwrap().len(), 3, "{slow}");
    assert!(slow[0]["run_ms"].as_f64() >= slow[1]["run_ms"].as_f64(), "{slow}");
}

/// A server with two streams of a value each, and the ids of these.
async fn server(env: &[(&str, &str)]) -> (Server, i64, i64) {
    let (server, client) = Server::with_client(env).await;
    let (_, a) = stream_of(&client, "a", "fp64").await;
    let (_, b) = stream_of(&client, "b", "fp64").await;
    let line = |id, value| json!({"stream_id": id, "ts": "2026-04-28T12:00:00Z", "value": value}).to_string();
    client.ingest(NDJSON, format!("{}\n{}\n", line(a, 1.5), line(b, 2.5))).await.ok();
    (server, a, b)
}

#[tokio::test]
async fn they_are_listed_and_asked_by_url_and_by_body() {
    let (server, a, b) = server(&[]).await;
    let client = server.client();
    gaps_are_as_long_as_they_are(&client, b).await;
    let list = client.get("/sql/queries").await.body;
    let mean = list.as_array().unwrap().iter().find(|q| q["name"] == "hourly-mean").unwrap();
    assert!(mean["description"].as_str().unwrap().contains("mean"), "{mean}");
    assert_eq!(
        mean["params"].as_array().unwrap()[..2],
        [
            json!({"name": "stream", "type": "bigint", "required": true, "default": null}),
            json!({"name": "step", "type": "interval", "required": false, "default": "1 hour"}),
        ]
    );
    let row = json!([{"ts": "2026-04-28T12:00:00Z", "n": 1, "mean": 1.5, "min": 1.5, "max": 1.5}]);
    let path = "/sql/queries/hourly-mean";
    let by_url = client.get(&format!("{path}?stream=7&stream={a}&step=1%20hour")).await;
    by_url.is(200, &row);
    for params in [json!({"stream": a}), json!({"stream": a.to_string(), "step": "PT1H"})] {
        client.post(&format!("{path}/"), &json!({"params": params})).await.is(200, &row);
    }
    // As `curl -X POST` and `curl -d` say it.
    client.send("POST", "/sql/queries/device-states", &[], "").await.ok();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let found = client.send("POST", path, &form, json!({"params": {"stream": a}}).to_string()).await.body;
    assert_eq!(found, row);
    let csv = [("accept", "text/csv")];
    let (_, headers, text) = client.send("GET", &format!("{path}?stream={a}"), &csv, "").await.into_parts();
    assert_eq!(headers["content-type"], "text/csv");
    assert_eq!(text, json!("ts,n,mean,min,max\n2026-04-28T12:00:00Z,1,1.5,1.5,1.5\n"));
}

/// Gaps of 25 hours and of five days less an hour, under limits of days and of hours.
async fn gaps_are_as_long_as_they_are(client: &Client, stream: i64) {
    let line = |ts: &str| json!({"stream_id": stream, "ts": ts, "value": 0}).to_string() + "\n";
    let before = line("2026-04-22T12:00:00Z") + &line("2026-04-23T13:00:00Z");
    client.ingest(NDJSON, before).await.ok();
    for (limit, expected) in [
        ("1%20day", vec![428_400.0, 90_000.0]),
        ("P1D", vec![428_400.0, 90_000.0]),
        ("24%20hours", vec![428_400.0, 90_000.0]),
        ("2%20days", vec![428_400.0]),
        ("1%20day%201%20hour", vec![428_400.0]),
        ("P5D", vec![]),
    ] {
        let path = format!("/sql/queries/gaps?stream={stream}&longer_than={limit}");
        let found = client.get(&path).await.ok();
        let rows = found.as_array().unwrap().iter();
        let seconds: Vec<f64> = rows.filter_map(|row| row["seconds"].as_f64()).collect();
        assert_eq!(seconds, expected, "{limit}: {found}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_nobody_sees_more_than_otherwise() {
    let (server, a, b) = server(&[]).await;
    let client = server.client();
    let get = |path: &str| ("GET", format!("/sql/queries/{path}"), "", String::new());
    let post =
        |path: &str, media, body: &str| ("POST", format!("/sql/queries/{path}"), media, body.to_owned());
    const JSON: &str = "application/json";
    let rows = rows![
        "an_unknown_name", get("nothing"), 404, "no query is named `nothing`; there are bad-spans, ";
        "a_missing_parameter", get("hourly-mean"), 400, "params.stream: is missing: it must be a whole";
        "an_unknown_parameter", get("latest?form=now"), 400, "params.form: is no parameter of `latest`: `from`";
        "one_of_another_type", get("hourly-mean?stream=one"), 400, "params.stream: `one` is not valid";
        "no_statement_in_a_value", get("hourly-mean?stream=1%20OR%20true"), 400, "params.stream";
        "a_body_that_is_none", post("latest", JSON, "[]"), 400, "{\"params\": {…}}";
        "a_field_unknown", post("latest", JSON, "{\"from\": 1}"), 400, "unknown field `from`";
        "a_parameter_that_is_none", post("latest", JSON, "{\"params\": {\"from\": []}}"), 400, "params.from";
        "a_post_with_a_query", post("latest?from=now", JSON, "{}"), 400, "in its body";
        "another_media_type", post("latest", "text/plain", "x"), 415, "text/plain";
    ];
    for (name, (method, path, media, body), status, words) in rows {
        let media = [("content-type", media)];
        let headers = if media[0].1.is_empty() { &media[..0] } else { &media[..] };
        let answer = client.send(method, &path, headers, body).await.about(&name).expect(status);
        assert!(answer["detail"].as_str().unwrap_or_default().contains(words), "{name}: {answer}");
    }
    let picky = client.send("GET", "/sql/queries/latest", &[("accept", "image/png")], "").await;
    picky.expect(406);
    client.without_key().get("/sql/queries").await.expect(401);
    client.without_key().get("/sql/queries/latest").await.expect(401);
    client.send_json("DELETE", "/sql/queries/latest", &Value::Null).await.expect(405);

    let key = server.create_key(&["--scope", "value:read", "--scope", "data:read"]).await;
    let answer = client.with_key(&key).get("/sql/queries/latest").await.expect(403);
    assert!(answer["detail"].as_str().unwrap().contains("`devices` needs the scope device:read"), "{answer}");
    client.with_key(&key).get("/sql/queries").await.ok();
    let restricted = client.with_key(&server.create_key(&["--data", &a.to_string()]).await);
    let rows = restricted.get("/sql/queries/latest").await.body;
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    assert_eq!(restricted.get(&format!("/sql/queries/hourly-mean?stream={b}")).await.body, json!([]));
}

#[tokio::test]
async fn a_folder_adds_queries_for_http_and_commands_and_a_mistake_in_it_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let own = "-- name: above\n-- description: d\n-- param: least double\nSELECT value FROM readings WHERE value > $least";
    fs::write(dir.path().join("above.sql"), own).unwrap();
    let folder = dir.path().display().to_string();
    let (mut server, ..) = server(&[("BASALT_QUERIES_DIR", &folder)]).await;
    assert_eq!(server.client().get("/sql/queries/above?least=2").await.body, json!([{"value": 2.5}]));
    let ask = ["sql", "--query", "above", "--param", "least=2", "--format", "csv"];
    assert_eq!(server.basalt(&ask).await.expect_success(), "value\n2.5\n");
    let output = server.basalt(&["sql", "--query", "above"]).await.expect_failure();
    assert!(output.contains("params.least: is missing"), "{output}");
    let output = server.basalt(&["sql", "--query", "../sql"]).await.expect_failure();
    assert!(output.contains("no query is named `../sql`"), "{output}");
    server.stop().await;

    let home: Arc<DataDir> = server.data_dir.clone();
    let env = [("BASALT_QUERIES_DIR", folder.as_str())];
    assert_eq!(home.basalt_with(&ask, &env, "").await.expect_success(), "value\n2.5\n", "without a server");
    fs::write(dir.path().join("again.sql"), own).unwrap();
    let output = home.basalt_with(&["serve"], &env, "").await.expect_failure();
    assert_contains(&output, &["queries_dir", "again.sql", "`above`", "above.sql"], "two of one name");
}
