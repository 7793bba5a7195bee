//! Detectors of real converters' models and scikit-learn scalers score as their reference runs.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{Detector, MAX_SCORE, MAX_WINDOW_VALUES};
use crate::domain::model::{ModelKind, ModelSettings, ScoreKind};
use crate::domain::{Kind, StreamId};
use crate::infer::scaler::Scaler;
use crate::infer::tflite::Workspace;

const SCALER: &str = "minmax_sk1_9_1.joblib";

fn fixture(folder: &str, name: &str) -> Vec<u8> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/fixtures/ai");
    fs::read(root.join(folder).join(name)).expect("the fixture is there")
}

/// Input and output of a model's reference run.
fn reference(name: &str) -> (Vec<f64>, Vec<f64>) {
    let description: Value =
        serde_json::from_slice(&fixture("models", &format!("{name}.json"))).expect("it is JSON");
    let numbers = |field: &str| {
        let list = description[field].as_array().expect("a list");
        list.iter().map(|n| n.as_f64().expect("a number")).collect()
    };
    (numbers("input"), numbers("output"))
}

fn settings(kind: ModelKind) -> ModelSettings {
    ModelSettings::new(kind, vec![StreamId(1)])
}

fn load(name: &str, settings: &ModelSettings) -> crate::domain::Result<Detector> {
    Detector::load(&fixture("models", &format!("{name}.tflite")), &fixture("scalers", SCALER), settings)
}

/// Returns the readings that the scaler turns into the reference's input.
fn readings(input: &[f64]) -> Vec<f64> {
    let scaler = Scaler::read(&fixture("scalers", SCALER)).expect("it is a scaler");
    let scaled: Vec<f32> = input.iter().map(|x| *x as f32).collect();
    let mut out = vec![0.0; scaled.len()];
    scaler.inverse_transform(&scaled, &mut out);
    out
}

#[test]
fn a_score_is_the_error_of_the_reference() {
    let mut workspace = Workspace::new();
    for name in ["cnn_ae_dense_default", "lstm_ae_batch1", "k2_sisvae_lstm_fused"] {
        let (input, output) = reference(name);
        let count = input.len() as f64;
        let mse = input.iter().zip(&output).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / count;
        let mae = input.iter().zip(&output).map(|(a, b)| (a - b).abs()).sum::<f64>() / count;
        for (score, expected) in [(ScoreKind::Mse, mse), (ScoreKind::Mae, mae), (ScoreKind::Rmse, mse.sqrt())]
        {
            let settings = ModelSettings { score, ..settings(ModelKind::LstmAe) };
            let detector = load(name, &settings).expect("it is a model");
            assert_eq!((detector.window_len(), detector.features()), (32, 1));
            let found = detector.score_windows(&mut workspace, &readings(&input)).expect("it runs");
            assert_eq!(found.len(), 1);
            assert!((found[0] - expected).abs() < 1e-5, "{name} {}: {} {expected}", score.name(), found[0]);
        }
    }
}

#[test]
fn windows_of_a_stretch_are_scored_as_each_alone_and_batches_as_one_by_one() {
    let (input, _) = reference("cnn_ae_dense_default");
    let long: Vec<f64> = input.iter().cycle().take(300).copied().collect();
    let long = readings(&long);
    let mut workspace = Workspace::new();
    let batched = load("cnn_ae_dense_default", &settings(ModelKind::CnnAe)).expect("it is a model");
    let single = load("cnn_ae_dense_fixed", &settings(ModelKind::CnnAe)).expect("it is a model");
    let found = batched.score_windows(&mut workspace, &long).expect("it runs");
    assert_eq!(found.len(), 300 - 31);
    let singly = single.score_windows(&mut workspace, &long).expect("it runs");
    for (i, score) in found.iter().enumerate() {
        let alone = batched.score_windows(&mut workspace, &long[i..i + 32]).expect("it runs")[0];
        assert!((score - alone).abs() < 1e-9, "window {i}: {score} {alone}");
        assert!((score - singly[i]).abs() < 1e-6, "window {i}: {score} {}", singly[i]);
    }
    assert!(batched.score_windows(&mut workspace, &long[..31]).expect("it runs").is_empty());
}

