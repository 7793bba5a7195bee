//! Virtual devices: what generators make up is stored like what any device says.

use serde_json::{Value, json};

use super::{readings, stream_at, until_newest, until_state};
use crate::support::Server;

#[tokio::test]
async fn generators_make_values_that_follow_from_the_time() {
    let (_server, client) = Server::with_client(&[]).await;
    let row = json!({"name": "made up", "protocol": "virtual", "poll_interval": 0.1, "metadata": {"generator": "sine", "frequency": 20}});
    let device = client.create("/api/device/", &row).await;
    let sine = stream_at(&client, device, "", "fp64", json!({"amplitude": 5, "mean": 10})).await;
    let body = json!({"generator": "random", "amplitude": 100, "mean": 100});
    let random = stream_at(&client, device, "r", "uint16", body).await;
    for stream in [sine, random] {
        until_newest(&client, stream, "a value", |row| row["quality"] == "good").await;
    }
    until_state(&client, device, "online").await;
    let expected = "SELECT count(*) AS n, max(abs(value - (10 + 5 * sin(2 * pi() * (to_unixtime(ts) % 20 + date_part('microsecond', ts) % 1000000 / 1e6) / 20)))) AS off FROM readings WHERE stream_id = ";
    let off = client.sql(&format!("{expected}{sine}")).await;
    // Times of receipt are stored in steps of 8 microseconds, in which the sine moves by up to 1.3e-5.
    assert!(off[0]["off"].as_f64().is_some_and(|off| off < 2e-5), "{off:?}");
    let values: Vec<f64> =
        readings(&client, random).await.iter().filter_map(|row| row["value"].as_f64()).collect();
    assert!(values.iter().all(|value| value.fract() == 0.0 && (0.0..=200.0).contains(value)), "{values:?}");

    // Generated and posted streams of one device go side by side; a generator taken away ends its values.
    let plain = json!({"name": "plain", "protocol": "virtual", "poll_interval": 0.1});
    let plain = client.create("/api/device/", &plain).await;
    let posted = stream_at(&client, plain, "posted", "fp64", json!({})).await;
    client.post(&format!("/api/data/{posted}/value/"), &json!({"value": 7})).await.created();
    let mixed = stream_at(&client, plain, "mixed", "fp64", json!({"generator": "sine"})).await;
    until_newest(&client, mixed, "a value", |row| row["quality"] == "good").await;
    assert_eq!(readings(&client, posted).await.len(), 1);
    client.patch(&format!("/api/data/{mixed}/"), &json!({"metadata": {}})).await.ok();
    until_state(&client, plain, "online").await;
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let (server, client) = Server::with_client(&[]).await;
    let device = client.create("/api/device/", &json!({"name": "d", "protocol": "virtual"})).await;
    let streams = [
        ("fp64", json!({"generator": "saw"}), "generator: \"saw\" is not one of"),
        ("fp64", json!({"generator": "sine", "frequency": 0}), "frequency: 0 is not from"),
        ("text", json!({"generator": "sine"}), "text is not numeric"),
        ("byte", json!({"generator": "sine", "amplitude": 200, "mean": 100}), "do not fit byte (0 to 255)"),
    ];
    let names_it = |answer: &Value, words: &str| {
        answer["metadata"][0].as_str().is_some_and(|names_it| names_it.contains(words))
    };
    for (kind, metadata, words) in streams {
        let row = json!({"name": "s", "device": device, "type": kind, "metadata": metadata});
        let answer = client.post("/api/data/", &row).await.expect(400);
        assert!(names_it(&answer, words), "{row}: {answer}");
    }
    let row = json!({"name": "e", "protocol": "virtual", "metadata": {"generator": "sine", "amplitude": -1}});
    let answer = client.post("/api/device/", &row).await.expect(400);
    assert!(names_it(&answer, "amplitude: -1 is less than 0"), "{answer}");
    // The same for whatever comes in by file.
    let file = server.data_dir.path().join("wrong.yaml");
    let text = "devices:\n  - name: f\n    protocol: virtual\n    streams:\n      - name: s\n        type: text\n        metadata: {generator: sine}\n";
    std::fs::write(&file, text).expect("written");
    let answer = server.basalt(&["import", &file.display().to_string()]).await.expect_failure();
    assert!(answer.contains("line 7, column `metadata`: generator: it makes numbers"), "{answer}");
}
