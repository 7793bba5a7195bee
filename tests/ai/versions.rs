//! `/api/ai/model/ID/versions/` and `rollback/`: which version of a model is current, and how many are kept.

use serde_json::{Value, json};

use super::models::{ModelFixture, set_up};
use super::{UploadForm, UploadedIds, patch};

impl ModelFixture {
    /// Makes another version current; the number and the threshold of what is then.
    async fn roll_back(&self, body: &Value) -> (u16, Value) {
        let (status, answer) = self.client.post(&self.path("rollback/"), body).await.outcome();
        let shown = if status == 200 { json!([answer["version"], answer["threshold"]]) } else { answer };
        (status, shown)
    }
}

#[tokio::test]
async fn versions_are_rolled_back_with_their_settings() {
    let plant = set_up().await;
    let UploadedIds { model, device, .. } = plant.motor;
    for threshold in ["0.7", "0.9"] {
        let form =
            UploadForm::for_source(plant.source).text("device_id", device).text("threshold", threshold);
        form.upload(&plant.client).await;
    }
    let listed = async || {
        let versions = plant.client.get(&plant.path("versions/")).await.ok();
        let versions = versions.as_array().expect("a list").clone();
        versions.iter().map(|v| json!([v["version"], v["threshold"]])).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [json!([3, 0.9]), json!([2, 0.7]), json!([1, 0.5])]);

    let answer = plant.client.send("POST", &plant.path("rollback/"), &[], "").await;
    answer.about("without a body: the one before").has(200, json!({"version": 2}));
    let no_version = |text: &str| json!({"version": [text]});
    let none_before = no_version("There is no version before the current one.");
    for (name, body, status, expected) in [
        ("the one before", json!({}), 200, json!([1, 0.5])),
        ("there is none before", json!({}), 400, none_before),
        ("a named one", json!({"version": 3}), 200, json!([3, 0.9])),
        ("another named one", json!({"version": 1}), 200, json!([1, 0.5])),
        ("none of this name", json!({"version": 9}), 400, no_version("There is no version 9 of this model.")),
        ("no number", json!({"version": "old"}), 400, no_version("A valid integer is required.")),
    ] {
        assert_eq!(plant.roll_back(&body).await, (status, expected), "{name}");
    }
    let shown = plant.client.get(&format!("/api/device/{device}/")).await.body;
    let path = format!("/api/ai/model/{model}/versions/1/model.tflite");
    assert_eq!(shown["metadata"]["model_path"], path, "the device tells which it runs");

    patch(&plant.client, model, json!({"threshold": 0.55})).await;
    assert_eq!(plant.roll_back(&json!({"version": 3})).await, (200, json!([3, 0.9])));
    assert_eq!(plant.roll_back(&json!({"version": 1})).await, (200, json!([1, 0.55])), "as it was changed");
    assert_eq!(listed().await, [json!([3, 0.9]), json!([2, 0.7]), json!([1, 0.55])], "none went away");
    let form = UploadForm::for_source(plant.source).text("device_id", device);
    assert_eq!(form.send(&plant.client).await["version"], 4, "numbers are not used again");
}

#[tokio::test]
async fn the_last_ten_versions_are_kept() {
    let plant = set_up().await;
    let form = UploadForm::for_source(plant.source).text("device_id", plant.motor.device);
    for _ in 2..=12 {
        form.upload(&plant.client).await;
    }
    let versions = plant.client.get(&plant.path("versions/")).await.body;
    let numbers: Vec<_> =
        versions.as_array().expect("a list").iter().filter_map(|v| v["version"].as_i64()).collect();
    assert_eq!(numbers, (3..=12).rev().collect::<Vec<_>>());
    for (number, expected) in [(2, 404), (3, 200), (12, 200)] {
        let path = plant.path(&format!("versions/{number}/scaler"));
        let answer = plant.client.send_bytes("GET", &path, &[], "").await;
        answer.about(&format!("version {number}")).expect(expected);
    }
}
