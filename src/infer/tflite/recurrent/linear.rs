//! Sums of products that gates are made of: which rows of which weights, and which biases.

use crate::infer::tflite::graph::Node;
use crate::infer::tflite::ops::Kernel;
use crate::infer::tflite::ops::arithmetic::Of;

use super::expression::{Expressions, operands};
use super::layer::Gate;

/// The tensors that products may be of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Factors {
    /// The state at the beginning of the step.
    pub state: usize,
    /// The state behind a reset gate, where there is such a thing.
    pub reset: Option<usize>,
    /// The sequence and the number of the step in it.
    pub source: Option<[usize; 2]>,
    pub units: usize,
}

/// What a gate is the sum of, and what was found on the way.
#[derive(Debug, Default)]
pub struct Sum {
    pub gate: Gate,
    /// Whether one of its products is of the state behind the reset gate.
    pub has_reset: bool,
    pub source: Option<[usize; 2]>,
    /// Whether it only means this for a single window.
    pub is_single: bool,
}

/// Which of a tensor's columns are meant, as far as is known how many it has.
#[derive(Clone, Copy)]
struct Span {
    first: usize,
    /// How many there must be; `false`: at least that many.
    columns: (usize, bool),
}

/// The sum that `tensor` is, if it is nothing but one: products of state and input by constant weights, and constants.
pub fn sum(expressions: &Expressions, tensor: usize, factors: Factors) -> Option<Sum> {
    let mut sum = Sum { source: factors.source, ..Sum::default() };
    let whole = Span { first: 0, columns: (factors.units, true) };
    let mut reader = Reader { expressions, factors, sum: &mut sum, depth: 0 };
    reader.part(tensor, whole)?;
    for bias in [&mut sum.gate.bias, &mut sum.gate.state_bias] {
        bias.resize(factors.units, 0.0);
    }
    Some(sum)
}

struct Reader<'a, 'b> {
    expressions: &'a Expressions<'a>,
    factors: Factors,
    sum: &'b mut Sum,
    /// Bounds the work on expressions that share parts.
    depth: usize,
}

impl Reader<'_, '_> {
    /// Adds what `tensor` is, which has exactly as many columns as there are units, or is part of such.
    fn part(&mut self, tensor: usize, span: Span) -> Option<()> {
        self.depth += 1;
        if self.depth > 32 {
            return None;
        }
        if let Some([a, b]) = self.expressions.operands(tensor, Of::Add) {
            self.part(a, span)?;
            return self.part(b, span);
        }
        if let Some(constant) = self.expressions.constant(tensor) {
            let (values, columns) = (constant.values()?, *constant.dims().last()?);
            return (values.len() == columns).then(|| self.bias(values, span, false))?;
        }
        let (node, output) = self.expressions.node(tensor)?;
        match &node.kernel {
            Kernel::Dense(dense) if dense.is_plain() => self.product(node, span),
            // Only a whole tensor is cut, and only once.
            Kernel::Split { count } if span.first == 0 && span.columns.1 => {
                let [axis, from] = operands(node)?;
                let axis = self.expressions.integer(axis)?;
                let units = span.columns.0;
                let is_columns = axis == -1 || axis == 1;
                let span = Span { first: output * units, columns: (count * units, true) };
                is_columns.then(|| self.part(from, span))?
            }
            Kernel::StridedSlice(strided) if span.first == 0 && span.columns.1 => {
                let [Some(from), Some(begin), Some(end), Some(step)] = node.inputs[..] else { return None };
                let given = [begin, end, step].map(|tensor| self.expressions.integers(tensor));
                let [Some(begin), Some(end), Some(step)] = given else { return None };
                let (first, end) = strided.columns([begin, end, step])?;
                let needed = first.checked_add(span.columns.0)?;
                let fits = end.is_none_or(|end| end == needed);
                fits.then(|| self.part(from, Span { first, columns: (needed, end.is_none()) }))?
            }
            Kernel::Reshape { .. } => {
                let [from, dims] = operands(node)?;
                // Columns remain columns; without rows it can only be one window.
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

    /// A product by constant weights, whose rows are `[column][term]`.
    fn product(&mut self, node: &Node, span: Span) -> Option<()> {
        let input = |at: usize| node.inputs.get(at).copied().flatten();
        let (factor, weights, bias) = (input(0)?, self.expressions.constant(input(1)?)?, input(2));
        let [columns, depth] = *weights.dims() else { return None };
        if !span.takes(columns) {
            return None;
        }
        let units = self.factors.units;
        let rows = weights.values()?.get(span.first * depth..(span.first + units) * depth)?;
        let is_state = factor == self.factors.state || Some(factor) == self.factors.reset;
        if let Some(bias) = bias {
            let bias = self.expressions.constant(bias)?.values()?;
            self.bias(bias, span, is_state)?;
        }
        if is_state {
            self.sum.has_reset |= factor != self.factors.state;
            // Both, with and without reset, are not one product.
            let is_first = self.sum.gate.state.is_empty() && depth == units;
            return is_first.then(|| self.sum.gate.state.extend_from_slice(rows));
        }
        let (gather, _) = self.expressions.node(factor)?;
        let Kernel::Gather { axis: 0 } = gather.kernel else { return None };
        let source = operands(gather)?;
        let is_known = *self.sum.source.get_or_insert(source) == source;
        (is_known && self.sum.gate.input.is_empty()).then(|| self.sum.gate.input.extend_from_slice(rows))
    }

    fn bias(&mut self, values: &[f32], span: Span, is_state: bool) -> Option<()> {
        let units = self.factors.units;
        let gate = &mut self.sum.gate;
        let own = if is_state { &mut gate.state_bias } else { &mut gate.bias };
        own.resize(units, 0.0);
        let part = values.get(span.first..span.first + units).filter(|_| span.takes(values.len()))?;
        own.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        Some(())
    }
}

impl Span {
    /// Whether a tensor of so many columns has these.
    fn takes(&self, columns: usize) -> bool {
        let (needed, is_exact) = self.columns;
        if is_exact { columns == needed } else { columns >= needed }
    }
}
