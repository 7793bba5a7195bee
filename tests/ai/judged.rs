//! Answers of a model about history: one window, a range, and a threshold.

use serde_json::json;

use super::models::{SAMPLES, iso, range, set_up};
use super::{NOON, SECOND, WINDOW_SAMPLES, score, scores, shown, wave};
use crate::graphql::data;
use crate::rest::matches;

/// Factor by which the scaler multiplies differences.
const SCALE: f64 = 0.070_005_710_307_378_54;

#[tokio::test]
async fn a_window_is_shown_beside_what_the_model_makes_of_it() {
    let plant = set_up().await;
    let job = score(&plant.client, plant.motor.model, (NOON, NOON + SAMPLES * SECOND)).await;
    assert_eq!(job["state"], "done", "{job}");
    let stored = scores(&plant.client, plant.motor.data).await;
    for (name, at, end) in [
        ("the first", "2026-04-28T12:00:31Z", 31),
        ("between two samples", "2026-04-28T12:01:40.500000Z", 100),
        ("the last", "2026-04-28T12:01:59Z", 119),
    ] {
        let (status, window) = plant.client.get(&plant.path(&format!("window/?at={at}"))).await.outcome();
        let samples = end - WINDOW_SAMPLES + 1..=end;
        let expected = json!({
            "from": iso(end - WINDOW_SAMPLES + 1), "to": iso(end), "score": "*", "sources": [plant.source],
            "timestamps": samples.clone().map(iso).collect::<Vec<_>>(),
            "input": samples.map(|at| [wave(at)]).collect::<Vec<_>>(), "reconstruction": "*",
        });
        assert!(status == 200 && matches(&window, &expected), "{name}: {status} {window}");
        let rows = |field: &str| -> Vec<f64> {
            let rows = window[field].as_array().expect("a list");
            rows.iter().map(|row| row[0].as_f64().expect("a finite number")).collect()
        };
        let (input, made) = (rows("input"), rows("reconstruction"));
        assert_eq!(made.len(), input.len(), "{name}");
        let squares = input.iter().zip(&made).map(|(a, b)| ((a - b) * SCALE).powi(2));
        let mse = squares.sum::<f64>() / input.len() as f64;
        let score = window["score"].as_f64().expect("a number");
        assert!((mse - score).abs() <= 1e-4 * score, "{name}: {score} of a window with {mse}");
        let stored = stored[&(NOON + end * SECOND)];
        assert!((stored - score).abs() <= 1e-6 * score, "{name}: {score}, stored is {stored}");
    }
    for (name, query) in [
        ("before the first", "?at=2026-04-28T12:00:30Z"),
        ("long before", "?at=2026-04-27T12:00:00Z"),
        ("now, when nothing comes", ""),
    ] {
        let answer = plant.client.get(&plant.path(&format!("window/{query}"))).await;
        answer.about(&name).is(400, &json!({"at": ["The sources have no whole window there."]}));
    }
}

#[tokio::test]
async fn a_range_has_the_windows_of_its_steps_with_the_shares_of_the_sources() {
    let plant = set_up().await;
    for (name, from, to, step, ends) in [
        ("every window", 40, 43, "", vec![40, 41, 42, 43]),
        ("seconds", 40, 60, "&step=10", vec![40, 50, 60]),
        ("a duration", 40, 60, "&step=PT10S", vec![40, 50, 60]),
        ("a step below the interval", 40, 41, "&step=0.1", vec![40, 41]),
        ("from before the first window", 0, 50, "&step=20", vec![31, 40]),
    ] {
        let path = plant.path(&format!("reconstruction/?from={}&to={}{step}", iso(from), iso(to)));
        let answer = plant.client.get(&path).await.about(&name).has(200, json!({"sources": [plant.source]}));
        let windows = answer["windows"].as_array().expect("a list");
        let found: Vec<_> = windows.iter().map(|window| window["timestamp"].clone()).collect();
        assert_eq!(found, ends.iter().map(|at| json!(iso(*at))).collect::<Vec<_>>(), "{name}");
        for (window, at) in windows.iter().zip(ends) {
            let at_end = plant.client.get(&plant.path(&format!("window/?at={}", iso(at)))).await.body;
            let last = |field: &str| at_end[field].as_array().and_then(|rows| rows.last().cloned());
            assert_eq!(Some(window["actual"].clone()), last("input"), "{name}: {at}");
            assert_eq!(Some(window["expected"].clone()), last("reconstruction"), "{name}: {at}");
            assert_eq!(window["score"], at_end["score"], "{name}: {at}");
            assert_eq!(window["share"], json!([1.0]), "{name}: the only source has all of it");
        }
    }
    let path = plant.path(&format!("reconstruction/?from={}&to={}&step=10", iso(40), iso(60)));
    let expected = plant.client.get(&path).await.body;
    let query = "query($id: ID!, $from: DateTime!, $to: DateTime!) { model(id: $id) { \
        reconstruction(from: $from, to: $to, step: \"PT10S\") { \
        step sources windows { timestamp score actual expected share } } } }";
    let variables = json!({"id": plant.motor.model.to_string(), "from": iso(40), "to": iso(60)});
    let shown = data(&plant.client, query, variables).await["model"]["reconstruction"].take();
    for field in ["step", "sources", "windows"] {
        assert_eq!(shown[field], expected[field], "{field}");
    }
}

