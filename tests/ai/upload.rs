//! `POST /api/ai/upload/`: what a good upload becomes, and everything that must be refused and leave nothing.

use futures::future::join_all;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{UploadForm, UploadedIds, counts, model, scaler, shown};
use crate::rest::{matches, stream_of};
use crate::support::{Client, Server, row_vec, rows};

/// Uploads that are under way at once.
const CONCURRENT_UPLOADS: usize = 8;

fn facts(file: &str, bytes: &[u8]) -> Value {
    json!({"file": file, "size": bytes.len(), "sha256": hex::encode(Sha256::digest(bytes))})
}

async fn got(client: &Client, path: &str) -> Value {
    client.get(path).await.ok()
}

/// A file of a model as it comes back.
async fn downloaded(client: &Client, path: &Value) -> Vec<u8> {
    let path = path.as_str().expect("a path");
    let (status, headers, bytes) = client.send_bytes("GET", path, &[], "").await.into_parts();
    assert_eq!(status, 200, "{path}");
    assert_eq!(headers["content-type"], "application/octet-stream", "{path}");
    bytes
}

#[tokio::test]
async fn a_good_upload_becomes_a_device_a_stream_and_a_model() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, source) = stream_of(&client, "pump", "fp64").await;
    let form = UploadForm::for_source(source).text("threshold", "0.5").text("name", " Motor ");
    let before = counts(&client).await;
    let preview = form.send_to(&client, "/api/ai/upload/?dry_run=true").await;
    let preview = preview.has(200, json!({"features": 1}));
    assert!(preview["window"].as_u64().is_some_and(|window| window > 1), "{preview}");
    assert!(preview["operators"].as_array().is_some_and(|operators| !operators.is_empty()), "{preview}");
    assert_eq!(counts(&client).await, before, "nothing is stored");
    let wrong = UploadForm::for_source(source).without("scaler");
    let refused = wrong.send_to(&client, "/api/ai/upload/?dry_run=true").await.expect(400);
    assert!(refused["scaler"].is_array(), "{refused}");
    let (status, answer) = form.send(&client).await.outcome();
    let expected = json!({
        "id": "*", "version": 1, "device": "*", "data": "*", "model": facts("motor.tflite", &model()),
        "scaler": facts("motor.joblib", &scaler()), "model_type": "cnn_ae", "source": source, "threshold": 0.5,
    });
    assert!(status == 201 && matches(&answer, &expected), "{status} {answer}\n  expected {expected}");

    let (device, data, id) = (&answer["device"], &answer["data"], &answer["id"]);
    let versions = format!("/api/ai/model/{id}/versions/1");
    let metadata = json!({
        "model_type": "cnn_ae", "source": source, "threshold": 0.5,
        "model_path": format!("{versions}/model.tflite"), "scaler_path": format!("{versions}/scaler"),
    });
    for device in [device, &got(&client, &format!("/api/device/{}/", device["id"])).await] {
        assert_eq!((&device["name"], &device["protocol"]), (&json!("Motor"), &json!("ai")), "{device}");
        assert_eq!(device["metadata"], metadata);
    }
    for data in [data, &got(&client, &format!("/api/data/{}/", data["id"])).await] {
        assert_eq!((&data["name"], &data["type"]), (&json!("Motor score"), &json!("fp64")), "{data}");
        assert_eq!((&data["device"], &data["last_value"]), (&device["id"], &Value::Null), "{data}");
    }
    assert!(downloaded(&client, &metadata["model_path"]).await == model(), "the model comes back as it was");
    let is_same = downloaded(&client, &metadata["scaler_path"]).await == scaler();
    assert!(is_same, "the scaler comes back as it was");
    assert_eq!(counts(&client).await, [2, 2, 1], "with the device and the stream of the source");
}

#[tokio::test]
async fn without_a_name_devices_are_numbered() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, source) = stream_of(&client, "pump", "fp64").await;
    for name in ["AI Device", "AI Device 2", "AI Device 3"] {
        let answer = UploadForm::for_source(source).send(&client).await.created();
        assert_eq!(answer["device"]["name"], name);
        assert_eq!(answer["data"]["name"], format!("{name} score"));
        assert_eq!(answer["threshold"], Value::Null, "none was given");
    }
}

