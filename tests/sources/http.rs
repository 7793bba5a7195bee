//! HTTP devices: every stream of one answer, whatever goes wrong said and counted, and back without a restart.

use serde_json::{Value, json};

use super::server::{FakeWebDevice, WebBehavior};
use super::{readings, stream_at, until_newest, until_state};
use crate::support::{Client, Server, eventually, rows, with};

/// A server that may ask 127.0.0.1, and nothing else that is closed.
async fn server() -> Server {
    Server::start(&[("BASALT_PROCESS__ALLOW_PRIVATE", "127.0.0.1")]).await
}

async fn device(client: &Client, name: &str, url: &str, more: Value) -> i64 {
    let mut row = json!({"name": name, "protocol": "http", "host": url, "poll_interval": 0.1, "timeout": 30});
    let more = more.as_object().cloned().expect("fields");
    row.as_object_mut().expect("a row").extend(more);
    client.create("/api/device/", &row).await
}

fn document(n: i64) -> WebBehavior {
    let text = json!({"n": n, "line": {"temperature": 21.5, "on": true, "mode": "run"}, "energy": [u64::MAX - 1, 0], "count": -9_007_199_254_740_993_i64});
    WebBehavior::Respond(text.to_string())
}

#[tokio::test]
async fn one_request_an_interval_brings_every_stream_exactly() {
    let plant = FakeWebDevice::start("127.0.0.1", document(0)).await;
    let server = server().await;
    let client = server.client();
    let settings = json!({"metadata": {"method": "POST", "headers": {"X-Plant": "seven"}}, "username": "me", "password": "word"});
    let device = device(&client, "plant", &format!("{}/status?all=1", plant.url), settings).await;
    let rows = [
        ("/line/temperature", "fp32", json!(21.5), Value::Null),
        ("/line/on", "bit", json!(1.0), Value::Null),
        ("/line/mode", "text", Value::Null, json!("run")),
        ("/energy/0", "uint64", json!((u64::MAX - 1) as f64), json!((u64::MAX - 1).to_string())),
        ("/count", "int64", json!(-9_007_199_254_740_993_i64 as f64), json!("-9007199254740993")),
        ("/line", "json", Value::Null, json!(r#"{"mode":"run","on":true,"temperature":21.5}"#)),
        ("/n", "int16", json!(0.0), Value::Null),
    ];
    let mut streams = Vec::new();
    for (path, kind, ..) in &rows {
        streams.push(stream_at(&client, device, path, kind, json!({})).await);
    }
    for (stream, (path, _, value, text)) in streams.iter().zip(&rows) {
        let newest = until_newest(&client, *stream, "a value", |row| row["quality"] == "good").await;
        assert_eq!((&newest["value"], &newest["text"]), (value, text), "{path}");
    }
    until_state(&client, device, "online").await;

    // All streams of one request have one time, and there is one request for each such time. The two are not counted at one
    // moment: there are so many requests as before and after each count of times.
    let times = format!("SELECT count(DISTINCT ts) AS n FROM readings WHERE stream_id = {}", streams[0]);
    let count = async || {
        let requests_before = plant.requests().len() as i64;
        let stored = client.sql(&times).await[0]["n"].as_i64().expect("a number");
        (requests_before, stored, plant.requests().len() as i64)
    };
    let first = count().await;
    until_newest(&client, streams[6], "later values", |_| plant.requests().len() as i64 > first.2 + 10).await;
    let last = count().await;
    let (least, most) = (last.0 - first.2 - 1, last.2 - first.0 + 1);
    let stored = last.1 - first.1;
    let is_within = (least..=most).contains(&stored);
    assert!(is_within, "{stored} times of seven streams by {least} to {most} requests");
    let last = plant.requests().pop().expect("it was asked");
    assert!(last.starts_with("POST /status?all=1 HTTP/1.1\r\n"), "{last}");
    let is_sent =
        last.contains("x-plant: seven\r\n") && last.contains("authorization: Basic bWU6d29yZA==\r\n");
    assert!(is_sent, "{last}");
}

/// How a device fails, the state it then has, words of its error, and the counter that counts it.
type Row = (&'static str, WebBehavior, &'static str, &'static str, &'static str);

#[tokio::test]
async fn whatever_goes_wrong_is_said_counted_and_over_when_it_is_over() {
    let forbidden = FakeWebDevice::start("127.0.0.2", document(666)).await;
    let plant = FakeWebDevice::start("127.0.0.1", document(0)).await;
    let healthy = FakeWebDevice::start("127.0.0.1", document(1)).await;
    let server = server().await;
    let client = server.client();
    let device_id = device(&client, "plant", &plant.url, json!({"timeout": 2})).await;
    let stream = stream_at(&client, device_id, "/n", "int32", json!({})).await;
    let other = device(&client, "healthy", &healthy.url, json!({})).await;
    let others = stream_at(&client, other, "/n", "int32", json!({})).await;
    until_newest(&client, others, "a value", |row| row["value"] == 1.0).await;

    let rows: [Row; 7] = rows![
        "a failure", WebBehavior::Status(500), "degraded", "the server failed (status 500)", "protocol";
        "a gateway", WebBehavior::Status(503), "offline", "out of reach (status 503)", "protocol";
        "silence", WebBehavior::Hang, "offline", "did not answer within 2 s", "timeout";
        "garbage", WebBehavior::Garbage, "offline", "broke the protocol", "protocol";
        "half an answer", WebBehavior::Truncate, "offline", "lost", "refused";
        "no JSON", WebBehavior::Respond("<html>".to_owned()), "offline", "its answer is no JSON", "protocol";
        "a redirect", WebBehavior::Redirect(forbidden.url.clone()), "offline", "address that is not allowed", "refused";
    ];
    for (n, (name, manner, state, words, counter)) in (2..).zip(rows) {
        plant.set_behavior(document(n));
        until_newest(&client, stream, "a value again", |row| row["value"] == f64::from(n as i32)).await;
        let count = |status: &Value| status["errors"][counter].as_u64().expect("a number");
        let before = count(&until_state(&client, device_id, "online").await);
        plant.set_behavior(manner);
        until_newest(&client, stream, "the loss", |row| row["quality"] == "bad").await;
        let status = until_state(&client, device_id, state).await;
        let message = status["last_error"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{name}: {status}");
        assert!(count(&status) > before, "{name}: {status}");
    }
    assert_eq!(forbidden.requests(), [""; 0], "nobody was sent there");
    let all = readings(&client, stream).await;
    let is_bad = |row: &Value| row["quality"] == "bad";
    assert!(all.iter().filter(|row| is_bad(row)).count() >= 7, "each failure is told: {all:?}");
    assert!(!all.windows(2).any(|two| is_bad(&two[0]) && is_bad(&two[1])), "and told once: {all:?}");
    assert!(all.iter().all(|row| row["value"] != 666.0), "{all:?}");
    // Another device felt nothing of it.
    assert!(readings(&client, others).await.iter().all(|row| row["quality"] == "good"));
    let expected = json!({"timeout": 0, "refused": 0, "protocol": 0, "other": 0});
    assert_eq!(until_state(&client, other, "online").await["errors"], expected);
}

#[tokio::test]
async fn what_may_not_be_reached_is_not_and_bad_settings_are_refused() {
    let closed = FakeWebDevice::start("127.0.0.1", document(1)).await;
    let (_server, client) = Server::with_client(&[]).await;
    let id = device(&client, "closed", &closed.url, json!({})).await;
    stream_at(&client, id, "/n", "int32", json!({})).await;
    let status = eventually("it is refused", super::EVENT_TIMEOUT, || async {
        let status = client.get(&format!("/api/device/{id}/status/")).await.body;
        status["last_error"].as_str().is_some_and(|e| e.contains("not allowed")).then_some(status)
    })
    .await;
    assert_eq!(status["state"], "offline");
    assert_eq!(closed.requests(), [""; 0]);

    let row = |more: Value| with(json!({"name": "wrong", "protocol": "http", "host": "http://plant"}), more);
    let wrong = [
        (json!({"host": "plant/status"}), "host"),
        (json!({"host": "http://me:word@plant/"}), "host"),
        (json!({"metadata": {"method": "DELETE"}}), "metadata"),
        (json!({"metadata": {"headers": {"Host": "x"}}}), "metadata"),
    ];
    for (more, field) in wrong {
        let answer = client.post("/api/device/", &row(more.clone())).await.expect(400);
        assert!(answer[field].is_array(), "{more}: {answer}");
    }
    let answer = client.patch(&format!("/api/device/{id}/"), &json!({"metadata": {"method": 1}})).await;
    let answer = answer.expect(400);
    assert!(answer["metadata"].is_array(), "{answer}");
    let stream = json!({"name": "x", "device": id, "path": "n", "type": "int32"});
    let answer = client.post("/api/data/", &stream).await.expect(400);
    assert!(answer["path"].is_array(), "{answer}");

    // Without a host nobody is asked, and values are posted.
    let quiet = client.create("/api/device/", &json!({"name": "quiet", "protocol": "http"})).await;
    until_state(&client, quiet, "online").await;
}
