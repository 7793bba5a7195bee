//! Which loops are recurrent layers: those whose outputs are exactly the expressions that define one.
//!
//! Addition and multiplication are taken in either order; anything else that is not as it must be leaves the loop a loop.

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::graph::Graph;
use crate::infer::tflite::limits::Budget;
use crate::infer::tflite::ops::Kernel;
use crate::infer::tflite::ops::arithmetic::Of;
use crate::infer::tflite::ops::map::Map;

use super::expression::{Expressions, operands, three};
use super::layer::{Cell, Gate, Layer};
use super::linear::{Factors, Sum, sum};
use super::turns::{Role, Turns};

/// Bodies with more operators or tensors are no layers, and are not looked at.
const MOST: usize = 128;

/// The layer that this condition and body are; none if they are another loop.
pub fn recognise(condition: &Graph, body: &Graph, budget: &mut Budget) -> Result<Option<Turns>, Fault> {
    let is_small = |graph: &Graph| graph.nodes.len() <= MOST && graph.slots.len() <= MOST;
    if !is_small(condition) || !is_small(body) {
        return Ok(None);
    }
    let Some(found) = layer(condition, body) else { return Ok(None) };
    let Known { found, roles, sequence, time, bounds } = found;
    let width = found.gates[0].input.len() / found.units;
    let layer = Layer::new(found.cell, (found.units, width), &found.gates, budget)?;
    Ok(Some(Turns { layer, roles, sequence, time, bounds, is_single: found.is_single }))
}

/// Everything that is known of a loop that is a layer.
struct Known {
    found: Found,
    roles: Vec<Role>,
    sequence: usize,
    time: usize,
    bounds: Vec<(usize, i64)>,
}

fn layer(condition: &Graph, body: &Graph) -> Option<Known> {
    let expressions = Expressions::of(body)?;
    let bounds = bounds(condition)?;
    if body.inputs.len() != body.outputs.len() || body.inputs.len() != condition.inputs.len() {
        return None;
    }
    let found = (0..body.outputs.len())
        .find_map(|at| Found::lstm(&expressions, at).or_else(|| Found::gru(&expressions, at)))?;
    let [sequence, time] = found.source?;
    let place = |tensor: usize| body.inputs.iter().position(|input| *input == tensor);
    let (sequence, time) = (place(sequence)?, place(time)?);
    let roles = (0..body.inputs.len()).map(|at| found.role(&expressions, at, time));
    let roles = roles.collect::<Option<Vec<_>>>()?;
    let are_counted = bounds.iter().all(|(at, _)| roles.get(*at) == Some(&Role::Counter));
    let is_whole = roles[sequence] == Role::Constant && roles[time] == Role::Counter;
    let kept = roles.iter().filter(|role| role.is_kept()).count();
    if !are_counted || !is_whole || kept > 1 {
        return None;
    }
    let width = found.gates.first()?.input.len() / found.units;
    if width == 0 || found.gates.iter().any(|gate| gate.input.len() != width * found.units) {
        return None;
    }
    Some(Known { found, roles, sequence, time, bounds })
}

/// Which loop values must be less than which numbers for the loop to go on.
fn bounds(condition: &Graph) -> Option<Vec<(usize, i64)>> {
    let expressions = Expressions::of(condition)?;
    let [output] = condition.outputs[..] else { return None };
    let less = |tensor: usize| {
        let [counter, bound] = expressions.operands(tensor, Of::Less)?;
        let at = condition.inputs.iter().position(|input| *input == counter)?;
        Some((at, expressions.integer(bound)?))
    };
    match expressions.operands(output, Of::And) {
        Some([a, b]) => Some(vec![less(a)?, less(b)?]),
        None => Some(vec![less(output)?]),
    }
}

/// A layer's gates, and which loop values it remembers by.
struct Found {
    cell: Cell,
    units: usize,
    gates: Vec<Gate>,
    /// Which loop value is the state, and which the cell's.
    state: usize,
    memory: Option<usize>,
    source: Option<[usize; 2]>,
    is_single: bool,
}

