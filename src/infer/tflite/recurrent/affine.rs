//! Affine sums that gates consist of: products of weight rows with state and input, and biases.

use crate::infer::tflite::ops::Kernel;
use crate::infer::tflite::ops::binary::BinaryOp;
use crate::infer::tflite::subgraph::Node;

use super::expression::{Expressions, two_inputs};
use super::layer::GateWeights;

/// Tensors that may be factors of the products.
#[derive(Debug, Clone, Copy, Default)]
pub struct AffineOperands {
    /// The state at the start of the step.
    pub state: usize,
    /// The reset state, if the layer has one.
    pub reset: Option<usize>,
    /// The sequence and the step counter that indexes it.
    pub source: Option<[usize; 2]>,
    /// Number of units, which is the number of columns of each gate.
    pub units: usize,
}

/// Terms of a gate, and findings about them.
#[derive(Debug, Default)]
pub struct AffineSum {
    /// The sum as weights and biases of one gate; parts that do not occur are empty.
    pub gate: GateWeights,
    /// Whether one of its products uses the reset state.
    pub has_reset: bool,
    /// The sequence and the step counter of its product with the input; `None` if it has none.
    pub source: Option<[usize; 2]>,
    /// Whether the expression is this sum only for a single window.
    pub is_single: bool,
}

/// Columns of a tensor, as far as their number is known.
#[derive(Clone, Copy)]
struct ColumnRange {
    first: usize,
    /// Number of columns; with `false` it is a minimum.
    columns: (usize, bool),
}

/// Matches `tensor` if it is a sum of products of state and input by constant weights, and of constants.
pub fn match_affine_sum(
    expressions: &Expressions,
    tensor: usize,
    factors: AffineOperands,
) -> Option<AffineSum> {
    let mut sum = AffineSum { source: factors.source, ..AffineSum::default() };
    let whole = ColumnRange { first: 0, columns: (factors.units, true) };
    let mut reader = AffineMatcher { expressions, factors, sum: &mut sum, depth: 0 };
    reader.part(tensor, whole)?;
    for bias in [&mut sum.gate.bias, &mut sum.gate.state_bias] {
        bias.resize(factors.units, 0.0);
    }
    Some(sum)
}

struct AffineMatcher<'a, 'b> {
    expressions: &'a Expressions<'a>,
    factors: AffineOperands,
    sum: &'b mut AffineSum,
    /// Recursion depth, which bounds the work on expressions with shared parts.
    depth: usize,
}

impl AffineMatcher<'_, '_> {
    /// Adds the terms of `tensor`, which has exactly one column per unit or is part of such a tensor.
    fn part(&mut self, tensor: usize, span: ColumnRange) -> Option<()> {
        self.depth += 1;
        if self.depth > 32 {
            return None;
        }
        if let Some([a, b]) = self.expressions.operands(tensor, BinaryOp::Add) {
            self.part(a, span)?;
            return self.part(b, span);
        }
        if let Some(constant) = self.expressions.constant(tensor) {
            let (values, columns) = (constant.as_floats()?, *constant.dims().last()?);
            return (values.len() == columns).then(|| self.bias(values, span, false))?;
        }
        let (node, output) = self.expressions.producer(tensor)?;
        match &node.kernel {
            Kernel::FullyConnected(dense) if dense.is_plain() => self.product(node, span),
            // Only a whole tensor may be split, and only once.
            Kernel::Split { count } if span.first == 0 && span.columns.1 => {
                let [axis, from] = two_inputs(node)?;
                let axis = self.expressions.integer(axis)?;
                let units = span.columns.0;
                let is_columns = axis == -1 || axis == 1;
                let span = ColumnRange { first: output * units, columns: (count * units, true) };
                is_columns.then(|| self.part(from, span))?
            }
            Kernel::StridedSlice(strided) if span.first == 0 && span.columns.1 => {
                let [Some(from), Some(begin), Some(end), Some(step)] = node.inputs[..] else { return None };
                let parameters = [begin, end, step].map(|tensor| self.expressions.integers(tensor));
                let [Some(begin), Some(end), Some(step)] = parameters else { return None };
                let (first, end) = strided.column_range([begin, end, step])?;
                let needed = first.checked_add(span.columns.0)?;
                let fits = end.is_none_or(|end| end == needed);
                fits.then(|| self.part(from, ColumnRange { first, columns: (needed, end.is_none()) }))?
            }
            Kernel::Reshape { .. } => {
                let [from, dims] = two_inputs(node)?;
                // Columns remain columns; a tensor without rows can only be one window.
                match (self.expressions.integers(dims)?, span.columns) {
                    ([1 | -1, columns], (all, true)) if usize::try_from(*columns) == Ok(all) => {}
                    ([columns], (all, true)) if usize::try_from(*columns) == Ok(all) => {}
                    _ => return None,
                }
                self.sum.is_single = true;
                self.part(from, span)
            }
            _ => None,
        }
    }

    /// Adds a product by constant weights with rows `[column][term]`.
    fn product(&mut self, node: &Node, span: ColumnRange) -> Option<()> {
        let input = |at: usize| node.inputs.get(at).copied().flatten();
        let (factor, weights, bias) = (input(0)?, self.expressions.constant(input(1)?)?, input(2));
        let [columns, depth] = *weights.dims() else { return None };
        if !span.takes(columns) {
            return None;
        }
        let units = self.factors.units;
        let rows = weights.as_floats()?.get(span.first * depth..(span.first + units) * depth)?;
        let is_state = factor == self.factors.state || Some(factor) == self.factors.reset;
        if let Some(bias) = bias {
            let bias = self.expressions.constant(bias)?.as_floats()?;
            self.bias(bias, span, is_state)?;
        }
        if is_state {
            self.sum.has_reset |= factor != self.factors.state;
            // A product with the state and one with the reset state cannot be merged.
            let is_first = self.sum.gate.state.is_empty() && depth == units;
            return is_first.then(|| self.sum.gate.state.extend_from_slice(rows));
        }
        let (gather, _) = self.expressions.producer(factor)?;
        let Kernel::Gather { axis: 0 } = gather.kernel else { return None };
        let source = two_inputs(gather)?;
        let is_known = *self.sum.source.get_or_insert(source) == source;
        (is_known && self.sum.gate.input.is_empty()).then(|| self.sum.gate.input.extend_from_slice(rows))
    }

    fn bias(&mut self, values: &[f32], span: ColumnRange, is_state: bool) -> Option<()> {
        let units = self.factors.units;
        let gate = &mut self.sum.gate;
        let own = if is_state { &mut gate.state_bias } else { &mut gate.bias };
        own.resize(units, 0.0);
        let part = values.get(span.first..span.first + units).filter(|_| span.takes(values.len()))?;
        own.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        Some(())
    }
}

impl ColumnRange {
    /// Whether a tensor with this many columns has the range.
    fn takes(&self, columns: usize) -> bool {
        let (needed, is_exact) = self.columns;
        if is_exact { columns == needed } else { columns >= needed }
    }
}
