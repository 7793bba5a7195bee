//! Files of models and statements that run them: what a file may cost, and whom a slow model stops.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use basalt::domain::StreamId;
use basalt::domain::model::{ModelKind, ModelSettings};
use basalt::infer::detector::Detector;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use futures::future::join_all;
use serde_json::{Value, json};

use super::AttackedServer;
use crate::ai::{NOON, SECOND, UploadForm, WINDOW_SAMPLES, ingest, score, scores, until_state, wave};
use crate::support::{Client, Server, eventually};

/// Most memory of a server that keeps its bounds, MiB: that of a debug build at rest, and some files being read.
const MAX_RESIDENT_MIB: u64 = 700;

/// Long enough for whatever must come on a busy machine.
const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

fn fixture(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ai").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A scaler of so many features that names one text of `bytes` so many times, as `joblib.dump(…, compress=3)` packs it.
fn scaler_of_one_name(features: u16, bytes: usize, names: usize) -> Vec<u8> {
    let global = |module: &str, name: &str| format!("c{module}\n{name}\n").into_bytes();
    let short = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes()].concat();
    let array = [
        global("numpy.core.multiarray", "_reconstruct"),
        global("numpy", "ndarray"),
        b"K\0\x85C\x01b\x87R(K\x01K\x01\x85".to_vec(),
        [global("numpy", "dtype"), short("O"), b"\x85R\x89](X".to_vec()].concat(),
        [&(bytes as u32).to_le_bytes(), vec![b'a'; bytes].as_slice(), b"\x94"].concat(),
        [b"h\0".repeat(names - 1), b"etb".to_vec()].concat(),
    ];
    let fields = [
        [short("with_mean"), b"\x89".to_vec(), short("with_std"), b"\x89".to_vec()].concat(),
        [short("n_features_in_"), vec![b'M'], features.to_le_bytes().to_vec()].concat(),
        [short("feature_names_in_"), array.concat()].concat(),
    ];
    let class = global("sklearn.preprocessing._data", "StandardScaler");
    let pickle =
        [b"\x80\x04".to_vec(), class, b")\x81}(".to_vec(), fields.concat(), b"ub.".to_vec()].concat();
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&pickle).expect("memory takes it");
    packer.finish().expect("memory takes it")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scaler_that_names_one_text_again_and_again_takes_no_memory() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    for (name, features, bytes, names, why) in [
        ("more names than features", 1, 15 << 20, 190_000, "`feature_names_in_`"),
        ("as many as features", 10_000, 12 << 20, 10_000, "names of its features"),
    ] {
        let file = scaler_of_one_name(features, bytes, names);
        assert!(file.len() < 64 << 10, "{name}: the file is small: {} bytes", file.len());
        let form = UploadForm::for_source(attacked.stream).file("scaler", "motor.joblib", file);
        let (status, answer) = form.send(&client).await.outcome();
        let message = answer["scaler"].to_string();
        assert!(status == 400 && message.contains(why), "{name}: {status} {answer}");
    }
    attacked.finish_below(MAX_RESIDENT_MIB).await;
}

