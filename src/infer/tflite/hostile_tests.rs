//! Malicious files: whatever the bytes are, loading and running end, with an error and never with a panic.

use std::cell::{Cell, RefCell};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::fixtures_tests::{fixtures, operator_fixtures};
use super::model_builder_tests::{
    BOOL, F32, FieldValue, Fields, I32, OperatorDef, SubgraphDef, TensorDef, file, floats, ints, model,
};
use super::{LoadError, Model, ModelLimits, Tensor, Workspace};
use basalt_fuzz::rows;

/// Limits so small that a test run is short; the fixtures need less.
const LIMITS: ModelLimits =
    ModelLimits { bytes: 1 << 20, tensors: 2_000, elements: 1 << 18, steps: 5_000, work: 1 << 22 };

/// One change to a file.
#[derive(Debug, Clone)]
enum ByteMutation {
    Flip(Index, u8),
    Byte(Index, u8),
    /// An aligned number of 32 bits: offsets, lengths, dimensions, indices.
    Number(Index, u32),
    /// Truncates the file.
    Cut(Index),
    /// Copies a number from another position.
    Copy(Index, Index),
}

fn damage() -> impl Strategy<Value = ByteMutation> {
    let number = prop_oneof![
        Just(0x7fff_ffff),
        Just(0x8000_0000),
        Just(0xffff_ffff),
        Just(0),
        Just(1 << 16),
        Just(1 << 20),
        0u32..300,
        any::<u32>()
    ];
    prop_oneof![
        4 => (any::<Index>(), 0u8..8).prop_map(|(at, bit)| ByteMutation::Flip(at, bit)),
        3 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| ByteMutation::Byte(at, byte)),
        4 => (any::<Index>(), number).prop_map(|(at, number)| ByteMutation::Number(at, number)),
        1 => any::<Index>().prop_map(ByteMutation::Cut),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(to, from)| ByteMutation::Copy(to, from)),
    ]
}

fn apply(damage: &ByteMutation, bytes: &mut Vec<u8>) {
    let words = bytes.len() / 4;
    if words == 0 {
        return;
    }
    match damage {
        ByteMutation::Flip(at, bit) => bytes[at.index(words * 4)] ^= 1 << bit,
        ByteMutation::Byte(at, byte) => bytes[at.index(words * 4)] = *byte,
        ByteMutation::Number(at, number) => {
            bytes[at.index(words) * 4..][..4].copy_from_slice(&number.to_le_bytes());
        }
        ByteMutation::Cut(at) => bytes.truncate(at.index(words * 4)),
        ByteMutation::Copy(to, from) => {
            let from = from.index(words) * 4;
            bytes.copy_within(from..from + 4, to.index(words) * 4);
        }
    }
}

#[test]
fn a_damaged_model_is_refused_or_runs_but_never_panics() {
    let singles = operator_fixtures().into_iter().map(|single| (single.bytes, single.inputs));
    // Exported models as often as those of one operator, which are three times as many.
    let exported =
        (0..3).flat_map(|_| fixtures()).map(|fixture| (fixture.bytes.clone(), vec![fixture.input()]));
    let models: Vec<(Vec<u8>, Vec<Tensor>)> = singles.chain(exported).collect();
    let mut workspace = Workspace::new();
    for (bytes, inputs) in &models {
        let model = Model::load(bytes, LIMITS).expect("a sound model is within the limits of this test");
        model.run(&mut workspace, inputs.clone()).expect("a run as well");
    }
    // More with PROPTEST_CASES.
    let cases = Config::default().cases.max(4_000);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let (workspace, ran, refused) = (RefCell::new(workspace), Cell::new(0), Cell::new(0));
    let cases = (any::<Index>(), vec(damage(), 1..7));
    let done = TestRunner::new_with_rng(config, rng).run(&cases, |(which, damages)| {
        let (bytes, inputs) = &models[which.index(models.len())];
        let mut bytes = bytes.clone();
        damages.iter().for_each(|damage| apply(damage, &mut bytes));
        match Model::load(&bytes, LIMITS) {
            Ok(model) => {
                let _ = model.run(&mut workspace.borrow_mut(), inputs.clone());
                ran.set(ran.get() + 1);
            }
            Err(_) => refused.set(refused.get() + 1),
        }
        Ok(())
    });
    done.expect("no panic");
    // Both outcomes occurred, or the test tests nothing.
    assert!(ran.get() > 500 && refused.get() > 500, "{} ran, {} refused", ran.get(), refused.get());
}