#[tokio::test]
async fn without_a_name_and_at_the_same_moment_too() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, source) = stream_of(&client, "pump", "fp64").await;
    let form = UploadForm::for_source(source);
    let answers = join_all((0..CONCURRENT_UPLOADS).map(|_| form.send(&client))).await;
    answers.into_iter().for_each(|answer| drop(answer.created()));
    assert_eq!(counts(&client).await, [1 + CONCURRENT_UPLOADS, 1 + CONCURRENT_UPLOADS, CONCURRENT_UPLOADS]);
}

#[tokio::test]
async fn an_upload_to_a_device_of_before_is_another_version() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, source) = stream_of(&client, "pump", "fp64").await;
    let first =
        UploadForm::for_source(source).text("threshold", "0.5").text("name", "Motor").upload(&client).await;
    let UploadedIds { model: id, device, data } = first;
    let again = [
        ("by its device", 2, UploadForm::for_source(source).text("device_id", device)),
        ("by its data", 3, UploadForm::for_source(source).text("data_id", data)),
        ("by both", 4, UploadForm::for_source(source).text("data_id", data).text("device_id", device)),
    ];
    for (name, number, form) in again {
        let form = form.file("model", "next.tflite", model()).text("threshold", format!("0.{number}"));
        let answer = form.send(&client).await.about(&name).created();
        assert_eq!((&answer["id"], &answer["version"]), (&json!(id), &json!(number)), "{name}");
        let ids = (&answer["device"]["id"], &answer["data"]["id"]);
        assert_eq!(ids, (&json!(device), &json!(data)), "{name}");
        assert_eq!(answer["model"]["file"], "next.tflite", "{name}");
        let metadata = &answer["device"]["metadata"];
        let path = format!("/api/ai/model/{id}/versions/{number}/model.tflite");
        let threshold = answer["threshold"].as_f64().expect("a number");
        assert!((threshold - f64::from(number) / 10.0).abs() < 1e-12, "{name}: {answer}");
        assert_eq!((&metadata["model_path"], &metadata["threshold"]), (&json!(path), &answer["threshold"]));
        let now = shown(&client, id).await;
        assert_eq!((&now["version"], &now["threshold"]), (&json!(number), &answer["threshold"]), "{name}");
    }
    for number in 1..=4 {
        let path = json!(format!("/api/ai/model/{id}/versions/{number}/model.tflite"));
        assert!(downloaded(&client, &path).await == model(), "version {number} is kept");
    }
    client.get(&format!("/api/ai/model/{id}/versions/5/model.tflite")).await.expect(404);
    assert_eq!(counts(&client).await, [2, 2, 1], "nothing else was made");

    let answer = UploadForm::for_source(data).text("device_id", device).send(&client).await;
    answer.is(400, &json!({"source": ["A model may not be fed with its own scores."]}));
}

#[tokio::test]
async fn a_device_that_was_made_for_models_gets_its_stream() {
    let (_server, client) = Server::with_client(&[]).await;
    let (_, source) = stream_of(&client, "pump", "fp64").await;
    let device = client.post("/api/device/", &json!({"name": "Press", "protocol": "ai"})).await.created();
    let answer = UploadForm::for_source(source).text("device_id", &device["id"]).send(&client).await;
    let answer = answer.created();
    assert_eq!((&answer["device"]["id"], &answer["data"]["name"]), (&device["id"], &json!("Press score")));
    assert_eq!(answer["version"], 1);
    assert_eq!(counts(&client).await, [2, 2, 1]);
}

/// A server with ids that uploads may and may not name.
struct UploadFixture {
    server: Server,
    client: Client,
    device: i64,
    number: i64,
    other: i64,
    text: i64,
    ai: UploadedIds,
    /// Of another organization.
    foreign: (i64, i64),
}

async fn set_up() -> UploadFixture {
    let (server, client) = Server::with_client(&[]).await;
    let (device, number) = stream_of(&client, "pump", "fp64").await;
    let (_, other) = stream_of(&client, "fan", "fp64").await;
    let (_, text) = stream_of(&client, "note", "text").await;
    let ai = UploadForm::for_source(number).text("name", "Motor").upload(&client).await;
    server.basalt(&["org", "create", "plant-2"]).await.expect_success();
    let theirs = server.client_with(&["--org", "plant-2"]).await;
    let foreign = stream_of(&theirs, "theirs", "fp64").await;
    UploadFixture { server, client, device, number, other, text, ai, foreign }
}

