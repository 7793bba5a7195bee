//! Every model of tests/fixtures/ai/models gives TensorFlow's recorded output for the same input.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Model, ModelLimits, Tensor, Workspace};

/// Suffixes of exported models' names, and their tolerance. References of quantised models were computed with integers,
/// which we do not imitate bit by bit.
const TOLERANCES: [(&str, f32); 3] = [("_dr", 1e-2), ("_int8", 2e-2), ("_int8io", 2e-2)];
const TOLERANCE: f32 = 1e-5;

pub struct TfliteFixture {
    pub name: String,
    pub bytes: Vec<u8>,
    reference: Value,
}

pub fn fixtures() -> Vec<TfliteFixture> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/fixtures/ai/models");
    let entries =
        fs::read_dir(folder).expect("the models are there").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "tflite")).collect();
    paths.sort();
    let read = |path: PathBuf| TfliteFixture {
        name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
        bytes: fs::read(&path).expect("a model"),
        reference: serde_json::from_slice(&fs::read(path.with_extension("json")).expect("a reference"))
            .expect("a reference is JSON"),
    };
    paths.into_iter().map(read).collect()
}

impl TfliteFixture {
    pub fn dims(&self) -> Vec<usize> {
        numbers(&self.reference["input_shape"]).iter().map(|dim| *dim as usize).collect()
    }

    /// The input as real numbers.
    pub fn input(&self) -> Tensor {
        let values = dequantize(&numbers(&self.reference["input"]), &self.reference["input_quant"]);
        Tensor::from_floats(&self.dims(), values).expect("the input fits")
    }

    /// The outputs as real numbers.
    fn outputs(&self) -> Vec<Vec<f32>> {
        let first = dequantize(&numbers(&self.reference["output"]), &self.reference["output_quant"]);
        let more = self.reference["more_outputs"].as_array().into_iter().flatten();
        std::iter::once(first).chain(more.map(|output| numbers(&output["output"]))).collect()
    }

    fn tolerance(&self) -> f32 {
        let known = TOLERANCES.iter().find(|(end, _)| self.name.ends_with(end));
        known.map_or(TOLERANCE, |(_, tolerance)| *tolerance)
    }
}

/// A model of one operator, with the results of Google's interpreter.
pub struct OperatorFixture {
    pub name: String,
    pub bytes: Vec<u8>,
    pub inputs: Vec<Tensor>,
    pub outputs: Vec<Tensor>,
}

/// Reads tests/fixtures/ai/operators.json.
pub fn operator_fixtures() -> Vec<OperatorFixture> {
    let file =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/fixtures/ai/operators.json");
    let all: Value =
        serde_json::from_slice(&fs::read(file).expect("the references are there")).expect("JSON");
    let tensor = |of: &Value| {
        let dims: Vec<usize> = numbers(&of["dims"]).iter().map(|dim| *dim as usize).collect();
        Tensor::from_floats(&dims, numbers(&of["values"])).expect("values fit their dimensions")
    };
    let tensors = |list: &Value| list.as_array().expect("a list").iter().map(tensor).collect();
    let single = |(name, of): (&String, &Value)| OperatorFixture {
        name: name.clone(),
        bytes: STANDARD.decode(of["model"].as_str().expect("a model")).expect("base64"),
        inputs: tensors(&of["inputs"]),
        outputs: tensors(&of["outputs"]),
    };
    all.as_object().expect("by name").iter().map(single).collect()
}

fn numbers(list: &Value) -> Vec<f32> {
    let list = list.as_array().expect("a list of numbers");
    list.iter().map(|number| number.as_f64().expect("a number") as f32).collect()
}

/// Converts integers of a quantised input or output to real numbers.
fn dequantize(values: &[f32], quantisation: &Value) -> Vec<f32> {
    let Some(parts) = quantisation.as_array() else { return values.to_vec() };
    let [scale, zero] = [0, 1].map(|at| parts[at].as_f64().expect("a number") as f32);
    values.iter().map(|value| (value - zero) * scale).collect()
}

pub fn max_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, |most, apart| if apart.is_nan() { f32::INFINITY } else { most.max(apart) })
}

#[test]
fn every_model_gives_what_tensorflow_gave() {
    let mut workspace = Workspace::new();
    let fixtures = fixtures();
    assert_eq!(fixtures.len(), 41);
    let mut wrong = Vec::new();
    for fixture in &fixtures {
        let model = Model::load(&fixture.bytes, ModelLimits::default())
            .unwrap_or_else(|e| panic!("{}: {e}", fixture.name));
        // Twice: nothing of the first run may remain.
        for _ in 0..2 {
            let given = model.run(&mut workspace, vec![fixture.input()]);
            let given = given.unwrap_or_else(|e| panic!("{}: {e}", fixture.name));
            let expected = fixture.outputs();
            assert_eq!(given.len(), expected.len(), "{}", fixture.name);
            for (given, expected) in given.iter().zip(&expected) {
                let apart = max_difference(given.as_floats().expect("real numbers"), expected);
                if apart > fixture.tolerance() {
                    wrong.push(format!("{}: {apart}", fixture.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "further than they may be:\n{}", wrong.join("\n"));
}
