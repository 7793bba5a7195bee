//! Models over streams, as their users have them: uploaded, changed, run live and over history.

mod demo;
mod history;
mod hostile;
mod judged;
mod late;
mod live;
mod malformed;
mod models;
mod nab;
mod set_clock;
mod upload;
mod versions;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::time::Duration;

use basalt::domain::Micros;
use serde_json::{Value, json};

use crate::ingest::NDJSON;
use crate::support::{Answer, Client, eventually, until};

/// 2026-04-28T12:00:00Z, microseconds.
pub const NOON: i64 = 1_777_377_600_000_000;
pub const SECOND: i64 = 1_000_000;
/// Samples in a window of the model that these cases upload.
pub const WINDOW_SAMPLES: i64 = 32;
/// Samples for which a value holds when nothing follows it.
pub const HOLD_SAMPLES: i64 = 3;

/// Long enough for anything that must come, on a busy machine too.
pub const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Long enough for any job: their models are slow where the program is not optimised.
const JOB_TIMEOUT: Duration = Duration::from_secs(90);

/// Separates the parts of forms; in none of them.
const BOUNDARY: &str = "basalt-0c2f6e1b9a7d4835";

/// A model of one source and windows of 32 samples.
pub fn model() -> Vec<u8> {
    fixture("models/cnn_ae_dense_default.tflite")
}

/// A scaler of one feature, for values from 12 to 27.
pub fn scaler() -> Vec<u8> {
    fixture("scalers/minmax_sk1_9_1.joblib")
}

fn fixture(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ai").join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A form with files, part by part.
#[derive(Clone)]
pub struct UploadForm(Vec<FormPart>);

#[derive(Clone)]
struct FormPart {
    name: &'static str,
    /// Name of the file, if the part is one.
    file: Option<String>,
    content: Vec<u8>,
}

/// Ids in the answer to an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadedIds {
    pub model: i64,
    pub device: i64,
    pub data: i64,
}

impl UploadForm {
    /// Everything that an upload needs.
    pub fn for_source(source: impl Display) -> UploadForm {
        let files = UploadForm(Vec::new()).file("model", "motor.tflite", model());
        let files = files.file("scaler", "motor.joblib", scaler());
        files.text("model_type", "cnn_ae").text("source", source)
    }

    /// With a text, in place of what had this name.
    pub fn text(self, name: &'static str, text: impl Display) -> UploadForm {
        self.part(FormPart { name, file: None, content: text.to_string().into_bytes() })
    }

    /// With a file, in place of what had this name.
    pub fn file(self, name: &'static str, file: &str, content: Vec<u8>) -> UploadForm {
        self.part(FormPart { name, file: Some(file.to_owned()), content })
    }

    pub fn without(mut self, name: &str) -> UploadForm {
        self.0.retain(|part| part.name != name);
        self
    }

    fn part(self, part: FormPart) -> UploadForm {
        let mut form = self.without(part.name);
        form.0.push(part);
        form
    }

    fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for FormPart { name, file, content } in &self.0 {
            let file = file.as_ref().map_or_else(String::new, |file| {
                format!("; filename=\"{file}\"\r\nContent-Type: application/octet-stream")
            });
            let head =
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        body
    }

    /// Uploads it, whatever comes of it.
    pub async fn send(&self, client: &Client) -> Answer {
        self.send_to(client, "/api/ai/upload/").await
    }

    /// Uploads it to a path with parameters.
    pub async fn send_to(&self, client: &Client, path: &str) -> Answer {
        let media = format!("multipart/form-data; boundary={BOUNDARY}");
        let headers = [("content-type", media.as_str())];
        client.send("POST", path, &headers, self.body()).await
    }

    /// Uploads it, which must succeed.
    pub async fn upload(&self, client: &Client) -> UploadedIds {
        let answer = self.send(client).await.created();
        let id = |value: &Value| value.as_i64().expect("an id");
        UploadedIds {
            model: id(&answer["id"]),
            device: id(&answer["device"]["id"]),
            data: id(&answer["data"]["id"]),
        }
    }
}

