//! `/api/ai/model/` and `/api/job/`: who sees and changes models, their versions and jobs.

use basalt::domain::Micros;
use serde_json::{Value, json};

use super::{
    NOON, SECOND, UploadForm, UploadedIds, WINDOW_SAMPLES, counts, ingest, patch, score, scores, scoring,
    shown, until_state, wave,
};
use crate::rest::{check, stream_of};
use crate::support::{Answer, Client, Server, rows};

/// Samples of history, a second apart.
pub const SAMPLES: i64 = 120;

const REQUIRED: &str = "This field is required.";

/// A model, and two minutes of what it looks at.
pub struct ModelFixture {
    server: Server,
    pub client: Client,
    /// Of the source.
    device: i64,
    pub source: i64,
    pub motor: UploadedIds,
}

pub async fn set_up() -> ModelFixture {
    let (server, client) = Server::with_client(&[]).await;
    let (device, source) = stream_of(&client, "pump", "fp64").await;
    // Before there is a model, so that none of it comes late.
    ingest(&client, source, (0..SAMPLES).map(|at| (NOON + at * SECOND, wave(at)))).await;
    let motor =
        UploadForm::for_source(source).text("threshold", "0.5").text("name", "Motor").upload(&client).await;
    ModelFixture { server, client, device, source, motor }
}

pub fn iso(seconds: i64) -> String {
    Micros(NOON + seconds * SECOND).to_iso()
}

/// A range in seconds from noon.
pub fn range(from: i64, to: i64) -> Value {
    json!({"from": iso(from), "to": iso(to)})
}

impl ModelFixture {
    pub fn path(&self, below: &str) -> String {
        format!("/api/ai/model/{}/{below}", self.motor.model)
    }

    /// Fields of the model that only its owners change.
    async fn settings(&self) -> Value {
        let mut shown = shown(&self.client, self.motor.model).await;
        let fields = shown.as_object_mut().expect("an object");
        fields.remove("status");
        fields.remove("updated_at");
        shown
    }
}

#[tokio::test]
async fn a_model_is_listed_and_shown_with_everything_that_belongs_to_it() {
    let plant = set_up().await;
    let UploadedIds { model, device, data } = plant.motor;
    let expected = json!({
        "id": model, "device": device, "data": data, "enabled": true, "version": 1, "sources": [plant.source],
        "model_type": "cnn_ae", "threshold": 0.5, "interval": 1.0, "score": "mse", "output": null,
        "clear_ratio": 0.9, "min_windows": 1,
        "model": {"file": "motor.tflite", "size": super::model().len(), "sha256": "*"},
        "scaler": {"file": "motor.joblib", "size": super::scaler().len(), "sha256": "*"},
        "created_at": "*", "updated_at": "*",
        "status": {
            "state": "*", "position": "*", "lag_s": "*", "windows": 0, "gaps": "*", "late": 0, "behind": 0,
            "last_score": null, "is_anomalous": false, "last_error": null,
        },
    });
    let missing = json!({"detail": "Not found."});
    let rows = [
        ("list", "GET", "/api/ai/model/".to_owned(), Value::Null, 200, json!([expected])),
        ("one", "GET", plant.path(""), Value::Null, 200, expected),
        ("no such model", "GET", "/api/ai/model/999/".to_owned(), Value::Null, 404, missing.clone()),
        ("no number", "GET", "/api/ai/model/motor/".to_owned(), Value::Null, 404, missing),
    ];
    check(&plant.client, rows).await;
}