impl Found {
    /// An LSTM whose state is loop value `at`: h' = σ(o) tanh(c'), c' = σ(f) c + σ(i) tanh(g).
    fn lstm(expressions: &Expressions, at: usize) -> Option<Found> {
        let Graph { inputs, outputs, .. } = expressions.graph;
        let (output, next) = expressions.pair(outputs[at], Of::Multiply, |gate, value| {
            Some((expressions.argument(gate, Map::Logistic)?, expressions.argument(value, Map::Tanh)?))
        })?;
        let memory = outputs.iter().position(|tensor| *tensor == next)?;
        let was = inputs[memory];
        let [forget, input, new] = expressions.pair(next, Of::Add, |kept, added| {
            let forget = expressions.pair(kept, Of::Multiply, |gate, value| {
                (value == was).then(|| expressions.argument(gate, Map::Logistic)).flatten()
            })?;
            let (input, new) = expressions.pair(added, Of::Multiply, |gate, value| {
                Some((expressions.argument(gate, Map::Logistic)?, expressions.argument(value, Map::Tanh)?))
            })?;
            Some([forget, input, new])
        })?;
        let mut found = Found::new(expressions, Cell::Lstm { clip: 0.0 }, at)?;
        found.memory = Some(memory);
        for gate in [input, forget, new, output] {
            let sum = found.sum(expressions, gate, None)?;
            found.take(sum)?;
        }
        Some(found)
    }

    /// A GRU whose state is loop value `at`: h' = z h + (1 - z) tanh(a), z = σ(u), and the reset gate is in a.
    fn gru(expressions: &Expressions, at: usize) -> Option<Found> {
        let Graph { inputs, outputs, .. } = expressions.graph;
        let was = inputs[at];
        let (update, inner) = expressions.pair(outputs[at], Of::Add, |kept, added| {
            let share =
                expressions.pair(kept, Of::Multiply, |share, value| (value == was).then_some(share))?;
            let inner = expressions.pair(added, Of::Multiply, |rest, new| {
                let [one, less] = expressions.operands(rest, Of::Subtract)?;
                let is_rest = less == share && expressions.constant(one)?.values()? == [1.0];
                is_rest.then(|| expressions.argument(new, Map::Tanh)).flatten()
            })?;
            Some((expressions.argument(share, Map::Logistic)?, inner))
        })?;
        Found::gru_after(expressions, at, update, inner)
            .or_else(|| Found::gru_before(expressions, at, update, inner))
    }

    /// The candidate's product with the state is reset: a = x + σ(r) s.
    fn gru_after(expressions: &Expressions, at: usize, update: usize, inner: usize) -> Option<Found> {
        let (of_input, reset, of_state) = expressions.pair(inner, Of::Add, |of_input, part| {
            expressions.pair(part, Of::Multiply, |gate, of_state| {
                Some((of_input, expressions.argument(gate, Map::Logistic)?, of_state))
            })
        })?;
        let mut found = Found::new(expressions, Cell::Gru, at)?;
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
        // What is added to the state's product is reset with it, wherever it was written.
        let (bias, own) = (&part.gate.bias, &part.gate.state_bias);
        whole.gate.state_bias = bias.iter().zip(own).map(|(a, b)| a + b).collect();
        whole.gate.state = part.gate.state;
        whole.is_single |= part.is_single;
        found.take(whole)?;
        Some(found)
    }

