//! Loops that are layers run as layers and give the results of the loops.

use std::cell::{Cell, RefCell};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::infer::tflite::fixtures_tests::{TfliteFixture, fixtures, max_difference};
use crate::infer::tflite::{Model, ModelLimits, RunError, Tensor, Workspace};

#[test]
fn every_loop_of_the_fixtures_is_found_to_be_a_layer_and_gives_the_same() {
    let mut workspace = Workspace::new();
    let mut models = 0;
    for fixture in fixtures() {
        let name = &fixture.name;
        let model = Model::load(&fixture.bytes, ModelLimits::default()).expect("a sound model");
        let plain =
            Model::load_without_fusion(&fixture.bytes, ModelLimits::default()).expect("a sound model");
        let (loops, layers) = model.loops();
        assert_eq!(loops, layers, "{name}");
        assert_eq!(plain.loops(), (loops, 0), "{name}");
        if loops == 0 {
            continue;
        }
        models += 1;
        // The loops run 32 iterations of twenty operators and more; a layer is one operator.
        let few = ModelLimits { steps: 200, ..ModelLimits::default() };
        let run = |model: &Model| model.run(&mut Workspace::new(), vec![fixture.input()]).map(|_| ());
        assert_eq!(run(&Model::load(&fixture.bytes, few).expect("a sound model")), Ok(()), "{name}");
        let plain_run = run(&Model::load_without_fusion(&fixture.bytes, few).expect("a sound model"));
        assert_eq!(plain_run, Err(RunError::Limit("steps")), "{name}");
        for windows in if model.is_batched() { vec![1, 2, 7] } else { vec![1] } {
            let mut dims = fixture.dims();
            dims[0] = windows;
            let count: usize = dims.iter().product();
            let values: Vec<f32> = (0..count).map(|at| 0.5 + 0.4 * (at as f32 * 0.73).sin()).collect();
            let input = Tensor::from_floats(&dims, values).expect("it fits");
            let as_layers = model.run(&mut workspace, vec![input.clone()]).expect("it runs");
            let as_loops = plain.run(&mut workspace, vec![input]).expect("it runs");
            assert_eq!(as_layers.len(), as_loops.len());
            for (layer, looped) in as_layers.iter().zip(&as_loops) {
                assert_eq!(layer.dims(), looped.dims(), "{name}");
                let apart =
                    max_difference(layer.as_floats().expect("numbers"), looped.as_floats().expect("numbers"));
                assert!(apart < 2e-6, "{name}, {windows} windows: {apart}");
            }
        }
    }
    assert_eq!(models, 16);
}

/// Changed loops are not mistaken for layers: with and without fusion the results are equal.
#[test]
fn changed_loops_give_the_same_as_what_they_were_taken_for() {
    const LIMITS: ModelLimits =
        ModelLimits { bytes: 1 << 20, tensors: 2_000, elements: 1 << 18, steps: 5_000, work: 1 << 22 };
    let fixtures: Vec<TfliteFixture> = fixtures()
        .into_iter()
        .filter(|fixture| Model::load(&fixture.bytes, LIMITS).is_ok_and(|model| model.loops().0 > 0))
        .collect();
    let config =
        Config { cases: Config::default().cases.max(500), failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]);
    let (workspace, compared, loops) = (RefCell::new(Workspace::new()), Cell::new(0), Cell::new(0));
    let change = (any::<Index>(), prop_oneof![0u32..70, any::<u32>()]);
    let cases = (any::<Index>(), vec(change, 1..4));
    let done = TestRunner::new_with_rng(config, rng).run(&cases, |(which, changes)| {
        let fixture = &fixtures[which.index(fixtures.len())];
        let mut bytes = fixture.bytes.clone();
        for (at, number) in &changes {
            // Small numbers stay small: indices, offsets, dimensions; single bits change elsewhere.
            let at = at.index(bytes.len() / 4) * 4;
            let was = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
            let now = if was < 200 { *number % 70 } else { was ^ (1 << (number % 32)) };
            bytes[at..at + 4].copy_from_slice(&now.to_le_bytes());
        }
        let both = (Model::load(&bytes, LIMITS), Model::load_without_fusion(&bytes, LIMITS));
        let (Ok(model), Ok(plain)) = both else { return Ok(()) };
        let workspace = &mut workspace.borrow_mut();
        let given = model.run(workspace, vec![fixture.input()]);
        let expected = plain.run(workspace, vec![fixture.input()]);
        loops.set(loops.get() + model.loops().0 - model.loops().1);
        let Ok(expected) = expected else { return Ok(()) };
        let given = given.expect("it runs as it is written, so it runs as what it was taken for");
        for (given, expected) in given.iter().zip(&expected) {
            prop_assert_eq!(given.dims(), expected.dims());
            for (a, b) in
                given.as_floats().into_iter().flatten().zip(expected.as_floats().into_iter().flatten())
            {
                let is_same = (a - b).abs() <= 1e-4 * (1.0 + b.abs()) || !b.is_finite();
                prop_assert!(is_same, "{}: {} and {}", &fixture.name, a, b);
            }
        }
        compared.set(compared.get() + 1);
        Ok(())
    });
    done.expect("the same");
    assert!(compared.get() > 100 && loops.get() > 7, "{} compared, {} loops", compared.get(), loops.get());
}
