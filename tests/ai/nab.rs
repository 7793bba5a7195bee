//! The documented workflow on real data (docs/anomaly-detection.md): both labelled failures of a room are found, with as many
//! false alarms as the page says.

use std::fs;
use std::path::{Path, PathBuf};

use basalt::domain::Micros;
use serde_json::{Value, json};

use super::{UploadForm, score, shown};
use crate::support::{Client, Server};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/nab")
}

/// The labelled times, microseconds.
fn labels() -> Vec<(i64, i64)> {
    let labels: Value = serde_json::from_slice(&fs::read(data().join("windows.json")).unwrap()).unwrap();
    let windows = labels["ambient_temperature_system_failure.csv"].as_array().unwrap();
    let time = |text: &Value| Micros::parse(text.as_str().unwrap()).expect("a time").0;
    windows.iter().map(|window| (time(&window[0]), time(&window[1]))).collect()
}

/// Start and end of each anomaly, oldest first.
async fn anomalies(client: &Client) -> Vec<(i64, i64)> {
    let events = client.get("/api/event-log/?kind=anomaly&from=2013-01-01T00:00:00Z").await.ok();
    let time = |value: &Value| Micros::parse(value.as_str().unwrap()).expect("a time").0;
    let events = events.as_array().unwrap().iter();
    events.map(|event| (time(&event["timestamp"]), time(&event["payload"]["ended_at"]))).collect()
}

#[tokio::test]
async fn both_failures_of_a_real_room_are_found_with_three_false_alarms() {
    let (server, client) = Server::with_client(&[]).await;
    let file = data().join("ambient_temperature_system_failure.csv");
    let import =
        ["import", file.to_str().unwrap(), "--device", "Office", "--name", "temperature", "--create"];
    server.basalt(&import).await.expect_success();
    let source =
        client.sql("SELECT id FROM streams WHERE name = 'temperature'").await[0]["id"].as_i64().unwrap();
    let room = data().join("room");
    let made = UploadForm::for_source(source)
        .file("model", "room.tflite", fs::read(room.join("model.tflite")).unwrap())
        .file("scaler", "room.joblib", fs::read(room.join("scaler.joblib")).unwrap())
        .text("interval", 3600)
        .text("score", "mae")
        .text("name", "Room")
        .upload(&client)
        .await;
    // By the command, as an operator would.
    let id = made.model.to_string();
    let healthy = ["--from", "2013-07-04T00:00:00Z", "--to", "2013-12-01T00:00:00Z", "--percentile", "100"];
    let output = server.basalt(&[&["calibrate", &id][..], &healthy[..]].concat()).await.expect_success();
    let threshold = shown(&client, made.model).await["threshold"].as_f64().expect("it is set");
    assert!(output.contains(&format!("threshold {threshold}")), "{output}");
    assert!((threshold - 0.32232).abs() < 1e-4, "{threshold}");

    let time = |text: &str| Micros::parse(text).expect("a time").0;
    let range = (time("2013-07-04T00:00:00Z"), time("2014-06-01T00:00:00Z"));
    let job = score(&client, made.model, range).await;
    assert_eq!(job["result"]["windows"], json!(7090), "{job}");
    let (found, labels) = (anomalies(&client).await, labels());
    let begins_in = |(began, _): &&(i64, i64)| labels.iter().any(|(from, to)| (*from..=*to).contains(began));
    let false_alarms = found.iter().filter(|anomaly| !begins_in(anomaly)).count();
    assert_eq!((found.len(), false_alarms), (6, 3), "{found:?}");
    for (from, to) in labels {
        let is_found = found.iter().any(|(began, _)| (from..=to).contains(began));
        assert!(is_found, "nothing from {from} to {to}: {found:?}");
    }

    // Scored once more, the same anomalies keep their events.
    score(&client, made.model, range).await;
    assert_eq!(anomalies(&client).await, found);
}