#[test]
fn a_reading_beyond_the_models_numbers_has_the_highest_score_and_what_follows_its_own() {
    let (input, _) = reference("cnn_ae_dense_default");
    let cycle: Vec<f64> = input.iter().cycle().take(96).copied().collect();
    for name in ["cnn_ae_dense_default", "lstm_ae_batch1"] {
        for score in [ScoreKind::Mse, ScoreKind::Mae] {
            let settings = ModelSettings { score, ..settings(ModelKind::LstmAe) };
            let detector = load(name, &settings).expect("it is a model");
            let mut long = readings(&cycle);
            long[40] = 1e300;
            let found = detector.score_windows(&mut Workspace::new(), &long).expect("it runs");
            assert_eq!(found.len(), 96 - 31);
            for (first, score) in found.iter().enumerate() {
                let has_it = (first..first + 32).contains(&40);
                assert!(score.is_finite(), "{name}, window {first}: a score is stored and compared");
                assert_eq!(*score == MAX_SCORE, has_it, "{name}, window {first}: {score}");
                assert!(has_it || *score < 1.0, "{name}, window {first}: {score}");
            }
        }
    }
}

#[test]
fn a_reconstruction_is_in_the_units_of_the_readings() {
    let (input, output) = reference("cnn_ae_dense_default");
    let detector = load("cnn_ae_dense_default", &settings(ModelKind::CnnAe)).expect("it is a model");
    let judged = detector.score_window(&mut Workspace::new(), &readings(&input)).expect("it runs");
    for (made, expected) in judged.reconstruction.iter().zip(readings(&output)) {
        assert!((made - expected).abs() < 1e-4, "{made} {expected}");
    }
    let [sum] = judged.squared_errors[..] else { panic!("{:?}", judged.squared_errors) };
    let mean = sum / input.len() as f64;
    assert!((mean - judged.score).abs() < 1e-9, "the mean {mean} is the score {}", judged.score);
}

#[test]
fn what_does_not_fit_is_told_of_its_field() {
    let two_sources = ModelSettings { sources: vec![StreamId(1), StreamId(2)], ..settings(ModelKind::CnnAe) };
    let output = |output| ModelSettings { output: Some(output), ..settings(ModelKind::SisVae) };
    let rows = [
        (load("sisvae_two_outputs", &settings(ModelKind::SisVae)), "output: Outputs [0, 1] are all shaped"),
        (load("sisvae_two_outputs", &output(2)), "output: Output 2 is not shaped as the input"),
        (load("cnn_ae_dense_default", &two_sources), "source: The model takes 1 sources; 2 given."),
        (
            Detector::load(b"TFL4", &fixture("scalers", "evil_system.pkl"), &settings(ModelKind::CnnAe)),
            "model: Not a TFLite model.; scaler: The file refers to",
        ),
    ];
    for (found, expected) in rows {
        let error = found.expect_err(expected);
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.message.starts_with(expected), "{}", error.message);
    }
    assert!(load("sisvae_two_outputs", &output(1)).is_ok());
    let bomb = fixture("scalers", "evil_zlib_bomb.joblib");
    let model = fixture("models", "cnn_ae_dense_default.tflite");
    let error = Detector::load(&model, &bomb, &settings(ModelKind::CnnAe)).expect_err("it is refused");
    assert_eq!(error.kind, Kind::TooLarge, "{}", error.message);
    const { assert!(MAX_WINDOW_VALUES >= 10_000) };
}

#[test]
fn the_demos_model_is_what_is_said_of_it() {
    let folder =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("examples/anomaly/furnace");
    let read = |name: &str| fs::read(folder.join(name)).expect("it is there");
    let description: Value = serde_json::from_slice(&read("model.json")).expect("it is JSON");
    let settings = ModelSettings::new(ModelKind::CnnAe, vec![StreamId(1), StreamId(2)]);
    let model = Detector::load(&read("model.tflite"), &read("scaler.joblib"), &settings);
    let model = model.expect("it is a model");
    assert_eq!(description["window"], model.window_len());
    assert_eq!(description["interval"], settings.interval_s);
    assert_eq!(description["score"], settings.score.name());
    assert_eq!(description["type"], settings.kind.name());
    assert!(description["threshold"].as_f64() > Some(0.0));
}
