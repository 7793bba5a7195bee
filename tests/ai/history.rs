//! Models over what is stored: as a job, and in queries. Both say the same.

use std::collections::BTreeMap;

use basalt::domain::Micros;
use futures::future::join_all;
use serde_json::{Value, json};

use super::{
    NOON, SECOND, UploadForm, UploadedIds, WINDOW_SAMPLES, ingest, queried, score, scores, scoring, wave,
};
use crate::rest::{matches, stream_of};
use crate::support::{Client, Server, rows};

/// Samples of history, a second apart.
const HOUR: i64 = 3_600;

fn second(at: i64) -> i64 {
    NOON + at * SECOND
}

/// A stream with readings at these seconds, and a model of it that came afterwards.
async fn set_up(client: &Client, seconds: impl Iterator<Item = i64>) -> (i64, UploadedIds) {
    let (_, source) = stream_of(client, "pump", "fp64").await;
    ingest(client, source, seconds.map(|at| (second(at), wave(at)))).await;
    (source, UploadForm::for_source(source).text("threshold", "0.5").upload(client).await)
}

/// Time and expected score of each row of a query: the newest score stored since the row before.
fn at_rows(rows: &[(i64, Option<f64>)], stored: &BTreeMap<i64, f64>) -> Vec<(i64, Option<f64>)> {
    let mut before = i64::MIN;
    let mut expected = Vec::new();
    for (at, _) in rows {
        let newest = stored.range(before.saturating_add(1)..=*at).next_back();
        expected.push((*at, newest.map(|(_, score)| *score)));
        before = *at;
    }
    expected
}

#[tokio::test]
async fn an_hour_is_scored_as_a_query_scores_it_and_a_job_can_be_ended_where_it_is() {
    let (_server, client) = Server::with_client(&[]).await;
    let (source, UploadedIds { model, data, .. }) = set_up(&client, 0..HOUR).await;
    let job = score(&client, model, (second(0), second(HOUR - 1))).await;
    let windows = HOUR - WINDOW_SAMPLES + 1;
    let expected = json!({
        "id": "*", "uuid": "*", "kind": "score", "model": model, "export": null, "name": null, "size": null, "unit": null,
        "state": "done", "progress": 1.0, "error": null, "requested_by": "key:1",
        "created_at": "*", "started_at": "*", "ended_at": "*",
        "result": {"model": model, "version": 1, "windows": windows, "events": 0},
    });
    assert!(matches(&job, &expected), "{job}");

    let stored = scores(&client, data).await;
    let ends: Vec<i64> = stored.keys().copied().collect();
    let every: Vec<_> = (WINDOW_SAMPLES - 1..HOUR).map(second).collect();
    assert_eq!(ends, every, "every window once, none more");
    assert!(stored.values().all(|score| score.is_finite() && *score > 0.0), "{stored:?}");
    let distinct: std::collections::BTreeSet<u64> = stored.values().map(|score| score.to_bits()).collect();
    assert!(distinct.len() > 100, "scores follow the wave");

    let rows = queried(&client, model, source).await;
    assert_eq!(rows.len() as i64, HOUR);
    assert_eq!(rows, at_rows(&rows, &stored), "the same to the last bit");

    // Two run at a time: of so many some wait.
    let range = json!({"from": Micros(second(0)).to_iso(), "to": Micros(second(HOUR)).to_iso()});
    let path = format!("/api/ai/model/{model}/score/");
    let started = join_all((0..12).map(|_| client.post(&path, &range))).await;
    let jobs: Vec<String> = started.iter().map(|job| format!("/api/job/{}/", job["id"])).collect();
    let last = jobs.last().expect("there are some");
    let state = async |path: &str| -> Value { client.get(path).await["state"].clone() };
    // The last first, which has to wait longest.
    for job in jobs.iter().rev() {
        client.delete(job).await.expect(204);
        let state = state(job).await;
        assert!(state == "cancelled" || state == "done", "{job}: {state}");
    }
    assert_eq!(state(last).await, "cancelled", "it had not begun");
    // Whoever comes next does not wait for them.
    let job = score(&client, model, (second(0), second(99))).await;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(state(last).await, "cancelled", "nothing brings it back");
}