/// The number at a place of a slow wave within what the scaler was fitted to.
pub fn wave(at: i64) -> f64 {
    19.5 + 6.0 * (std::f64::consts::TAU * at as f64 / 300.0).sin()
}

/// Posts readings: times in microseconds, and values.
pub async fn ingest(client: &Client, stream: i64, rows: impl IntoIterator<Item = (i64, f64)>) {
    let line = |(ts, value): (i64, f64)| {
        format!("{{\"stream_id\":{stream},\"ts\":\"{}\",\"value\":{value}}}\n", Micros(ts).to_iso())
    };
    let body: String = rows.into_iter().map(line).collect();
    client.ingest(NDJSON, body).await.ok();
}

/// The scores that are stored, by the end of their windows in microseconds; none is there twice.
pub async fn scores(client: &Client, stream: i64) -> BTreeMap<i64, f64> {
    let query = format!(
        "SELECT CAST(ts AS BIGINT) AS us, value FROM readings WHERE stream_id = {stream} ORDER BY us"
    );
    let rows = client.sql(&query).await;
    let found: BTreeMap<i64, f64> =
        rows.iter().map(|row| (row["us"].as_i64().unwrap(), row["value"].as_f64().unwrap())).collect();
    assert_eq!(found.len(), rows.len(), "the score of a window is there twice");
    found
}

/// The query that has a model look at the readings of a stream.
pub fn scoring(model: i64, stream: i64) -> String {
    format!(
        "SELECT CAST(ts AS BIGINT) AS us, \
         anomaly_score({model}, ts, value) OVER (PARTITION BY stream_id ORDER BY ts) AS score \
         FROM readings WHERE stream_id = {stream} ORDER BY us"
    )
}

/// Time and score of each of a stream's readings, as a query scores them with a model.
pub async fn queried(client: &Client, model: i64, stream: i64) -> Vec<(i64, Option<f64>)> {
    let rows = client.sql(&scoring(model, stream)).await;
    rows.iter().map(|row| (row["us"].as_i64().unwrap(), row["score"].as_f64())).collect()
}

/// Asks for the scores of a range, in microseconds, and waits for them; the job when it is done.
pub async fn score(client: &Client, model: i64, (from, to): (i64, i64)) -> Value {
    let range = json!({"from": Micros(from).to_iso(), "to": Micros(to).to_iso()});
    let (status, headers, job) =
        client.post(&format!("/api/ai/model/{model}/score/"), &range).await.into_parts();
    assert_eq!(status, 202, "{job}");
    let path = format!("/api/job/{}/", job["id"]);
    assert_eq!(headers["location"], path.as_str());
    eventually("the job is over", JOB_TIMEOUT, || async {
        let job = client.get(&path).await.ok();
        let progress = job["progress"].as_f64().expect("a number");
        assert!((0.0..=1.0).contains(&progress), "{job}");
        let is_over = job["state"] != "queued" && job["state"] != "running";
        is_over.then_some(job)
    })
    .await
}

/// A model as the server shows it.
pub async fn shown(client: &Client, model: i64) -> Value {
    client.get(&format!("/api/ai/model/{model}/")).await.ok()
}

/// Changes a model, which must succeed.
pub async fn patch(client: &Client, model: i64, change: Value) {
    client.patch(&format!("/api/ai/model/{model}/"), &change).await.ok();
}

/// Waits for a model to be in a state.
pub async fn until_state(client: &Client, model: i64, state: &str) {
    until!(state, EVENT_TIMEOUT; shown(client, model).await["status"]["state"] == state);
}

/// How many devices, streams and models there are.
pub async fn counts(client: &Client) -> [usize; 3] {
    let mut counts = [0; 3];
    for (count, path) in counts.iter_mut().zip(["/api/device/", "/api/data/", "/api/ai/model/"]) {
        let all = client.get(&format!("{path}?limit=1000")).await.ok();
        *count = all.as_array().expect("a list").len();
    }
    counts
}
