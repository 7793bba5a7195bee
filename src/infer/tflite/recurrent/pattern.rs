//! Pattern matching: finds loops that are recurrent layers, because their outputs are exactly a layer's expressions.
//!
//! Addition and multiplication match in either order; any other difference leaves the loop a loop.

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::limits::ResourceBudget;
use crate::infer::tflite::ops::Kernel;
use crate::infer::tflite::ops::binary::BinaryOp;
use crate::infer::tflite::ops::unary::UnaryOp;
use crate::infer::tflite::subgraph::Subgraph;

use super::affine::{AffineOperands, AffineSum, match_affine_sum};
use super::expression::{Expressions, three_inputs, two_inputs};
use super::fused_loop::{FusedLoop, LoopVarRole};
use super::layer::{GateWeights, RecurrentCell, RecurrentLayer};

/// Loop bodies with more operators or tensors are not examined.
const MAX_PATTERN_NODES: usize = 128;

/// Returns the layer that this condition and body implement, or `None` for any other loop.
pub fn match_recurrent_loop(
    condition: &Subgraph,
    body: &Subgraph,
    budget: &mut ResourceBudget,
) -> Result<Option<FusedLoop>, InterpreterError> {
    let is_small =
        |graph: &Subgraph| graph.nodes.len() <= MAX_PATTERN_NODES && graph.tensors.len() <= MAX_PATTERN_NODES;
    if !is_small(condition) || !is_small(body) {
        return Ok(None);
    }
    let Some(found) = layer(condition, body) else { return Ok(None) };
    let LoopMatch { cell: found, roles, sequence, time, bounds } = found;
    let width = found.gates[0].input.len() / found.units;
    let layer = RecurrentLayer::new(found.cell, (found.units, width), &found.gates, budget)?;
    Ok(Some(FusedLoop { layer, roles, sequence, time, bounds, is_single: found.is_single }))
}

/// Findings about a loop that is a layer.
struct LoopMatch {
    cell: CellMatch,
    roles: Vec<LoopVarRole>,
    sequence: usize,
    time: usize,
    bounds: Vec<(usize, i64)>,
}

fn layer(condition: &Subgraph, body: &Subgraph) -> Option<LoopMatch> {
    let expressions = Expressions::from_subgraph(body)?;
    let bounds = bounds(condition)?;
    if body.inputs.len() != body.outputs.len() || body.inputs.len() != condition.inputs.len() {
        return None;
    }
    let found = (0..body.outputs.len())
        .find_map(|at| CellMatch::lstm(&expressions, at).or_else(|| CellMatch::gru(&expressions, at)))?;
    let [sequence, time] = found.source?;
    let place = |tensor: usize| body.inputs.iter().position(|input| *input == tensor);
    let (sequence, time) = (place(sequence)?, place(time)?);
    let roles = (0..body.inputs.len()).map(|at| found.role(&expressions, at, time));
    let roles = roles.collect::<Option<Vec<_>>>()?;
    let are_counted = bounds.iter().all(|(at, _)| roles.get(*at) == Some(&LoopVarRole::Counter));
    let is_whole = roles[sequence] == LoopVarRole::Constant && roles[time] == LoopVarRole::Counter;
    let kept = roles.iter().filter(|role| role.is_kept()).count();
    if !are_counted || !is_whole || kept > 1 {
        return None;
    }
    let width = found.gates.first()?.input.len() / found.units;
    if width == 0 || found.gates.iter().any(|gate| gate.input.len() != width * found.units) {
        return None;
    }
    Some(LoopMatch { cell: found, roles, sequence, time, bounds })
}