    /// The state is reset before its product: a = x + (σ(r) h) U.
    fn gru_before(expressions: &Expressions, at: usize, update: usize, inner: usize) -> Option<Found> {
        let was = expressions.graph.inputs[at];
        let mut found = Found::new(expressions, Cell::GruBefore, at)?;
        let is_reset = |tensor: usize| {
            expressions.pair(tensor, Of::Multiply, |gate, value| {
                (value == was).then(|| expressions.argument(gate, Map::Logistic)).flatten()
            })
        };
        // The one tensor that is the state behind a gate and a factor of a product.
        let nodes = &expressions.graph.nodes;
        let factors = nodes.iter().filter(|node| matches!(node.kernel, Kernel::Dense(_)));
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

    fn new(expressions: &Expressions, cell: Cell, at: usize) -> Option<Found> {
        // Whatever the values' dimensions are, weights say how many units there are.
        let state = expressions.graph.inputs[at];
        let mut depths = expressions.graph.nodes.iter().filter_map(|node| {
            let is_product =
                matches!(node.kernel, Kernel::Dense(_)) && node.inputs.first() == Some(&Some(state));
            let weights =
                is_product.then(|| expressions.constant(node.inputs.get(1).copied().flatten()?)).flatten()?;
            weights.dims().get(1).copied()
        });
        let units = depths.next().filter(|units| *units > 0)?;
        Some(Found {
            cell,
            units,
            gates: Vec::new(),
            state: at,
            memory: None,
            source: None,
            is_single: false,
        })
    }

    fn sum(&self, expressions: &Expressions, tensor: usize, reset: Option<usize>) -> Option<Sum> {
        let state = expressions.graph.inputs[self.state];
        sum(expressions, tensor, Factors { state, reset, source: self.source, units: self.units })
    }

    /// Takes a gate that has products with the state and the input.
    fn take(&mut self, sum: Sum) -> Option<()> {
        if sum.gate.input.is_empty() || sum.gate.state.is_empty() {
            return None;
        }
        self.source = sum.source;
        self.is_single |= sum.is_single;
        self.gates.push(sum.gate);
        Some(())
    }

    /// What becomes of loop value `at` in a turn.
    fn role(&self, expressions: &Expressions, at: usize, time: usize) -> Option<Role> {
        let Graph { inputs, outputs, .. } = expressions.graph;
        let (was, next) = (inputs[at], outputs[at]);
        if at == self.state {
            return Some(Role::State);
        }
        if Some(at) == self.memory {
            return Some(Role::Memory);
        }
        if was == next {
            return Some(Role::Constant);
        }
        let counts = |a: usize, b: usize| (a == was && expressions.is_integer(b, 1)).then_some(());
        if expressions.pair(next, Of::Add, counts).is_some() {
            return Some(Role::Counter);
        }
        let (state, now) = (outputs[self.state], inputs[time]);
        let (node, _) = expressions.node(next)?;
        match &node.kernel {
            Kernel::Reshape { .. } => {
                let [from, dims] = operands(node)?;
                (from == state).then(|| Some(Role::Last(expressions.integers(dims)?.to_vec())))?
            }
            Kernel::ListSetItem => {
                let [list, place, item] = three(node)?;
                let role = if place == now {
                    Role::List(None)
                } else {
                    Role::List(Some(expressions.integer(place)?))
                };
                (list == was && item == state).then_some(role)
            }
            Kernel::Concatenation { axis: 0 } => {
                self.is_written(expressions, at, time).then_some(Role::Sequence)
            }
            _ => None,
        }
    }

    /// Whether loop value `at` is joined from its steps before this one, the state, and its steps after this one.
    fn is_written(&self, expressions: &Expressions, at: usize, time: usize) -> bool {
        let Graph { inputs, outputs, .. } = expressions.graph;
        let (was, now, later) = (inputs[at], inputs[time], outputs[time]);
        let joined = || {
            let (node, _) = expressions.node(outputs[at])?;
            let [before, state, after] = three(node)?;
            let (before, _) = expressions.node(before)?;
            let (state, _) = expressions.node(state)?;
            let (after, _) = expressions.node(after)?;
            let ([before_of, begin, sizes], [after_of, start, rest]) = (three(before)?, three(after)?);
            let is_slices = matches!((&before.kernel, &after.kernel), (Kernel::Slice, Kernel::Slice));
            let is_before = before_of == was
                && expressions.integers(begin)? == [0, 0, 0]
                && is_joined(expressions, sizes, now, -1)?;
            let is_after = after_of == was
                && expressions.integers(rest)? == [-1, -1, -1]
                && is_joined(expressions, start, later, 0)?;
            let is_state = matches!(state.kernel, Kernel::Reshape { .. })
                && operands(state)?[0] == outputs[self.state]
                && expressions.integers(operands(state)?[1])? == [1, 1, self.units as i64];
            Some(is_slices && is_before && is_after && is_state)
        };
        joined().unwrap_or(false)
    }
}

/// Whether a tensor is `[counter, rest, rest]`.
fn is_joined(expressions: &Expressions, tensor: usize, counter: usize, rest: i64) -> Option<bool> {
    let (node, _) = expressions.node(tensor)?;
    let Kernel::Concatenation { axis: 0 } = node.kernel else { return Some(false) };
    let [first, others] = operands(node)?;
    let (shaped, _) = expressions.node(first)?;
    let Kernel::Reshape { .. } = shaped.kernel else { return Some(false) };
    let [from, dims] = operands(shaped)?;
    Some(
        from == counter
            && expressions.integers(dims)? == [1]
            && expressions.integers(others)? == [rest, rest],
    )
}