#[tokio::test]
async fn a_range_that_is_wrong_is_refused_by_its_field() {
    let plant = set_up().await;
    let noon = "2026-04-28T12:00:00Z";
    let later = "2026-04-28T13:00:00Z";
    for (query, field) in [
        (format!("to={noon}"), "from"),
        (format!("from={noon}"), "to"),
        (format!("from={later}&to={noon}"), "to"),
        (format!("from={noon}&to={later}"), "step"),
        (format!("from={noon}&to={later}&step=soon"), "step"),
        (format!("from={noon}&to={later}&step=0"), "step"),
        (format!("from={noon}&to=2027-04-28T12:00:00Z&step=P1D"), "to"),
        (format!("from=noon&to={later}"), "from"),
    ] {
        let (status, answer) =
            plant.client.get(&plant.path(&format!("reconstruction/?{query}"))).await.outcome();
        let fields: Vec<_> = answer.as_object().map(|fields| fields.keys().collect()).unwrap_or_default();
        assert!(status == 400 && fields == [field], "{query}: {status} {answer}");
    }
}

/// Linear between the two nearest, as numpy has it.
fn percentile(sorted: &[f64], percentile: f64) -> f64 {
    let place = percentile / 100.0 * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

#[tokio::test]
async fn a_threshold_is_a_percentile_of_the_scores_of_a_range() {
    let plant = set_up().await;
    let model = plant.motor.model;
    let job = score(&plant.client, model, (NOON, NOON + SAMPLES * SECOND)).await;
    assert_eq!(job["state"], "done", "{job}");
    let stored = scores(&plant.client, plant.motor.data).await;
    let path = plant.path("calibrate/");
    for (name, from, to, requested) in [
        ("the highest of all", 0, SAMPLES - 1, Some(100.0)),
        ("the lowest of all", 0, SAMPLES - 1, Some(0.0)),
        ("half of them", 0, SAMPLES - 1, Some(50.0)),
        ("unless it is said", 0, SAMPLES - 1, None),
        ("of a part, both ends included", 60, 80, Some(100.0)),
        ("of one window", 31, 31, Some(99.5)),
    ] {
        let mut body = range(from, to);
        if let Some(requested) = requested {
            body["percentile"] = json!(requested);
        }
        let threshold = async || plant.client.get(&plant.path("")).await["threshold"].clone();
        let before = threshold().await;
        let preview = plant.client.post(&format!("{path}?dry_run=true"), &body).await.body;
        assert_eq!(threshold().await, before, "{name}: a dry run sets nothing");
        let answer = plant.client.post(&path, &body).await.about(&name).ok();
        let counts = (&preview["threshold"], &preview["windows"]);
        assert_eq!(counts, (&answer["threshold"], &answer["windows"]), "{name}");
        let binned =
            preview["histogram"].as_array().expect("a list").iter().filter_map(|bin| bin["count"].as_u64());
        assert_eq!(Some(binned.sum::<u64>()), answer["windows"].as_u64(), "{name}: {preview}");
        let ends = NOON + from * SECOND..=NOON + to * SECOND;
        let mut within: Vec<f64> = stored.range(ends).map(|(_, score)| *score).collect();
        within.sort_by(f64::total_cmp);
        let expected = percentile(&within, requested.unwrap_or(99.5));
        let threshold = answer["threshold"].as_f64().expect("a number");
        assert_eq!(answer["windows"], within.len(), "{name}");
        // The ends are scores themselves: no rounding.
        let is_right = if requested == Some(100.0) {
            threshold == expected
        } else {
            (threshold - expected).abs() <= 1e-12
        };
        assert!(is_right, "{name}: {threshold}, the scores say {expected}");
        assert_eq!(shown(&plant.client, model).await["threshold"], answer["threshold"], "{name}: it is set");
    }
}