#[tokio::test]
async fn what_is_changed_stays_and_everything_else_too() {
    let plant = set_up().await;
    let mut expected = plant.settings().await;
    for (field, given, value) in [
        ("threshold", json!(0.25), json!(0.25)),
        ("threshold", json!("0.75"), json!(0.75)),
        ("enabled", json!(false), json!(false)),
        ("clear_ratio", json!(0.5), json!(0.5)),
        ("min_windows", json!(3), json!(3)),
        ("enabled", json!(true), json!(true)),
        ("version", json!(9), json!(1)),
        ("model_type", json!("sisvae"), json!("cnn_ae")),
        ("threshold", json!(null), json!(null)),
    ] {
        patch(&plant.client, plant.motor.model, json!({ field: given })).await;
        expected[field] = value;
        assert_eq!(plant.settings().await, expected, "{field}");
        let device = plant.client.get(&format!("/api/device/{}/", plant.motor.device)).await.body;
        assert_eq!(device["metadata"]["threshold"], expected["threshold"], "the device tells it too");
    }
}

#[tokio::test]
async fn bad_values_are_told_and_change_nothing() {
    let plant = set_up().await;
    let before = plant.settings().await;
    let least = |least: &str| [format!("Ensure this value is greater than or equal to {least}.")];
    let most = |most: &str| [format!("Ensure this value is less than or equal to {most}.")];
    let number = ["A valid number is required."];
    let bad = |name, body, message| (name, "PATCH", plant.path(""), body, 400, message);
    let post = |name, below, body, message| (name, "POST", plant.path(below), body, 400, message);
    let required = json!({"from": [REQUIRED], "to": [REQUIRED]});
    let reversed = json!({"to": ["Must not be before from."]});
    let percentile = |percentile: Value| {
        let mut body = range(0, SAMPLES - 1);
        body["percentile"] = percentile;
        body
    };
    let rows = rows![
        bad("a threshold that is none", json!({"threshold": "high"}), json!({ "threshold": number }));
        bad("a threshold below 0", json!({"threshold": -1}), json!({"threshold": least("0")}));
        bad("a ratio of 0", json!({"clear_ratio": 0}), json!({"clear_ratio": least("0.01")}));
        bad("a ratio above 1", json!({"clear_ratio": 1.5}), json!({"clear_ratio": most("1")}));
        bad("no windows", json!({"min_windows": 0}), json!({"min_windows": least("1")}));
        bad("too many windows", json!({"min_windows": 10_001}), json!({"min_windows": most("10000")}));
        bad(
            "several at once",
            json!({"enabled": "perhaps", "threshold": [], "min_windows": 1.5, "clear_ratio": 0.5}),
            json!({
                "enabled": ["Must be a valid boolean."], "threshold": number,
                "min_windows": ["A valid integer is required."],
            }),
        );
        post("scores of no range", "score/", json!({}), required.clone());
        post("scores of a range that ends first", "score/", range(9, 0), reversed.clone());
        post("a threshold of no range", "calibrate/", json!({}), required);
        post("a threshold of a range that ends first", "calibrate/", range(9, 0), reversed);
        post("a threshold of nothing", "calibrate/", range(-9_000, -8_000), json!({"from": ["*"]}));
        post("a threshold of less than a window", "calibrate/", range(0, 30), json!({"from": ["*"]}));
        post("a threshold of months", "calibrate/", range(-20_000_000, 0), json!({"to": ["*"]}));
        post("a percentile above 100", "calibrate/", percentile(json!(101)), json!({"percentile": ["*"]}));
        post("a percentile below 0", "calibrate/", percentile(json!(-1)), json!({"percentile": ["*"]}));
        post("a percentile that is none", "calibrate/", percentile(json!("most")), json!({ "percentile": number }));
    ];
    check(&plant.client, rows).await;
    let answer = plant.client.get(&plant.path("window/?at=yesterday")).await.expect(400);
    assert!(answer.get("at").is_some(), "{answer}");
    assert_eq!(plant.settings().await, before);
}