/// Returns the loop values and the limits below which they must stay for the loop to continue.
fn bounds(condition: &Subgraph) -> Option<Vec<(usize, i64)>> {
    let expressions = Expressions::from_subgraph(condition)?;
    let [output] = condition.outputs[..] else { return None };
    let less = |tensor: usize| {
        let [counter, bound] = expressions.operands(tensor, BinaryOp::Less)?;
        let at = condition.inputs.iter().position(|input| *input == counter)?;
        Some((at, expressions.integer(bound)?))
    };
    match expressions.operands(output, BinaryOp::LogicalAnd) {
        Some([a, b]) => Some(vec![less(a)?, less(b)?]),
        None => Some(vec![less(output)?]),
    }
}

/// Gates of a layer, and the loop values that hold its state.
struct CellMatch {
    cell: RecurrentCell,
    units: usize,
    gates: Vec<GateWeights>,
    /// Indices of the loop values of the state and of the cell state.
    state: usize,
    memory: Option<usize>,
    source: Option<[usize; 2]>,
    is_single: bool,
}

impl CellMatch {
    /// Matches an LSTM with its state in loop value `at`: h' = σ(o) tanh(c'), c' = σ(f) c + σ(i) tanh(g).
    fn lstm(expressions: &Expressions, at: usize) -> Option<CellMatch> {
        let Subgraph { inputs, outputs, .. } = expressions.graph;
        let (output, next) =
            expressions.commutative_operands(outputs[at], BinaryOp::Multiply, |gate, value| {
                Some((
                    expressions.unary_operand(gate, UnaryOp::Logistic)?,
                    expressions.unary_operand(value, UnaryOp::Tanh)?,
                ))
            })?;
        let memory = outputs.iter().position(|tensor| *tensor == next)?;
        let was = inputs[memory];
        let [forget, input, new] = expressions.commutative_operands(next, BinaryOp::Add, |kept, added| {
            let forget = expressions.commutative_operands(kept, BinaryOp::Multiply, |gate, value| {
                (value == was).then(|| expressions.unary_operand(gate, UnaryOp::Logistic)).flatten()
            })?;
            let (input, new) =
                expressions.commutative_operands(added, BinaryOp::Multiply, |gate, value| {
                    Some((
                        expressions.unary_operand(gate, UnaryOp::Logistic)?,
                        expressions.unary_operand(value, UnaryOp::Tanh)?,
                    ))
                })?;
            Some([forget, input, new])
        })?;
        let mut found = CellMatch::new(expressions, RecurrentCell::Lstm { clip: 0.0 }, at)?;
        found.memory = Some(memory);
        for gate in [input, forget, new, output] {
            let sum = found.sum(expressions, gate, None)?;
            found.take(sum)?;
        }
        Some(found)
    }

    /// Matches a GRU with its state in loop value `at`: h' = z h + (1 - z) tanh(a), z = σ(u), reset gate within a.
    fn gru(expressions: &Expressions, at: usize) -> Option<CellMatch> {
        let Subgraph { inputs, outputs, .. } = expressions.graph;
        let was = inputs[at];
        let (update, inner) =
            expressions.commutative_operands(outputs[at], BinaryOp::Add, |kept, added| {
                let share = expressions.commutative_operands(kept, BinaryOp::Multiply, |share, value| {
                    (value == was).then_some(share)
                })?;
                let inner = expressions.commutative_operands(added, BinaryOp::Multiply, |rest, new| {
                    let [one, less] = expressions.operands(rest, BinaryOp::Subtract)?;
                    let is_rest = less == share && expressions.constant(one)?.as_floats()? == [1.0];
                    is_rest.then(|| expressions.unary_operand(new, UnaryOp::Tanh)).flatten()
                })?;
                Some((expressions.unary_operand(share, UnaryOp::Logistic)?, inner))
            })?;
        CellMatch::gru_after(expressions, at, update, inner)
            .or_else(|| CellMatch::gru_before(expressions, at, update, inner))
    }

