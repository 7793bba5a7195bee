//! Requests sent again: with an `Idempotency-Key` they count once.

use futures::future::join_all;
use serde_json::json;

use super::{NDJSON, count, number};
use crate::rest::{stream_of, with_stream};
use crate::support::{Client, Server};

async fn post(client: &Client, key: &str, body: &str) -> (u16, bool, serde_json::Value) {
    let headers = [("content-type", NDJSON), ("idempotency-key", key)];
    let answer = client.send("POST", "/ingest", &headers, body.to_owned()).await;
    let is_replayed = answer.headers.get("idempotency-replayed").is_some_and(|v| v == "true");
    (answer.status, is_replayed, answer.body)
}

fn line(stream: i64, value: f64) -> String {
    format!(r#"{{"stream_id": {stream}, "ts": "2026-04-28T12:00:00Z", "value": {value}}}"#)
}

#[tokio::test]
async fn a_repeated_request_gets_its_first_answer_also_after_a_crash() {
    let mut server = Server::start(&[]).await;
    let (_, stream) = stream_of(&server.client(), "s", "fp64").await;
    let body = line(stream, 1.0);
    let once = (200, false, json!({"rows": 1}));
    let again = (200, true, json!({"rows": 1}));
    assert_eq!(post(&server.client(), "a", &body).await, once);
    assert_eq!(post(&server.client(), "a", &body).await, again);
    // Written over meanwhile: the repetition must not bring the old value back.
    assert_eq!(post(&server.client(), "b", &line(stream, 2.0)).await, once);
    assert_eq!(post(&server.client(), "a", &body).await, again);
    server.crash().await;
    assert_eq!(post(&server.client(), "a", &body).await, again);
    server.restart().await;
    assert_eq!(post(&server.client(), "a", &body).await, again);
    assert_eq!(server.client().sql("SELECT value FROM readings").await, [json!({"value": 2.0})]);
}

#[tokio::test]
async fn a_key_belongs_to_one_body_and_one_caller() {
    let (server, client, _, stream) = with_stream("s", "fp64").await;
    assert_eq!(post(&client, "a", &line(stream, 1.0)).await.0, 200);
    let (status, is_replay, answer) = post(&client, "a", &line(stream, 2.0)).await;
    assert_eq!((status, is_replay), (422, false), "{answer}");
    let expected = [json!({"value": 1.0})];
    assert_eq!(client.sql("SELECT value FROM readings").await, expected, "nothing was written");

    let other = server.client_with(&[]).await;
    assert_eq!(post(&other, "a", &line(stream, 2.0)).await, (200, false, json!({"rows": 1})));
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key_and_of_many_at_once_one_is_written() {
    let (_server, client, _, stream) = with_stream("s", "fp64").await;
    assert_eq!(post(&client, "a", "{").await.0, 400);
    assert_eq!(post(&client, "a", &line(stream, 1.0)).await, (200, false, json!({"rows": 1})));
    for bad in ["", &"k".repeat(1000)] {
        let (status, _, answer) = post(&client, bad, &line(stream, 3.0)).await;
        let is_told = status == 400 && answer.to_string().contains("Idempotency-Key");
        assert!(is_told, "{bad:.9}: {status} {answer}");
    }
    assert_eq!(count(&client).await, 1);

    for round in 0..10 {
        let (key, body) = (format!("round {round}"), line(stream, f64::from(round)));
        let answers = join_all((0..16).map(|_| post(&client, &key, &body))).await;
        let first = answers.iter().filter(|(_, is_replay, _)| !is_replay).count();
        assert!(answers.iter().all(|(status, ..)| *status == 200), "{answers:?}");
        assert_eq!(first, 1, "round {round}: {answers:?}");
    }
    assert_eq!(number(&client.sql("SELECT count(*) AS n FROM readings WHERE value = 9").await), 1);
}