#[test]
fn a_model_cut_anywhere_is_refused_or_runs() {
    let fixture = &fixtures()[0];
    for len in (0..fixture.bytes.len()).step_by(37) {
        let _ = Model::load(&fixture.bytes[..len], LIMITS);
    }
    assert_eq!(Model::load(&[], LIMITS).map(|_| ()), Err(LoadError::NotTflite));
    assert_eq!(Model::load(&fixture.bytes[..7], LIMITS).map(|_| ()), Err(LoadError::NotTflite));
}

/// A loop whose condition is always true; `ops` are its body, from tensor 0 to tensor 1.
fn endless(ops: Vec<OperatorDef>, constants: Vec<TensorDef>) -> Vec<u8> {
    let condition = SubgraphDef {
        slots: vec![TensorDef(vec![1], F32, None), TensorDef(vec![1], BOOL, Some(vec![1]))],
        ops: vec![],
        inputs: vec![0],
        outputs: vec![1],
    };
    let mut slots = vec![TensorDef(vec![1], F32, None), TensorDef(vec![1], F32, None)];
    slots.extend(constants);
    let body = SubgraphDef { slots, ops, inputs: vec![0], outputs: vec![1] };
    model(
        vec![
            single_operator_graph(119, vec![(0, FieldValue::I32(1)), (1, FieldValue::I32(2))]),
            condition,
            body,
        ],
        "",
    )
}

/// One operator from the only input to the only output.
fn single_operator_graph(code: i32, options: Fields) -> SubgraphDef {
    let slots = vec![TensorDef(vec![-1], F32, None), TensorDef(vec![-1], F32, None)];
    SubgraphDef {
        slots,
        ops: vec![OperatorDef(code, options, vec![0], vec![1])],
        inputs: vec![0],
        outputs: vec![1],
    }
}