    /// Matches a GRU that resets the candidate's product with the state: a = x + σ(r) s.
    fn gru_after(expressions: &Expressions, at: usize, update: usize, inner: usize) -> Option<CellMatch> {
        let (of_input, reset, of_state) =
            expressions.commutative_operands(inner, BinaryOp::Add, |of_input, part| {
                expressions.commutative_operands(part, BinaryOp::Multiply, |gate, of_state| {
                    Some((of_input, expressions.unary_operand(gate, UnaryOp::Logistic)?, of_state))
                })
            })?;
        let mut found = CellMatch::new(expressions, RecurrentCell::Gru, at)?;
        for gate in [update, reset] {
            let sum = found.sum(expressions, gate, None)?;
            found.take(sum)?;
        }
        let (mut whole, part) =
            (found.sum(expressions, of_input, None)?, found.sum(expressions, of_state, None)?);
        let is_apart =
            whole.gate.state.is_empty() && part.gate.input.is_empty() && !part.gate.state.is_empty();
        if !is_apart {
            return None;
        }
        // A bias added to the state's product is reset with it, in whichever of the two places it was written.
        let (bias, own) = (&part.gate.bias, &part.gate.state_bias);
        whole.gate.state_bias = bias.iter().zip(own).map(|(a, b)| a + b).collect();
        whole.gate.state = part.gate.state;
        whole.is_single |= part.is_single;
        found.take(whole)?;
        Some(found)
    }

    /// Matches a GRU that resets the state before its product: a = x + (σ(r) h) U.
    fn gru_before(expressions: &Expressions, at: usize, update: usize, inner: usize) -> Option<CellMatch> {
        let was = expressions.graph.inputs[at];
        let mut found = CellMatch::new(expressions, RecurrentCell::GruResetBefore, at)?;
        let is_reset = |tensor: usize| {
            expressions.commutative_operands(tensor, BinaryOp::Multiply, |gate, value| {
                (value == was).then(|| expressions.unary_operand(gate, UnaryOp::Logistic)).flatten()
            })
        };
        // Find the only tensor that is the gated state and a factor of a product.
        let nodes = &expressions.graph.nodes;
        let factors = nodes.iter().filter(|node| matches!(node.kernel, Kernel::FullyConnected(_)));
        let (tensor, reset) = factors
            .filter_map(|node| node.inputs.first().copied().flatten())
            .find_map(|factor| Some((factor, is_reset(factor)?)))?;
        for gate in [update, reset] {
            let sum = found.sum(expressions, gate, None)?;
            found.take(sum)?;
        }
        let sum = found.sum(expressions, inner, Some(tensor))?;
        let is_reset = sum.has_reset;
        found.take(sum).filter(|()| is_reset)?;
        Some(found)
    }

    fn new(expressions: &Expressions, cell: RecurrentCell, at: usize) -> Option<CellMatch> {
        // Weights determine the number of units, whatever the dimensions of the values are.
        let state = expressions.graph.inputs[at];
        let mut depths = expressions.graph.nodes.iter().filter_map(|node| {
            let is_product =
                matches!(node.kernel, Kernel::FullyConnected(_)) && node.inputs.first() == Some(&Some(state));
            let weights =
                is_product.then(|| expressions.constant(node.inputs.get(1).copied().flatten()?)).flatten()?;
            weights.dims().get(1).copied()
        });
        let units = depths.next().filter(|units| *units > 0)?;
        Some(CellMatch {
            cell,
            units,
            gates: Vec::new(),
            state: at,
            memory: None,
            source: None,
            is_single: false,
        })
    }

    fn sum(&self, expressions: &Expressions, tensor: usize, reset: Option<usize>) -> Option<AffineSum> {
        let state = expressions.graph.inputs[self.state];
        match_affine_sum(
            expressions,
            tensor,
            AffineOperands { state, reset, source: self.source, units: self.units },
        )
    }

    /// Adds a gate that has products with the state and the input.
    fn take(&mut self, sum: AffineSum) -> Option<()> {
        if sum.gate.input.is_empty() || sum.gate.state.is_empty() {
            return None;
        }
        self.source = sum.source;
        self.is_single |= sum.is_single;
        self.gates.push(sum.gate);
        Some(())
    }

