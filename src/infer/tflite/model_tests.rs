//! Tests of a model's report on itself and of its refusals.

use super::fixtures_tests::{TfliteFixture, fixtures, max_difference};
use super::model_builder_tests::{F32, FieldValue, I32, OperatorDef, SubgraphDef, TensorDef, model};
use super::{LoadError, Model, ModelLimits, RunError, Tensor, Workspace};

fn fixture(name: &str) -> TfliteFixture {
    fixtures().into_iter().find(|fixture| fixture.name == name).expect("there is such a fixture")
}

fn loaded(name: &str) -> Model {
    Model::load(&fixture(name).bytes, ModelLimits::default()).expect("a sound model")
}

/// A chain of operators `codes`, from the only input to the only output.
fn operators(codes: &[i32], custom: &str) -> Vec<u8> {
    let slots = vec![TensorDef(vec![1], F32, None), TensorDef(vec![1], F32, None)];
    let ops = codes.iter().map(|code| OperatorDef(*code, vec![], vec![0], vec![1])).collect();
    model(vec![SubgraphDef { slots, ops, inputs: vec![0], outputs: vec![1] }], custom)
}

#[test]
fn everything_that_is_not_supported_is_named_at_once() {
    let refusal =
        |bytes: &[u8]| Model::load(bytes, ModelLimits::default()).map(|_| ()).expect_err("it is refused");
    let unsupported = refusal(&operators(&[128, 28, 32, 999, 128, 50], "FlexErf"));
    assert_eq!(
        unsupported.to_string(),
        "the model needs operators that are not supported: CUMSUM, FlexErf, LOG_SOFTMAX, built-in operator 999"
    );
    assert_eq!(refusal(&operators(&[128, 142, 143], "")), LoadError::Variables);
    assert_eq!(refusal(b"PK\x03\x04 a zip"), LoadError::NotTflite);
    let lstm = refusal(&operators(&[44], ""));
    assert_eq!(
        lstm,
        LoadError::Unsupported(vec!["UNIDIRECTIONAL_SEQUENCE_LSTM with gates that are left out".to_owned()])
    );
    let whole = TensorDef(vec![1], I32, None);
    let sub = SubgraphDef { slots: vec![whole], ops: vec![], inputs: vec![0], outputs: vec![0] };
    let integers = refusal(&model(vec![sub], ""));
    assert_eq!(integers, LoadError::Unsupported(vec!["input `x`, which is no real numbers".to_owned()]));
}

#[test]
fn indices_of_tensors_that_are_not_there_are_refused() {
    for (name, inputs, outputs) in [("an_input", vec![7], vec![1]), ("an_output", vec![0], vec![-1])] {
        let slots = vec![TensorDef(vec![1], F32, None), TensorDef(vec![1], F32, None)];
        let ops = vec![OperatorDef(28, vec![], inputs, outputs)];
        let bytes = model(vec![SubgraphDef { slots, ops, inputs: vec![0], outputs: vec![1] }], "");
        let refused = Model::load(&bytes, ModelLimits::default()).map(|_| ()).expect_err(name);
        assert!(
            matches!(&refused, LoadError::Inconsistent(what) if what.contains("no tensor")),
            "{name}: {refused}"
        );
    }
    let slots = vec![TensorDef(vec![1], F32, None), TensorDef(vec![1], F32, None)];
    let ops = vec![OperatorDef(119, vec![(0, FieldValue::I32(1))], vec![0], vec![1])];
    let bytes = model(vec![SubgraphDef { slots, ops, inputs: vec![0], outputs: vec![1] }], "");
    let refused = Model::load(&bytes, ModelLimits::default()).map(|_| ()).expect_err("a loop without a body");
    assert_eq!(refused, LoadError::Inconsistent("WHILE: it names a graph that is not there".to_owned()));
}

#[test]
fn ports_say_what_a_model_takes() {
    let fixed = loaded("cnn_ae_transpose_fixed");
    assert_eq!(fixed.inputs()[0].dims, [Some(1), Some(32), Some(1)]);
    assert!(!fixed.is_batched());
    let free = loaded("cnn_ae_transpose_default");
    assert_eq!(free.inputs()[0].dims, [None, Some(32), Some(1)]);
    assert!(free.is_batched());
    assert_eq!(loaded("sisvae_two_outputs").outputs().len(), 2);
    assert!(!fixed.inputs()[0].name.is_empty());
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let model = loaded("cnn_ae_transpose_default");
    let mut workspace = Workspace::new();
    let none = model.run(&mut workspace, vec![]).expect_err("no input");
    assert_eq!(none, RunError::Inputs { expected: 1, given: 0 });
    let long = Tensor::from_floats(&[1, 33, 1], vec![0.0; 33]).expect("as many as it says");
    let long = model.run(&mut workspace, vec![long]).expect_err("a window too long");
    let name = &model.inputs()[0].name;
    assert_eq!(long.to_string(), format!("the model takes [any, 32, 1] as input `{name}`, not `[1, 33, 1]`"));
    let few = Tensor::from_floats(&[1, 32, 1], vec![0.0; 31]).expect_err("31 values for 32 places");
    assert_eq!(few.to_string(), "31 values do not fill the dimensions `[1, 32, 1]`");
    assert!(Tensor::from_floats(&[1; 9], vec![0.0]).is_err());
}

/// Every window of a batch gives the result that it gives alone.
#[test]
fn windows_of_a_batch_do_not_see_each_other() {
    let mut batched = 0;
    let mut workspace = Workspace::new();
    for fixture in fixtures() {
        let model = Model::load(&fixture.bytes, ModelLimits::default()).expect("a sound model");
        if !model.is_batched() {
            continue;
        }
        batched += 1;
        let (mut dims, single) = (fixture.dims(), fixture.input());
        let count = 5;
        let values: Vec<f32> = (0..count * single.as_floats().map_or(0, <[f32]>::len))
            .map(|at| 0.5 + 0.4 * (at as f32 * 0.37).sin())
            .collect();
        let window = values.len() / count;
        dims[0] = count;
        let together = Tensor::from_floats(&dims, values.clone()).expect("it fits");
        let together = model.run(&mut workspace, vec![together]).expect("a batch runs");
        dims[0] = 1;
        for (at, values) in values.chunks(window).enumerate() {
            let alone = Tensor::from_floats(&dims, values.to_vec()).expect("it fits");
            let alone = model.run(&mut workspace, vec![alone]).expect("a window runs");
            let alone = alone[0].as_floats().expect("real numbers");
            let part = &together[0].as_floats().expect("real numbers")[at * alone.len()..][..alone.len()];
            let apart = max_difference(alone, part);
            assert!(apart <= 1e-6, "{}: window {at} differs by {apart}", fixture.name);
        }
        dims[0] = 0;
        let nothing = Tensor::from_floats(&dims, vec![]).expect("no windows");
        let _ = model.run(&mut workspace, vec![nothing]);
    }
    assert!(batched >= 10, "{batched} models with a free leading dimension");
}

#[test]
fn a_model_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Model>();
    fn is_sent<T: Send>() {}
    is_sent::<Workspace>();
}
