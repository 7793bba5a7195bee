//! Arbitrary files as scalers and as models.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::scaler::Scaler;
use super::tflite::{Model, ModelLimits, Tensor, Workspace};
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, Random};

/// Limits so small that a run is short; the fixtures need less.
const LIMITS: ModelLimits =
    ModelLimits { bytes: 1 << 20, tensors: 2_000, elements: 1 << 18, steps: 5_000, work: 1 << 22 };
/// Maximum number of values of a generated input.
const MAX_VALUES: usize = 1 << 16;

fn files(folder: &str, extensions: &[&str]) -> Vec<Vec<u8>> {
    let folder =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/fixtures/ai").join(folder);
    let entries =
        fs::read_dir(folder).expect("the fixtures are there").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = entries
        .filter(|path| extensions.iter().any(|e| path.extension().is_some_and(|of| of == *e)))
        .collect();
    paths.sort();
    paths.into_iter().map(|path| fs::read(path).expect("a fixture")).collect()
}

fn named(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

fn short_text(text: &str) -> Vec<u8> {
    [&[0x8c, text.len() as u8][..], text.as_bytes()].concat()
}

/// Returns opcodes of scalers in any order, with memoized values that are recalled many times.
fn pickle(random: &mut Random) -> Vec<u8> {
    let kept = random.size(16);
    let words: [Vec<u8>; 24] = [
        b")".into(),
        b"(".into(),
        b"t".into(),
        b"}".into(),
        b"u".into(),
        b"e".into(),
        b"]".into(),
        b"R".into(),
        b"b".into(),
        b"\x81".into(),
        b"\x85".into(),
        b"\x86".into(),
        b"\x87".into(),
        b"\x94".into(),
        b"2".into(),
        b"0".into(),
        b"s".into(),
        named("numpy", "dtype"),
        named("numpy", "ndarray"),
        named("numpy.core.multiarray", "_reconstruct"),
        named("numpy.core.multiarray", "scalar"),
        named("joblib.numpy_pickle", "NumpyArrayWrapper"),
        named("sklearn.preprocessing._data", "MinMaxScaler"),
        b"G\x3f\xf0\0\0\0\0\0\0".into(),
    ];
    let mut bytes = b"\x80\x04".to_vec();
    for _ in 0..random.size(7) {
        match random.below(8) {
            0 => bytes.extend(short_text(
                ["f8", "O", "feature_names_in_", "scale_", "min_", "n_features_in_"][random.below(6)],
            )),
            1 => bytes.extend([b'h', random.byte() % 16]),
            2 => {
                // One long text, memoized, and a list that repeats it.
                bytes.push(b'X');
                bytes.extend((kept as u32).to_le_bytes());
                bytes.extend(vec![b'x'; kept]);
                bytes.extend(b"\x94](");
                bytes.extend([b'h', random.byte() % 8].repeat(random.size(14)));
                bytes.push(b'e');
            }
            3 => {
                bytes.push(b"XBTj"[random.below(4)]);
                bytes.extend(random.length().to_le_bytes());
            }
            _ => bytes.extend(&words[random.below(words.len())]),
        }
    }
    bytes.push(b'.');
    bytes
}

fn pickle_form() -> InputFormat {
    InputFormat {
        seeds: files("scalers", &["pkl", "joblib"]),
        grammar: Some(pickle),
        words: &["(", ".", "t", "R", "b", "h\0", "K\u{1}"],
        nests: &[("(", "t"), ("]", "a"), ("(]", "e"), ("}", "s")],
        ..InputFormat::default()
    }
}

fn read_scaler() -> Decoder {
    Box::new(|input| {
        let Ok(scaler) = Scaler::read(input) else { return };
        let features = scaler.features();
        let (mut scaled, mut back) = (vec![0.0; features], vec![0.0; features]);
        scaler.transform(&vec![1.5; features], &mut scaled);
        scaler.inverse_transform(&scaled, &mut back);
    })
}

#[test]
fn pickles() {
    FuzzTarget { module: module_path!(), name: "pickles", form: pickle_form, decoder: read_scaler }.run();
}

fn model_form() -> InputFormat {
    let file =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/fixtures/ai/operators.json");
    let operators: Value = serde_json::from_slice(&fs::read(file).expect("the references")).expect("JSON");
    let operators = operators.as_object().expect("by name").values();
    let mut seeds = files("models", &["tflite"]);
    seeds.extend(
        operators.map(|one| STANDARD.decode(one["model"].as_str().expect("a model")).expect("base64")),
    );
    InputFormat { seeds, ..InputFormat::default() }
}

fn run_model() -> Decoder {
    let mut workspace = Workspace::new();
    Box::new(move |input| {
        let Ok(model) = Model::load(input, LIMITS) else { return };
        let zeros = model.inputs().iter().map(|port| {
            let dims: Vec<usize> = port.dims.iter().map(|dim| dim.unwrap_or(1)).collect();
            let len = dims.iter().try_fold(1_usize, |len, dim| len.checked_mul(*dim))?;
            (len <= MAX_VALUES).then(|| Tensor::from_floats(&dims, vec![0.5; len]).ok())?
        });
        if let Some(inputs) = zeros.collect::<Option<Vec<_>>>() {
            drop(model.run(&mut workspace, inputs));
        }
    })
}

#[test]
fn tflite() {
    FuzzTarget { module: module_path!(), name: "tflite", form: model_form, decoder: run_model }.run();
}
