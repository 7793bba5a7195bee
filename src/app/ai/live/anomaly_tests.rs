//! Tests of how scores change a model's progress and the event log.

use super::{apply_gap, apply_score, close_anomaly};
use crate::domain::model::{Model, ModelFileInfo, ModelKind, ModelProgress, ModelSettings, ModelVersion};
use crate::domain::{DeviceId, EventId, Micros, ModelId, OrgId, StreamId};
use crate::store::catalog::AnomalyEventChange;

fn model(threshold: Option<f64>, min_windows: u32) -> Model {
    let settings =
        ModelSettings { threshold, min_windows, ..ModelSettings::new(ModelKind::CnnAe, vec![StreamId(1)]) };
    let file = ModelFileInfo { name: "m.tflite".to_owned(), size_bytes: 1, sha256: String::new() };
    let version =
        ModelVersion { number: 1, settings, model: file.clone(), scaler: file, created_at: Micros(0) };
    Model {
        id: ModelId(7),
        org: OrgId(1),
        device: DeviceId(2),
        stream: StreamId(3),
        enabled: true,
        version,
        created_at: Micros(0),
        updated_at: Micros(0),
    }
}

/// Applies scores one second apart, gives every opened event the id 1, and returns the event changes as text.
fn run(model: &Model, progress: &mut ModelProgress, from_s: i64, scores: &[f64]) -> Vec<String> {
    let mut lines = Vec::new();
    for (i, score) in scores.iter().enumerate() {
        let at = Micros((from_s + i as i64) * 1_000_000);
        let made = apply_score(model, "Furnace", progress, at, *score);
        *progress = made.progress;
        match made.event_change {
            Some(AnomalyEventChange::Opened { event, above }) => {
                progress.open_anomaly = Some((EventId(1), above));
                lines.push(format!("opened: {} {}", event.message, event.payload["ended_at"]));
            }
            Some(AnomalyEventChange::Changed { message, payload, .. }) => {
                lines.push(format!("changed: {message} {}", payload["ended_at"]));
            }
            None => {}
        }
    }
    lines
}

#[test]
fn an_anomaly_opens_above_the_threshold_and_closes_below_nine_tenths_of_it() {
    let (model, mut progress) = (model(Some(1.0), 1), ModelProgress::default());
    let lines = run(&model, &mut progress, 0, &[0.5, 1.0, 1.2, 0.95, 3.000_4, 0.89, 0.5, 1.1]);
    let expected = [
        "opened: Furnace: score up to 1.2 (threshold 1) null",
        "changed: Furnace: score up to 3 (threshold 1) \"1970-01-01T00:00:05Z\"",
        "opened: Furnace: score up to 1.1 (threshold 1) null",
    ];
    assert_eq!(lines, expected);
    assert_eq!(progress.position, Some(Micros(7_000_000)));
}

#[test]
fn a_message_has_no_row_of_zeros() {
    let (model, mut progress) = (model(Some(1.0), 1), ModelProgress::default());
    let lines = run(&model, &mut progress, 0, &[1e100]);
    assert_eq!(lines, ["opened: Furnace: score up to 1e100 (threshold 1) null"]);
}

#[test]
fn too_few_windows_make_none_and_a_gap_breaks_their_row() {
    let (model, mut progress) = (model(Some(1.0), 3), ModelProgress::default());
    assert!(run(&model, &mut progress, 0, &[2.0, 2.0, 0.5, 2.0, 2.0]).is_empty());
    progress = apply_gap(&progress);
    assert!(run(&model, &mut progress, 10, &[2.0, 2.0]).is_empty());
    assert_eq!(run(&model, &mut progress, 12, &[4.0]), ["opened: Furnace: score up to 4 (threshold 1) null"]);
    assert_eq!(progress.open_anomaly.map(|(_, above)| above.since), Some(Micros(10_000_000)));
}

#[test]
fn a_peak_is_told_every_ten_seconds() {
    let (model, mut progress) = (model(Some(1.0), 1), ModelProgress::default());
    let rising: Vec<f64> = (0..130).map(|i| 2.0 + f64::from(i)).collect();
    let lines = run(&model, &mut progress, 0, &rising);
    assert_eq!(lines.len(), 1 + 12, "{lines:?}");
    assert_eq!(
        progress.open_anomaly.map(|(_, above)| above.peak),
        Some(131.0),
        "the highest is remembered, told or not"
    );
}

#[test]
fn without_a_threshold_what_was_open_ends() {
    let (with, mut progress) = (model(Some(1.0), 1), ModelProgress::default());
    run(&with, &mut progress, 0, &[2.0]);
    let lines = run(&model(None, 1), &mut progress, 1, &[2.0, 2.0]);
    assert_eq!(lines, ["changed: Furnace: score up to 2 \"1970-01-01T00:00:01Z\""]);
    assert!(
        close_anomaly(&with, "Furnace", progress, Micros(9)).event_change.is_none(),
        "there is nothing left to end"
    );
}