fn no_such(id: impl std::fmt::Display) -> [String; 1] {
    [format!("Invalid pk \"{id}\" - object does not exist.")]
}

/// Name, upload, what is told.
type Refusal = (&'static str, UploadForm, Value);

fn wrong_files(form: &UploadForm) -> Vec<Refusal> {
    let form = || form.clone();
    let ending = |given: &str, allowed: &str| {
        [format!("File extension \"{given}\" is not allowed. Allowed extensions are: {allowed}.")]
    };
    let missing = ["No file was submitted."];
    row_vec![
        "no model", form().without("model"), json!({ "model": missing });
        "no scaler", form().without("scaler"), json!({ "scaler": missing });
        "no file at all", form().without("model").without("scaler"), json!({"model": missing, "scaler": missing});
        "a model that is a text", form().text("model", "motor.tflite"), json!({ "model": missing });
        "a model of another ending", form().file("model", "motor.bin", model()), json!({"model": ending("bin", "tflite")});
        "a model without an ending", form().file("model", "motor", model()), json!({"model": ending("", "tflite")});
        "a scaler of another ending", form().file("scaler", "motor.json", scaler()),
            json!({"scaler": ending("json", "joblib, pkl")});
        "an empty model", form().file("model", "motor.tflite", Vec::new()), json!({"model": ["The submitted file is empty."]});
        "a model that is none", form().file("model", "motor.tflite", b"not a model, whatever it is called".to_vec()),
            json!({"model": ["Not a TFLite model."]});
        "a scaler that is none", form().file("scaler", "motor.pkl", b"not a scaler".to_vec()), json!({"scaler": ["*"]});
        "neither file what it is called", form().file("model", "motor.tflite", scaler()).file("scaler", "motor.joblib", model()),
            json!({"model": ["Not a TFLite model."], "scaler": ["*"]});
    ]
}

fn wrong_fields(form: &UploadForm) -> Vec<Refusal> {
    let required = ["This field is required."];
    let least = |least: &str| [format!("Ensure this value is greater than or equal to {least}.")];
    let most = |most: &str| [format!("Ensure this value is less than or equal to {most}.")];
    let with = |name: &'static str, text: &str, expected: Value| {
        (name, form.clone().text(name, text), json!({ name: expected }))
    };
    row_vec![
        "no model_type", form.clone().without("model_type"), json!({ "model_type": required });
        with("model_type", "", json!(required));
        with("model_type", "x", json!(["\"x\" is not a valid choice."]));
        "no source", form.clone().without("source"), json!({ "source": required });
        with("source", "pump", json!(["Incorrect type. Expected pk value, received str."]));
        with("threshold", "high", json!(["A valid number is required."]));
        with("threshold", "nan", json!(["A valid number is required."]));
        with("threshold", "-0.5", json!(least("0")));
        with("interval", "0", json!(least("0.001")));
        with("interval", "100000", json!(most("86400")));
        with("score", "max", json!(["\"max\" is not a valid choice."]));
        with("clear_ratio", "2", json!(most("1")));
        with("min_windows", "0", json!(least("1")));
        with("output", "64", json!(most("63")));
        with("output", "7", json!(["*"]));
        with("name", &"x".repeat(101), json!(["Ensure this field has no more than 100 characters."]));
        with("name", "Motor", json!(["This field must be unique."]));
        with("device_id", "Motor", json!(["Incorrect type. Expected pk value, received str."]));
        "several at once", form.clone().without("model").without("source").text("model_type", "x").text("threshold", "high"),
            json!({
                "model": ["No file was submitted."], "source": required,
                "model_type": ["\"x\" is not a valid choice."], "threshold": ["A valid number is required."],
            });
    ]
}

