//! Each operator by itself gives what Google's interpreter gives: tests/fixtures/ai/operators.json, by
//! tests/peers/make_operators.py.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::infer::tflite::fixtures_tests::numbers;
use crate::infer::tflite::{Limits, Model, Tensor, Workspace};

fn dims(of: &Value) -> Vec<usize> {
    numbers(&of["dims"]).iter().map(|dim| *dim as usize).collect()
}

/// What is wrong with the results of one model, if anything.
fn wrong(reference: &Value) -> Result<(), String> {
    let bytes = STANDARD.decode(reference["model"].as_str().expect("a model")).expect("base64");
    let model = Model::load(&bytes, Limits::default()).map_err(|refused| refused.to_string())?;
    let list = |name: &str| reference[name].as_array().expect("a list").clone();
    let inputs =
        list("inputs").into_iter().map(|input| Tensor::floats(&dims(&input), numbers(&input["values"])));
    let inputs = inputs.collect::<Result<Vec<_>, _>>().expect("inputs fit");
    let outputs = model.run(&mut Workspace::new(), inputs).map_err(|error| error.to_string())?;
    let expected = list("outputs");
    if outputs.len() != expected.len() {
        return Err(format!("{} outputs, not {}", outputs.len(), expected.len()));
    }
    for (given, expected) in outputs.iter().zip(&expected) {
        let (shape, values) = (dims(expected), numbers(&expected["values"]));
        if given.dims() != shape {
            return Err(format!("dimensions {:?}, not {shape:?}", given.dims()));
        }
        let given = given.values().ok_or("no real numbers")?;
        for (at, (given, expected)) in given.iter().zip(&values).enumerate() {
            if (given - expected).abs() > 5e-6 * (1.0 + expected.abs()) {
                return Err(format!("at {at}: {given}, not {expected}"));
            }
        }
    }
    Ok(())
}

#[test]
fn every_operator_gives_what_googles_interpreter_gives() {
    let references = include_str!("../../../../tests/fixtures/ai/operators.json");
    let references: Value = serde_json::from_str(references).expect("references are JSON");
    let references = references.as_object().expect("by name");
    let broken = references
        .iter()
        .filter_map(|(name, reference)| Some(format!("{name}: {}", wrong(reference).err()?)));
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "{} of {}:\n{}", broken.len(), references.len(), broken.join("\n"));
}