#[tokio::test]
async fn a_part_is_scored_with_what_lies_before_it_and_again_the_same() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, UploadedIds { model, data, .. }) = set_up(&client, 0..300).await;
    let job = score(&client, model, (second(100), second(120))).await;
    assert_eq!(job["result"]["windows"], 21, "both ends included: {job}");
    let part = scores(&client, data).await;
    assert_eq!(part.keys().copied().collect::<Vec<_>>(), (100..=120).map(second).collect::<Vec<_>>());

    let job = score(&client, model, (second(0), second(299))).await;
    assert_eq!(job["state"], "done", "{job}");
    let whole = scores(&client, data).await;
    assert_eq!(whole.len() as i64, 300 - WINDOW_SAMPLES + 1);
    let again: BTreeMap<i64, f64> = whole.range(second(100)..=second(120)).map(|(k, v)| (*k, *v)).collect();
    assert_eq!(again, part, "the same windows have the same scores, wherever the range begins");

    let job = score(&client, model, (second(-900), second(-800))).await;
    let result = (&job["state"], &job["result"]["windows"]);
    assert_eq!(result, (&json!("done"), &json!(0)), "of nothing, nothing");
    assert_eq!(scores(&client, data).await, whole);
}

#[tokio::test]
async fn no_window_reaches_across_a_gap() {
    let (_server, client) = Server::with_client(&[]).await;
    // Two seconds are missing at 200, which are bridged, and more than three at 600.
    let seconds = (0..1_000).filter(|at| !(200..202).contains(at) && !(600..610).contains(at));
    let (source, UploadedIds { model, data, .. }) = set_up(&client, seconds).await;
    let job = score(&client, model, (second(0), second(999))).await;
    assert_eq!(job["state"], "done", "{job}");
    let stored = scores(&client, data).await;
    // The last value before the gap holds for three seconds.
    let first = 610 + WINDOW_SAMPLES - 1;
    let expected = (WINDOW_SAMPLES - 1..=602).chain(first..1_000).map(second);
    assert_eq!(stored.keys().copied().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    let rows = queried(&client, model, source).await;
    assert_eq!(rows, at_rows(&rows, &stored));
}

#[tokio::test]
async fn bad_readings_count_as_none() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, source) = stream_of(&client, "pump", "fp64").await;
    // A wrong sensor goes on saying something for ten seconds.
    let line = |at: i64| {
        let mut row = json!({"stream_id": source, "ts": Micros(second(at)).to_iso()});
        if (60..70).contains(&at) {
            row["quality"] = json!("bad");
        } else {
            row["value"] = json!(wave(at));
        }
        format!("{row}\n")
    };
    let body: String = (0..150).map(line).collect();
    client.ingest(crate::ingest::NDJSON, body).await.ok();
    let UploadedIds { model, data, .. } = UploadForm::for_source(source).upload(&client).await;
    let job = score(&client, model, (second(0), second(149))).await;
    assert_eq!(job["state"], "done", "{job}");
    let stored = scores(&client, data).await;
    let expected = (WINDOW_SAMPLES - 1..=62).chain(70 + WINDOW_SAMPLES - 1..150).map(second);
    assert_eq!(stored.keys().copied().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn streams_of_a_query_are_apart_and_those_that_make_no_sense_are_refused() {
    let (_server, client) = Server::with_client(&[]).await;
    let (source, UploadedIds { model, data, .. }) = set_up(&client, 0..100).await;
    let (_, other) = stream_of(&client, "fan", "fp64").await;
    ingest(&client, other, (0..100).map(|at| (second(at), wave(at + 75)))).await;
    let job = score(&client, model, (second(0), second(99))).await;
    assert_eq!(job["state"], "done", "{job}");
    let stored = scores(&client, data).await;
    let query = format!(
        "SELECT stream_id, CAST(ts AS BIGINT) AS us, \
         anomaly_score({model}, ts, value) OVER (PARTITION BY stream_id ORDER BY ts) AS score \
         FROM readings WHERE stream_id IN ({source}, {other}) ORDER BY stream_id, us"
    );
    let rows = client.sql(&query).await;
    for (stream, is_same) in [(source, true), (other, false)] {
        let own = rows.iter().filter(|row| row["stream_id"] == stream);
        let found: BTreeMap<i64, f64> =
            own.filter_map(|row| Some((row["us"].as_i64()?, row["score"].as_f64()?))).collect();
        assert!(found.keys().eq(stored.keys()), "stream {stream} has every window");
        assert_eq!(found == stored, is_same, "stream {stream}");
    }

    let query = |arguments: &str, over: &str| {
        format!(
            "SELECT anomaly_score({arguments}) OVER ({over}) AS score FROM readings WHERE stream_id = {source}"
        )
    };
    let in_order = "PARTITION BY stream_id ORDER BY ts";
    for (name, arguments, over, words) in rows![
        "too many values", format!("{model}, ts, value, value"), in_order, "1 source";
        "no value", format!("{model}, ts"), in_order, "anomaly_score";
        "no time", format!("{model}, value, value"), in_order, "anomaly_score";
        "no such model", "999, ts, value".to_owned(), in_order, "there is no model 999";
        "a model by row", "stream_id + CAST(value AS INT), ts, value".to_owned(), in_order, "one model";
        "no model", "NULL, ts, value".to_owned(), in_order, "model";
        "newest first", format!("{model}, ts, value"), "PARTITION BY stream_id ORDER BY ts DESC", "order of time";
    ] {
        let (status, answer) = client.try_sql(&query(&arguments, over)).await.outcome();
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && detail.contains(words), "{name}: {status} {answer}\n  wants `{words}`");
    }
    assert_eq!(client.sql(&scoring(model, source)).await.len(), 100, "and then it answers");
}