fn wrong_rows(plant: &UploadFixture) -> Vec<Refusal> {
    let UploadFixture { device, number, other, text, ai, foreign, .. } = plant;
    let to = |name: &'static str, id: i64| UploadForm::for_source(other).text(name, id);
    let not_ai = ["Device is not an AI device."];
    row_vec![
        "no such source", UploadForm::for_source(9_999), json!({"source": no_such(9_999)});
        "a source that holds texts", UploadForm::for_source(text),
            json!({"source": [format!("Data {text} is of type text; a source holds numbers.")]});
        "another organization's source", UploadForm::for_source(foreign.1), json!({"source": no_such(foreign.1)});
        "a source named twice", UploadForm::for_source(format!("{number},{number}")),
            json!({"source": [format!("Data {number} is named twice.")]});
        "two sources of a model of one", UploadForm::for_source(format!("{number}, {other}")), json!({"source": ["*"]});
        "no such device", to("device_id", 9_999), json!({"device_id": no_such(9_999)});
        "another organization's device", to("device_id", foreign.0), json!({"device_id": no_such(foreign.0)});
        "a device that is no AI device", to("device_id", *device), json!({ "device_id": not_ai });
        "no such data", to("data_id", 9_999), json!({"data_id": no_such(9_999)});
        "another organization's data", to("data_id", foreign.1), json!({"data_id": no_such(foreign.1)});
        "data of a device that is no AI device", to("data_id", *number), json!({ "data_id": not_ai });
        "data of another device", to("data_id", *number).text("device_id", ai.device),
            json!({"data_id": [format!("Data {number} is not of device {}.", ai.device)]});
        "several at once that only the catalog knows", UploadForm::for_source(9_999).text("device_id", device),
            json!({"source": no_such(9_999), "device_id": not_ai});
    ]
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_and_only_forms_of_those_who_may_are_read() {
    let plant = set_up().await;
    let form = UploadForm::for_source(plant.number);
    let before = (counts(&plant.client).await, shown(&plant.client, plant.ai.model).await["version"].take());
    let rows = [wrong_files(&form), wrong_fields(&form), wrong_rows(&plant)].concat();
    for (name, form, expected) in rows {
        let answer = form.send(&plant.client).await.expect(400);
        assert!(matches(&answer, &expected), "{name}\n  got      {answer}\n  expected {expected}");
    }
    let after = (counts(&plant.client).await, shown(&plant.client, plant.ai.model).await["version"].take());
    assert_eq!(after, before);

    let (client, server) = (&plant.client, &plant.server);
    let before = counts(client).await;
    let path = "/api/ai/upload/";
    let unsupported = json!({"detail": "Unsupported media type \"application/json\" in request."});
    client.post(path, &json!({"model_type": "cnn_ae"})).await.is(415, &unsupported);
    client.get(path).await.expect(405);
    for media in ["multipart/form-data", "multipart/form-data; boundary=other"] {
        let headers = [("content-type", media)];
        client.send("POST", path, &headers, "no form at all").await.about(&media).expect(400);
    }

    let (device, ai) = (plant.device.to_string(), plant.ai.device.to_string());
    let of_device = ["--scope", "system:write", "--device", device.as_str()];
    let of_ai = ["--scope", "system:write", "--device", ai.as_str()];
    let keys = rows![
        "a key that may read only", server.create_key(&["--scope", "system:read"]).await, None, 403;
        "a key for other things", server.create_key(&["--scope", "data:write", "--scope", "device:write"]).await, None, 403;
        "a key of some devices makes none", server.create_key(&of_device).await, None, 403;
        "a key of other devices does not see it", server.create_key(&of_device).await, Some(plant.ai.device), 400;
        "a key that does not see the source", server.create_key(&of_ai).await, Some(plant.ai.device), 400;
    ];
    for (name, key, device, expected) in keys {
        let mut form = UploadForm::for_source(plant.number);
        if let Some(device) = device {
            form = form.text("device_id", device);
        }
        let (status, answer) = form.send(&client.with_key(&key)).await.outcome();
        assert_eq!(status, expected, "{name}: {answer}");
        if status == 403 {
            let detail = "You do not have permission to perform this action.";
            assert_eq!(answer, json!({ "detail": detail }), "{name}");
        }
    }
    UploadForm::for_source(plant.number).send(&client.without_key()).await.expect(401);
    assert_eq!(counts(client).await, before);
}