/// Every request about one model, but those that end it last.
fn requests(plant: &ModelFixture) -> Vec<(&'static str, String, Value)> {
    let below = [
        ("GET", "", Value::Null),
        ("GET", "versions/", Value::Null),
        ("GET", "versions/1/model.tflite", Value::Null),
        ("GET", "versions/1/scaler", Value::Null),
        ("GET", "window/?at=2026-04-28T12:01:40Z", Value::Null),
        ("GET", "reconstruction/?from=2026-04-28T12:01:40Z&to=2026-04-28T12:01:41Z", Value::Null),
        ("POST", "score/", range(0, SAMPLES)),
        ("POST", "calibrate/", range(0, SAMPLES)),
        ("POST", "rollback/", json!({})),
        ("PATCH", "", json!({"threshold": 99})),
        ("DELETE", "", Value::Null),
    ];
    below.into_iter().map(|(method, below, body)| (method, plant.path(below), body)).collect()
}

async fn send(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    match body {
        Value::Null => client.send(method, path, &[], "").await,
        body => client.send_json(method, path, body).await,
    }
}

#[tokio::test]
async fn whoever_does_not_see_the_device_sees_no_model_and_scopes_decide_who_changes_it() {
    let plant = set_up().await;
    let before = plant.settings().await;
    let job = score(&plant.client, plant.motor.model, (NOON, NOON + (SAMPLES - 1) * SECOND)).await;
    let job = format!("/api/job/{}/", job["id"]);
    plant.server.basalt(&["org", "create", "plant-2"]).await.expect_success();
    let device = plant.device.to_string();
    let keys = [
        ("another organization", plant.server.create_key(&["--org", "plant-2"]).await),
        ("a key of other devices", plant.server.create_key(&["--device", device.as_str()]).await),
    ];
    let missing = json!({"detail": "Not found."});
    for (name, key) in keys {
        let theirs = plant.client.with_key(&key);
        assert_eq!(theirs.get("/api/ai/model/").await.body, json!([]), "{name}");
        let of_job = [("GET", job.clone(), Value::Null), ("DELETE", job.clone(), Value::Null)];
        for (method, path, body) in requests(&plant).into_iter().chain(of_job) {
            let answer = send(&theirs, method, &path, &body).await;
            answer.about(&name).is(404, &missing);
        }
    }
    for path in ["/api/job/999/", "/api/job/last/"] {
        plant.client.get(path).await.expect(404);
    }
    assert_eq!(plant.settings().await, before);
    assert_eq!(plant.client.get(&job).await["state"], "done");
    plant.client.delete(&job).await.expect(204);
    assert_eq!(plant.client.get(&job).await["state"], "done", "what is over stays as it is");

    let before = plant.settings().await;
    let (data, ai) = (plant.motor.data.to_string(), plant.motor.device.to_string());
    let keys = rows![
        "without system", plant.server.create_key(&["--scope", "device:read", "--scope", "data:write"]).await, 403, 403;
        "of readers", plant.server.create_key(&["--scope", "system:read", "--scope", "value:read"]).await, 200, 403;
        "of the scores alone", plant.server.create_key(&["--data", data.as_str()]).await, 200, 403;
        "of writers", plant.server.create_key(&["--scope", "system:write", "--device", ai.as_str()]).await, 200, 200;
    ];
    for (name, key, reads, changes) in keys {
        let theirs = plant.client.with_key(&key);
        for (method, path, body) in requests(&plant) {
            // Windows, scores and thresholds are also of the sources; another test has those.
            let is_of_sources =
                ["window", "reconstruction", "score", "calibrate"].iter().any(|word| path.contains(word));
            if is_of_sources || (changes == 200 && method != "GET") {
                continue;
            }
            let (status, answer) = send(&theirs, method, &path, &body).await.outcome();
            let expected = if method == "GET" { reads } else { changes };
            assert_eq!(status, expected, "a key {name}: {method} {path}: {answer}");
        }
    }
    assert_eq!(plant.settings().await, before);
}