#[tokio::test]
async fn queries_have_the_models_that_their_caller_sees() {
    let (server, client) = Server::with_client(&[]).await;
    let (source, UploadedIds { model, device, .. }) = set_up(&client, 0..100).await;
    server.basalt(&["org", "create", "plant-2"]).await.expect_success();
    let theirs = server.client_with(&["--org", "plant-2"]).await;
    let (_, their_stream) = stream_of(&theirs, "theirs", "fp64").await;
    ingest(&theirs, their_stream, (0..100).map(|at| (second(at), wave(at)))).await;
    let of_source = client.get(&format!("/api/data/{source}/")).await["device"].to_string();
    let (of_source, ai) = (of_source.as_str(), device.to_string());

    let reader = ["--scope", "value:read", "--scope", "data:read", "--scope", "system:read"];
    let blind = server.create_key(&["--scope", "value:read", "--scope", "data:read"]).await;
    let without_model = server.create_key(&["--device", of_source]).await;
    let with_model = server.create_key(&["--device", of_source, "--device", ai.as_str()]).await;
    let reader = server.create_key(&reader).await;
    for (name, client, stream, expected) in [
        ("a key that reads models", client.with_key(&reader), source, 200),
        ("a key of both devices", client.with_key(&with_model), source, 200),
        ("a key that reads no models", client.with_key(&blind), source, 403),
        ("a key that does not see the model", client.with_key(&without_model), source, 400),
        ("another organization", theirs, their_stream, 400),
    ] {
        let (status, answer) = client.try_sql(&scoring(model, stream)).await.outcome();
        assert_eq!(status, expected, "{name}: {answer}");
        if status == 400 {
            assert_eq!(answer, json!({ "detail": format!("there is no model {model}") }), "{name}");
        }
    }
}

#[tokio::test]
async fn scores_that_retention_would_remove_at_once_stop_no_job() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, UploadedIds { model, data, .. }) = set_up(&client, 0..100).await;
    // The readings are kept, of their scores only those of the last day.
    let path = format!("/api/data/{data}/policy/retention/");
    client.post(&path, &json!({"hypertable": "core_value", "drop_after_days": 1})).await.created();
    let job = score(&client, model, (second(0), second(99))).await;
    let outcome = (&job["state"], &job["result"]["windows"]);
    assert_eq!(outcome, (&json!("done"), &json!(100 - WINDOW_SAMPLES + 1)), "{job}");
    assert!(scores(&client, data).await.is_empty());
}

#[tokio::test]
async fn jobs_that_a_restart_ends_have_failed_and_are_listed() {
    let (mut server, client) = Server::with_client(&[]).await;
    let (_, UploadedIds { model, .. }) = set_up(&client, 0..HOUR).await;
    let first = score(&client, model, (second(0), second(99))).await;
    let range = json!({"from": Micros(second(0)).to_iso(), "to": Micros(second(HOUR)).to_iso()});
    let path = format!("/api/ai/model/{model}/score/");
    let started = join_all((0..12).map(|_| client.post(&path, &range))).await;
    assert!(started.iter().all(|answer| answer.status == 202));
    server.crash().await;
    let client = server.client();
    let jobs = client.get("/api/job/?kind=score").await.body;
    let jobs = jobs.as_array().unwrap();
    assert_eq!(jobs.len(), 13);
    assert_eq!(jobs[12], first, "what was done is as it was");
    // Two run at a time: of so many some had not begun.
    let failed = jobs.iter().filter(|job| job["state"] == "failed");
    let errors: Vec<_> = failed.map(|job| (&job["error"], job["ended_at"].is_string())).collect();
    assert!(!errors.is_empty(), "{jobs:?}");
    assert!(errors.iter().all(|error| *error == (&json!("the server was restarted"), true)), "{errors:?}");
    assert!(jobs.iter().all(|job| job["state"] == "failed" || job["state"] == "done"), "{jobs:?}");
    let again = score(&client, model, (second(0), second(99))).await;
    assert_eq!(again["state"], "done", "{again}");
}