fn outcome(bytes: &[u8], limits: ModelLimits) -> String {
    let model = match Model::load(bytes, limits) {
        Ok(model) => model,
        Err(refused) => return format!("refused: {refused}"),
    };
    let input = Tensor::from_floats(&[1], vec![1.0]).expect("one value");
    match model.run(&mut Workspace::new(), vec![input]) {
        Ok(outputs) => format!("{:?}", outputs[0].as_floats()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn models_made_to_take_everything_end_at_a_limit() {
    let fill = |count: i32| {
        let value = TensorDef(vec![], F32, floats(&[1.0]));
        let slots = vec![
            TensorDef(vec![1], F32, None),
            TensorDef(vec![count], F32, None),
            TensorDef(vec![1], I32, ints(&[count])),
            value,
        ];
        SubgraphDef {
            slots,
            ops: vec![OperatorDef(94, vec![], vec![2, 3], vec![1])],
            inputs: vec![0],
            outputs: vec![1],
        }
    };
    // Doubles its only value in every iteration.
    let grown = vec![OperatorDef(2, vec![], vec![0, 0], vec![1])];
    let while_itself = single_operator_graph(119, vec![(0, FieldValue::I32(0)), (1, FieldValue::I32(0))]);
    let rows = rows![
        "an_endless_loop", endless(vec![OperatorDef(28, vec![], vec![0], vec![1])], vec![]),
            "the run is beyond the limit of steps";
        "an_endless_loop_that_grows", endless(grown, vec![]), "the run is beyond the limit of elements";
        "a_loop_in_itself", model(vec![while_itself], ""), "the run is beyond the limit of nested loops";
        "a_giant_filled_at_load", model(vec![fill(1 << 30)], ""),
            "refused: the model is beyond the limit of elements";
        "a_giant_that_overflows", model(vec![fill(i32::MAX)], ""),
            "refused: the model is beyond the limit of elements";
    ];
    for (name, bytes, expected) in rows {
        assert_eq!(outcome(&bytes, ModelLimits::default()), expected, "{name}");
    }
}

#[test]
fn each_limit_is_kept() {
    let sound = model(vec![single_operator_graph(28, vec![])], "");
    assert_eq!(outcome(&sound, ModelLimits::default()), format!("{:?}", Some([1f32.tanh()])));
    let all = ModelLimits::default();
    let rows = rows![
        "bytes", ModelLimits { bytes: 100, ..all }, "refused: the model is beyond the limit of bytes";
        "tensors", ModelLimits { tensors: 1, ..all }, "refused: the model is beyond the limit of tensors";
        "elements", ModelLimits { elements: 1, ..all }, "refused: the model is beyond the limit of elements";
        "steps", ModelLimits { steps: 0, ..all }, "the run is beyond the limit of steps";
        "work", ModelLimits { work: 5, ..all }, "the run is beyond the limit of work";
    ];
    for (name, limits, expected) in rows {
        assert_eq!(outcome(&sound, limits), expected, "{name}");
    }
}

/// Many tensors share one long name: read once for each, the names would be larger than memory.
#[test]
fn vectors_that_lie_over_each_other_are_refused() {
    let name = vec![b'x'; 1000];
    let tensors = vec![vec![(3, FieldValue::Bytes(name))]; 3];
    let graph = vec![(0, FieldValue::Tables(tensors))];
    let mut bytes = file(&vec![(2, FieldValue::Tables(vec![graph]))]);
    let sound = Model::load(&bytes, ModelLimits::default()).map(|_| ());
    assert_eq!(sound, Err(LoadError::Inconsistent("it has no inputs or no outputs".to_owned())));
    // All entries of the vector of tensors refer to the first one, and there are as many as the names took bytes.
    let find =
        |needle: &[u8]| bytes.windows(needle.len()).position(|part| part == needle).expect("it is there");
    let vector = find(&[3, 0, 0, 0]);
    let first =
        vector + 4 + u32::from_le_bytes(bytes[vector + 4..vector + 8].try_into().expect("four")) as usize;
    let count = 700u32;
    bytes[vector..vector + 4].copy_from_slice(&count.to_le_bytes());
    let from = bytes.len();
    // The table is moved to the end, so that all offsets point forwards.
    let table = bytes[first - 12..first + 2000].to_vec();
    bytes.extend(vec![0; 8 - from % 4]);
    let moved = bytes.len() + 12;
    bytes.extend(table);
    for entry in 0..count as usize {
        let at = vector + 4 + 4 * entry;
        bytes[at..at + 4].copy_from_slice(&((moved - at) as u32).to_le_bytes());
    }
    let refused = Model::load(&bytes, ModelLimits::default()).map(|_| ());
    assert_eq!(refused, Err(LoadError::Inconsistent("its vectors overlap".to_owned())));
}

/// Fifty thousand operators may share one code, whose name is as long as its author wanted.
#[test]
fn a_name_that_many_operators_share_is_kept_once_and_cut() {
    let ops = || (0..2000).map(|_| OperatorDef(32, vec![], vec![0], vec![1])).collect();
    let of = |ops: Vec<OperatorDef>, custom: &str| {
        let slots = vec![TensorDef(vec![1], F32, None), TensorDef(vec![1], F32, None)];
        model(vec![SubgraphDef { slots, ops, inputs: vec![0], outputs: vec![1] }], custom)
    };
    let custom_ops = |bytes: &[u8]| match Model::load(bytes, ModelLimits::default()).map(|_| ()) {
        Err(LoadError::Unsupported(names)) => names,
        other => panic!("{other:?}"),
    };
    assert_eq!(custom_ops(&of(ops(), "Odd")), ["Odd"]);
    assert_eq!(custom_ops(&of(ops(), &"x".repeat(64 << 10))), ["x".repeat(256)]);
    // Variables are reported before any other error.
    let variable = OperatorDef(142, vec![], vec![0], vec![1]);
    let refused =
        Model::load(&of(ops().into_iter().chain([variable]).collect(), "Odd"), ModelLimits::default());
    assert_eq!(refused.map(|_| ()), Err(LoadError::Variables));
}

#[test]
fn what_a_model_takes_in_memory_is_counted() {
    let of = |slots: Vec<TensorDef>, ops: Vec<OperatorDef>| {
        let bytes = model(vec![SubgraphDef { slots, ops, inputs: vec![0], outputs: vec![1] }], "");
        Model::load(&bytes, ModelLimits::default()).expect("it is sound").memory_bytes()
    };
    let port = || TensorDef(vec![1], F32, None);
    let tanh = || OperatorDef(28, vec![], vec![0], vec![1]);
    let small = of(vec![port(), port()], vec![tanh()]);
    assert!(small < 10_000, "{small} bytes");
    // One byte of the file becomes an integer of eight bytes, or a real number of four.
    let bools =
        of(vec![port(), port(), TensorDef(vec![100_000], BOOL, Some(vec![1; 100_000]))], vec![tanh()]);
    assert!((800_000..810_000).contains(&(bools - small)), "{} bytes", bools - small);
    // A tensor with a size between two powers of two, filled when the model is loaded.
    let fill = OperatorDef(94, vec![], vec![2, 3], vec![4]);
    let slots = vec![
        port(),
        port(),
        TensorDef(vec![1], I32, ints(&[140_000])),
        TensorDef(vec![], F32, floats(&[1.0])),
        TensorDef(vec![140_000], F32, None),
    ];
    let filled = of(slots, vec![fill, tanh()]);
    assert!((560_000..570_000).contains(&(filled - small)), "{} bytes", filled - small);
}
