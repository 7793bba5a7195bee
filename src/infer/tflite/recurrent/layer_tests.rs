//! Recurrent layers compared with their definition, computed number by number.

use super::{GateWeights, InputSteps, OutputSteps, RecurrentCell, RecurrentLayer};
use crate::infer::tflite::limits::{ModelLimits, ResourceBudget};
use crate::infer::tflite::workspace::Scratch;

fn value(seed: usize) -> f32 {
    (seed as f32 * 0.917).sin() * 0.6
}

fn gate(seed: usize, units: usize, width: usize) -> GateWeights {
    let some = |count: usize, more: usize| (0..count).map(|at| value(seed * 1000 + more + at)).collect();
    GateWeights {
        input: some(units * width, 0),
        state: some(units * units, 300),
        bias: some(units, 700),
        state_bias: some(units, 800),
    }
}

fn sigma(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Returns all states of one window, step after step.
fn defined(cell: RecurrentCell, gates: &[GateWeights], units: usize, steps: &[&[f32]]) -> Vec<f32> {
    let (mut state, mut memory, mut all) = (vec![0.0f32; units], vec![0.0f32; units], Vec::new());
    for step in steps {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let row = |of: &[f32], unit: usize, depth: usize| of[unit * depth..(unit + 1) * depth].to_vec();
        let input = |g: usize, u: usize| dot(&row(&gates[g].input, u, step.len()), step) + gates[g].bias[u];
        let inner = |g: usize, u: usize, by: &[f32]| {
            dot(&row(&gates[g].state, u, units), by) + gates[g].state_bias[u]
        };
        let reset: Vec<f32> = (0..units).map(|u| sigma(input(1, u) + inner(1, u, &state))).collect();
        let next = |u: usize| {
            let update = sigma(input(0, u) + inner(0, u, &state));
            let candidate = match cell {
                RecurrentCell::Gru => input(2, u) + reset[u] * inner(2, u, &state),
                _ => {
                    let kept: Vec<f32> = state.iter().zip(&reset).map(|(s, r)| s * r).collect();
                    input(2, u) + inner(2, u, &kept)
                }
            };
            update * state[u] + (1.0 - update) * candidate.tanh()
        };
        state = match cell {
            RecurrentCell::Lstm { clip } => {
                let sums: Vec<[f32; 4]> =
                    (0..units).map(|u| [0, 1, 2, 3].map(|g| input(g, u) + inner(g, u, &state))).collect();
                for (memory, [i, f, g, _]) in memory.iter_mut().zip(&sums) {
                    *memory = sigma(*f) * *memory + sigma(*i) * g.tanh();
                    if clip > 0.0 {
                        *memory = memory.clamp(-clip, clip);
                    }
                }
                memory.iter().zip(&sums).map(|(memory, sums)| sigma(sums[3]) * memory.tanh()).collect()
            }
            _ => (0..units).map(next).collect(),
        };
        all.extend_from_slice(&state);
    }
    all
}

#[test]
fn layers_are_what_they_are_defined_as() {
    let cells = [
        RecurrentCell::Lstm { clip: 0.0 },
        RecurrentCell::Lstm { clip: 0.3 },
        RecurrentCell::Gru,
        RecurrentCell::GruResetBefore,
    ];
    for (cell, units, width, windows) in cells
        .iter()
        .flat_map(|cell| [(*cell, 1, 1, 1), (*cell, 12, 3, 1), (*cell, 17, 2, 5), (*cell, 16, 1, 9)])
    {
        let count = 29;
        let gates: Vec<GateWeights> = (0..if matches!(cell, RecurrentCell::Lstm { .. }) { 4 } else { 3 })
            .map(|g| gate(g, units, width))
            .collect();

        let values: Vec<f32> = (0..windows * count * width).map(|at| value(at + 77)).collect();
        let mut scratch = Scratch::default();
        scratch.budget = ResourceBudget::new(&ModelLimits::default(), 1);
        let layer =
            RecurrentLayer::new(cell, (units, width), &gates, &mut scratch.budget).expect("within limits");
        let mut state = layer.pad_state(&vec![0.0; windows * units], &mut scratch).expect("within limits");
        let mut memory = state.clone();
        let mut all = vec![0.0; windows * count * units];
        // Windows lie one after the other.
        let steps = InputSteps { values: &values, window: count * width, step: width, windows, steps: count };
        let output = OutputSteps { values: &mut all, window: count * units, step: units };
        layer.run(steps, (&mut state, &mut memory), output, &mut scratch).expect("within limits");
        for window in 0..windows {
            let own: Vec<&[f32]> = values.chunks(width).skip(window * count).take(count).collect();
            let expected = defined(cell, &gates, units, &own);
            let given = &all[window * count * units..][..count * units];
            let apart = given.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 5e-6, "{cell:?}, {units} units, window {window} of {windows}: {apart}");
            let unpadded = layer.unpad_state(&state, &mut scratch).expect("within limits");
            assert_eq!(unpadded[window * units..][..units], given[(count - 1) * units..]);
        }
    }
}