#[tokio::test]
async fn of_its_sources_a_key_is_shown_those_it_sees() {
    let plant = set_up().await;
    let (device, ai) = (plant.device.to_string(), plant.motor.device.to_string());
    let ai_alone = plant.server.create_key(&["--device", ai.as_str()]).await;
    let both = plant.server.create_key(&["--device", ai.as_str(), "--device", device.as_str()]).await;
    let keys = [("of the model alone", ai_alone, false), ("of its source too", both, true)];
    for (name, key, sees) in keys {
        let theirs = plant.client.with_key(&key);
        let sources = if sees { json!([plant.source]) } else { json!([]) };
        let listed = theirs.get("/api/ai/model/").await.body;
        assert_eq!(listed.as_array().map(Vec::len), Some(1), "{name}: {listed}");
        let versions = theirs.get(&plant.path("versions/")).await.body;
        let one = shown(&theirs, plant.motor.model).await;
        for shown in [&one, &listed[0], &versions[0]] {
            assert_eq!(shown["sources"], sources, "a key {name}: {shown}");
        }
        for (method, path, body) in requests(&plant) {
            if !["window", "reconstruction", "score", "calibrate"].iter().any(|word| path.contains(word)) {
                continue;
            }
            let (status, answer) = send(&theirs, method, &path, &body).await.outcome();
            let is_right = if sees { (200..300).contains(&status) } else { status == 403 };
            assert!(is_right, "a key {name}: {method} {path}: {status} {answer}");
        }
    }
    // Somebody who sees no source may still change how the model is used, and takes none away by it.
    let theirs = plant.server.client_with(&["--device", ai.as_str()]).await;
    patch(&theirs, plant.motor.model, json!({"min_windows": 2})).await;
    let now = plant.settings().await;
    assert_eq!((&now["min_windows"], &now["sources"]), (&json!(2), &json!([plant.source])));
}

#[tokio::test]
async fn a_deleted_model_leaves_its_data() {
    let plant = set_up().await;
    let UploadedIds { model, device, data } = plant.motor;
    let job = score(&plant.client, model, (NOON, NOON + (SAMPLES - 1) * SECOND)).await;
    assert_eq!(job["state"], "done", "{job}");
    let before = scores(&plant.client, data).await;
    assert_eq!(before.len() as i64, SAMPLES - WINDOW_SAMPLES + 1);
    let path = |below: &str| plant.path(below);
    let missing = json!({"detail": "Not found."});
    let rows = [
        ("delete", "DELETE", path(""), Value::Null, 204, Value::Null),
        ("delete again", "DELETE", path(""), Value::Null, 404, missing.clone()),
        ("gone", "GET", path(""), Value::Null, 404, missing.clone()),
        ("its files too", "GET", path("versions/1/scaler"), Value::Null, 404, missing.clone()),
        ("it scores nothing", "POST", path("score/"), range(0, 1), 404, missing),
        ("none is left", "GET", "/api/ai/model/".to_owned(), Value::Null, 200, json!([])),
    ];
    check(&plant.client, rows).await;
    let answer = plant.client.try_sql(&scoring(model, plant.source)).await;
    answer.about("queries do not find it either").expect(400);
    assert_eq!(scores(&plant.client, data).await, before);
    assert_eq!(counts(&plant.client).await, [2, 2, 0]);

    let again = UploadForm::for_source(plant.source).text("data_id", data).upload(&plant.client).await;
    assert_eq!((again.device, again.data), (device, data), "the same data can have another model");
    assert_ne!(again.model, model);
    until_state(&plant.client, again.model, "running").await;
    plant.client.delete(&format!("/api/data/{}/", plant.source)).await.expect(204);
    until_state(&plant.client, again.model, "failed").await;
    let without_source = shown(&plant.client, again.model).await;
    let error = without_source["status"]["last_error"].as_str().unwrap_or_default();
    assert!(error.starts_with(&format!("its source {} was deleted", plant.source)), "{without_source}");
    plant.client.delete(&format!("/api/device/{device}/")).await.expect(204);
    assert_eq!(counts(&plant.client).await, [1, 0, 0], "a model goes with its device");
}