    /// Returns the role of loop value `at`.
    fn role(&self, expressions: &Expressions, at: usize, time: usize) -> Option<LoopVarRole> {
        let Subgraph { inputs, outputs, .. } = expressions.graph;
        let (was, next) = (inputs[at], outputs[at]);
        if at == self.state {
            return Some(LoopVarRole::State);
        }
        if Some(at) == self.memory {
            return Some(LoopVarRole::Memory);
        }
        if was == next {
            return Some(LoopVarRole::Constant);
        }
        let counts = |a: usize, b: usize| (a == was && expressions.is_integer(b, 1)).then_some(());
        if expressions.commutative_operands(next, BinaryOp::Add, counts).is_some() {
            return Some(LoopVarRole::Counter);
        }
        let (state, now) = (outputs[self.state], inputs[time]);
        let (node, _) = expressions.producer(next)?;
        match &node.kernel {
            Kernel::Reshape { .. } => {
                let [from, dims] = two_inputs(node)?;
                (from == state).then(|| Some(LoopVarRole::Last(expressions.integers(dims)?.to_vec())))?
            }
            Kernel::TensorListSetItem => {
                let [list, place, item] = three_inputs(node)?;
                let role = if place == now {
                    LoopVarRole::List(None)
                } else {
                    LoopVarRole::List(Some(expressions.integer(place)?))
                };
                (list == was && item == state).then_some(role)
            }
            Kernel::Concatenation { axis: 0 } => {
                self.is_written(expressions, at, time).then_some(LoopVarRole::Sequence)
            }
            _ => None,
        }
    }

    /// Whether loop value `at` is concatenated from its steps before this one, the state, and its steps after this one.
    fn is_written(&self, expressions: &Expressions, at: usize, time: usize) -> bool {
        let Subgraph { inputs, outputs, .. } = expressions.graph;
        let (was, now, later) = (inputs[at], inputs[time], outputs[time]);
        let joined = || {
            let (node, _) = expressions.producer(outputs[at])?;
            let [before, state, after] = three_inputs(node)?;
            let (before, _) = expressions.producer(before)?;
            let (state, _) = expressions.producer(state)?;
            let (after, _) = expressions.producer(after)?;
            let ([before_of, begin, sizes], [after_of, start, rest]) =
                (three_inputs(before)?, three_inputs(after)?);
            let is_slices = matches!((&before.kernel, &after.kernel), (Kernel::Slice, Kernel::Slice));
            let is_before = before_of == was
                && expressions.integers(begin)? == [0, 0, 0]
                && is_joined(expressions, sizes, now, -1)?;
            let is_after = after_of == was
                && expressions.integers(rest)? == [-1, -1, -1]
                && is_joined(expressions, start, later, 0)?;
            let is_state = matches!(state.kernel, Kernel::Reshape { .. })
                && two_inputs(state)?[0] == outputs[self.state]
                && expressions.integers(two_inputs(state)?[1])? == [1, 1, self.units as i64];
            Some(is_slices && is_before && is_after && is_state)
        };
        joined().unwrap_or(false)
    }
}

/// Whether a tensor is `[counter, rest, rest]`.
fn is_joined(expressions: &Expressions, tensor: usize, counter: usize, rest: i64) -> Option<bool> {
    let (node, _) = expressions.producer(tensor)?;
    let Kernel::Concatenation { axis: 0 } = node.kernel else { return Some(false) };
    let [first, others] = two_inputs(node)?;
    let (shaped, _) = expressions.producer(first)?;
    let Kernel::Reshape { .. } = shaped.kernel else { return Some(false) };
    let [from, dims] = two_inputs(shaped)?;
    Some(
        from == counter
            && expressions.integers(dims)? == [1]
            && expressions.integers(others)? == [rest, rest],
    )
}