/// A statement that has a model look at rows which it makes up.
fn slow(model: i64) -> String {
    format!(
        "SELECT max(score) AS most FROM (SELECT anomaly_score({model}, to_timestamp_seconds(value), \
         19.5 + 6 * sin(value / 48.0)) OVER (ORDER BY value) AS score FROM generate_series(1, 500000)) x"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_run_a_model_stop_nobody_and_end_when_their_clients_leave() {
    let (attacked, client) = AttackedServer::with_client(&[]).await;
    let form = UploadForm::for_source(attacked.stream).text("model_type", "lstm_ae");
    let model =
        form.file("model", "slow.tflite", fixture("models/lstm_ae_batch1.tflite")).upload(&client).await;
    // More than there are query threads here, less than may run at once.
    let query = slow(model.model);
    let statements = join_all((0..6).map(|_| client.try_sql(&query)));
    let computed = eventually("all of them are computed", EVENT_TIMEOUT, || async {
        let running = client.get("/api/query/").await.body;
        let count = running.as_array()?.iter().filter(|one| one["text"] == query.as_str()).count();
        (count == 6).then_some(())
    });
    tokio::select! {
        answered = statements => panic!("they take longer: {answered:?}"),
        () = computed => {}
    }
    // Their clients have left with that. This question may be refused meanwhile, and is in the log then.
    let ended = "SELECT count(*) AS n FROM query_log WHERE outcome = 'cancelled'";
    eventually("all of them have ended", EVENT_TIMEOUT, || async {
        let (status, rows) = client.try_sql(ended).await.outcome();
        (status == 200 && rows[0]["n"] == 6).then_some(())
    })
    .await;
    attacked.finish_below(MAX_RESIDENT_MIB).await;
}

fn loaded_bytes(model: &str, kind: ModelKind) -> usize {
    let (model, scaler) = (fixture(model), fixture("scalers/minmax_sk1_9_1.joblib"));
    Detector::load(&model, &scaler, &ModelSettings::new(kind, vec![StreamId(1)]))
        .expect("it is one")
        .memory_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_that_do_not_fit_together_take_turns_and_one_that_never_fits_is_refused() {
    let (small, large) = ("models/cnn_ae_dense_default.tflite", "models/lstm_ae_batch1.tflite");
    let most = loaded_bytes(small, ModelKind::CnnAe) * 3 / 2;
    assert!(loaded_bytes(large, ModelKind::LstmAe) > most, "this one is too large alone");
    let most = most.to_string();
    let (_server, client) = Server::with_client(&[("BASALT_AI__LOADED_BYTES", most.as_str())]).await;
    let (_, source) = crate::rest::stream_of(&client, "pump", "fp64").await;
    ingest(&client, source, (0..600).map(|at| (NOON + at * SECOND, wave(at)))).await;
    let mut models = Vec::new();
    for name in ["one", "two", "three"] {
        models.push(UploadForm::for_source(source).text("name", name).upload(&client).await);
    }
    for model in &models {
        until_state(&client, model.model, "running").await;
    }
    let range = (NOON, NOON + 600 * SECOND);
    let jobs = join_all(models.iter().map(|model| score(&client, model.model, range))).await;
    for (model, job) in models.iter().zip(jobs) {
        assert_eq!(job["state"], "done", "{job}");
        let scored = scores(&client, model.data).await.len() as i64;
        assert!(scored >= 600 - WINDOW_SAMPLES, "{scored} of 600 readings");
    }
    let form = UploadForm::for_source(source).text("model_type", "lstm_ae").text("name", "four");
    let answer = form.file("model", "large.tflite", fixture(large)).send(&client).await;
    answer.refused(413, "ai.loaded_bytes");
}

/// Sources of a model as its device shows them, in every API.
async fn sources_of(client: &Client, device: i64) -> Vec<Value> {
    let one = client.get(&format!("/api/device/{device}/")).await.body;
    let all = client.get("/api/device/?limit=1000").await.body;
    let listed = all.as_array().and_then(|all| all.iter().find(|one| one["id"] == device)).cloned();
    let mut message = vec![one["metadata"]["source"].clone()];
    message.push(listed.expect("it is seen")["metadata"]["source"].clone());
    for table in ["devices", "core_device"] {
        let rows = client.sql(&format!("SELECT metadata FROM {table} WHERE id = {device}")).await;
        let metadata: Value = match &rows[0]["metadata"] {
            Value::String(text) => serde_json::from_str(text).expect("it is JSON"),
            metadata => metadata.clone(),
        };
        message.push(metadata["source"].clone());
    }
    let query = json!({"query": "{ devices(protocol: ai) { nodes { metadata } } models { nodes { device { metadata } } } }"});
    let answer = client.post("/graphql", &query).await.ok();
    assert!(answer["errors"].is_null(), "{answer}");
    message.push(answer["data"]["devices"]["nodes"][0]["metadata"]["source"].clone());
    message.push(answer["data"]["models"]["nodes"][0]["device"]["metadata"]["source"].clone());
    message
}

#[tokio::test]
async fn a_key_is_not_told_which_streams_of_others_a_model_looks_at() {
    let (mut server, client) = Server::with_client(&[]).await;
    let (_, source) = crate::rest::stream_of(&client, "pump", "fp64").await;
    let motor = UploadForm::for_source(source).upload(&client).await;
    let watcher = server.client_with(&["--device", &motor.device.to_string()]).await;
    for restarted in [false, true] {
        if restarted {
            server.restart().await;
        }
        assert_eq!(sources_of(&client, motor.device).await, vec![json!(source); 6]);
        assert_eq!(sources_of(&watcher, motor.device).await, vec![json!([]); 6]);
    }
}
