//! Every fixture of scikit-learn is read as scikit-learn reads it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::*;

/// Largest difference to scikit-learn of a scaled value; for an inverse, relative to its size.
const TOLERANCE: f64 = 4e-15;

pub(super) fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/fixtures/ai/scalers")
}

/// Returns all fixture files by name.
pub(super) fn files() -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let uploads = entries.filter(|path| path.extension().is_some_and(|e| e == "pkl" || e == "joblib"));
    uploads
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap()))
        .collect()
}

pub(super) fn is_refused(name: &str) -> bool {
    ["evil_", "unsupported_", "unfitted_", "broken_"].iter().any(|prefix| name.starts_with(prefix))
}

/// Returns the scaler files, each with scikit-learn's description of it.
fn expected() -> Vec<(String, Vec<u8>, Value)> {
    let scalers = files().into_iter().filter(|(name, _)| !is_refused(name));
    scalers
        .map(|(name, bytes)| {
            let stem = name.split('.').next().unwrap();
            let text = fs::read(folder().join(format!("{stem}.expect.json"))).unwrap();
            (name.clone(), bytes, serde_json::from_slice(&text).unwrap())
        })
        .collect()
}

fn numbers(rows: &Value) -> Vec<f64> {
    rows.as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|x| x.as_f64().unwrap())
        .collect()
}

#[test]
fn every_fixture_scales_and_unscales_as_scikit_learn_does() {
    let (mut read, mut worst) = (0, 0.0_f64);
    for (name, bytes, expect) in expected() {
        let scaler = Scaler::read(&bytes).unwrap_or_else(|refused| panic!("{name}: {refused}"));
        assert_eq!(scaler.kind().name(), expect["cls"], "{name}");
        assert_eq!(scaler.features(), expect["probe"][0].as_array().unwrap().len(), "{name}");
        let (probe, scaled, back) =
            (numbers(&expect["probe"]), numbers(&expect["transformed"]), numbers(&expect["inverse"]));
        for (at, ((x, y), inverse)) in probe.iter().zip(&scaled).zip(&back).enumerate() {
            let feature = at % scaler.features();
            let off = (scaler.scale_value(feature, *x) - y).abs();
            let off_back = (scaler.unscale_value(feature, *y) - inverse).abs() / inverse.abs().max(1.0);
            assert!(off <= TOLERANCE, "{name}: {x} gives {}, not {y}", scaler.scale_value(feature, *x));
            assert!(
                off_back <= TOLERANCE,
                "{name}: {y} was {}, not {inverse}",
                scaler.unscale_value(feature, *y)
            );
            worst = worst.max(off).max(off_back);
        }
        read += 1;
    }
    println!("{read} files, at most {worst:e} off");
    // 16 scalers in six encodings, 19 more in seven, one of an older joblib.
    assert_eq!(read, 96 + 19 * 7 + 1);
}

#[test]
fn rows_are_scaled_column_by_column_and_back() {
    for (name, bytes, expect) in expected() {
        let scaler = Scaler::read(&bytes).unwrap();
        let (probe, scaled) = (numbers(&expect["probe"]), numbers(&expect["transformed"]));
        let mut out = vec![0.0; probe.len()];
        scaler.transform(&probe, &mut out);
        let as_f32: Vec<f32> = scaled.iter().map(|y| *y as f32).collect();
        for (got, want) in out.iter().zip(&as_f32) {
            assert!((got - want).abs() <= want.abs() * f32::EPSILON, "{name}: {got} for {want}");
        }
        let mut back = vec![0.0; out.len()];
        scaler.inverse_transform(&out, &mut back);
        for (got, want) in back.iter().zip(numbers(&expect["inverse"])) {
            assert!((got - want).abs() <= want.abs().max(1.0) * 1e-5, "{name}: {got} for {want}");
        }
    }
}

#[test]
fn the_encodings_of_one_scaler_are_one_scaler() {
    let mut first: BTreeMap<String, Scaler> = BTreeMap::new();
    for (name, bytes, _) in expected() {
        let scaler = Scaler::read(&bytes).unwrap();
        let stem = name.split('.').next().unwrap().to_owned();
        let same = first.entry(stem).or_insert_with(|| scaler.clone());
        assert_eq!(*same, scaler, "{name}");
    }
}

#[test]
fn names_of_columns_are_kept_in_order() {
    for (name, bytes, expect) in expected() {
        let scaler = Scaler::read(&bytes).unwrap();
        let names = match &expect["feature_names"] {
            Value::Array(names) => Some(names.iter().map(|n| n.as_str().unwrap().to_owned()).collect()),
            // The first set of fixtures does not list names: one column, with this name.
            _ => name.starts_with("minmax_df").then(|| vec!["s0".to_owned()]),
        };
        assert_eq!(scaler.feature_names().map(<[String]>::to_vec), names, "{name}");
    }
}

#[test]
fn values_past_the_range_are_cut_where_the_scaler_says_so() {
    for (stem, low, high) in [("minmax_range", -1.0, 1.0), ("maxabs_clip", -1.0, 1.0)] {
        let scaler = Scaler::read(&files()[&format!("{stem}_sk1_9_1.p5.pkl")]).unwrap();
        assert_eq!((scaler.scale_value(0, -1e9), scaler.scale_value(0, 1e9)), (low, high), "{stem}");
        assert!(scaler.scale_value(0, f64::NAN).is_nan(), "{stem}");
    }
    let free = Scaler::read(&files()["minmax_sk1_9_1.p5.pkl"]).unwrap();
    assert!(free.scale_value(0, 1e9) > 1e6);
}
