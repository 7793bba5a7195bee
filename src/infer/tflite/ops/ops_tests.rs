//! Each operator by itself gives what Google's interpreter gives: tests/fixtures/ai/operators.json, by
//! tests/peers/make_operators.py.

use crate::infer::tflite::fixtures_tests::{Single, operators};
use crate::infer::tflite::{Limits, Model, Workspace};

/// What is wrong with the results of one model, if anything.
fn wrong(single: &Single) -> Result<(), String> {
    let model = Model::load(&single.bytes, Limits::default()).map_err(|refused| refused.to_string())?;
    let outputs =
        model.run(&mut Workspace::new(), single.inputs.clone()).map_err(|error| error.to_string())?;
    if outputs.len() != single.outputs.len() {
        return Err(format!("{} outputs, not {}", outputs.len(), single.outputs.len()));
    }
    for (given, expected) in outputs.iter().zip(&single.outputs) {
        if given.dims() != expected.dims() {
            return Err(format!("dimensions {:?}, not {:?}", given.dims(), expected.dims()));
        }
        let pairs = given.values().into_iter().flatten().zip(expected.values().into_iter().flatten());
        for (at, (given, expected)) in pairs.enumerate() {
            if (given - expected).abs() > 5e-6 * (1.0 + expected.abs()) {
                return Err(format!("at {at}: {given}, not {expected}"));
            }
        }
    }
    Ok(())
}

#[test]
fn every_operator_gives_what_googles_interpreter_gives() {
    let singles = operators();
    assert_eq!(singles.len(), 139);
    let broken =
        singles.iter().filter_map(|single| Some(format!("{}: {}", single.name, wrong(single).err()?)));
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "{} of {}:\n{}", broken.len(), singles.len(), broken.join("\n"));
}
