//! Expression view of a loop body: from each tensor to the operator that computes it, starting at the outputs.

use crate::infer::tflite::ops::Kernel;
use crate::infer::tflite::ops::binary::BinaryOp;
use crate::infer::tflite::ops::unary::UnaryOp;
use crate::infer::tflite::subgraph::{Node, Subgraph};
use crate::infer::tflite::tensor::Tensor;

/// A subgraph in which every tensor is written once, so that each is an expression of the operator's inputs.
pub struct Expressions<'a> {
    /// The subgraph of the loop's body.
    pub graph: &'a Subgraph,
    /// For each tensor the operator that writes it, and the index of the output.
    producers: Vec<Option<(&'a Node, usize)>>,
}

impl<'a> Expressions<'a> {
    /// Returns `None` if a tensor is written twice, or rounded because it is quantised.
    pub fn from_subgraph(graph: &'a Subgraph) -> Option<Expressions<'a>> {
        let mut written: Vec<Option<(&Node, usize)>> = vec![None; graph.tensors.len()];
        for node in &graph.nodes {
            for (at, tensor) in node.outputs.iter().enumerate() {
                let is_input = graph.inputs.contains(tensor) || graph.constants[*tensor].is_some();
                if is_input || graph.tensors[*tensor].fake_quant.is_some() || written[*tensor].is_some() {
                    return None;
                }
                written[*tensor] = Some((node, at));
            }
        }
        let is_free = |tensor: &usize| {
            graph.tensors[*tensor].fake_quant.is_none() && graph.constants[*tensor].is_none()
        };
        let is_first = |(at, input): (usize, &usize)| !graph.inputs[..at].contains(input);
        let are_apart = graph.inputs.iter().enumerate().all(is_first);
        (are_apart && graph.inputs.iter().all(is_free)).then_some(Expressions { graph, producers: written })
    }

    /// Returns the value of a constant; `None` if the tensor is computed or an input.
    pub fn constant(&self, tensor: usize) -> Option<&'a Tensor> {
        self.graph.constants[tensor].as_deref()
    }

    /// Returns the operator that computes a tensor, and the index of its output.
    pub fn producer(&self, tensor: usize) -> Option<(&'a Node, usize)> {
        self.producers[tensor]
    }

    /// Returns both operands if the tensor is this operation on two others, without an activation.
    pub fn operands(&self, tensor: usize, of: BinaryOp) -> Option<[usize; 2]> {
        let (node, _) = self.producer(tensor)?;
        match &node.kernel {
            Kernel::Binary(arithmetic) if arithmetic.op_without_activation() == Some(of) => two_inputs(node),
            _ => None,
        }
    }

    /// Returns the operands of a commutative operation, first the one that `fits` accepts.
    pub fn commutative_operands<T>(
        &self,
        tensor: usize,
        of: BinaryOp,
        fits: impl Fn(usize, usize) -> Option<T>,
    ) -> Option<T> {
        let [a, b] = self.operands(tensor, of)?;
        fits(a, b).or_else(|| fits(b, a))
    }

    /// Returns the operand if the tensor is this function of another.
    pub fn unary_operand(&self, tensor: usize, map: UnaryOp) -> Option<usize> {
        let (node, _) = self.producer(tensor)?;
        match &node.kernel {
            Kernel::Unary(found) if *found == map => *node.inputs.first()?,
            _ => None,
        }
    }

    /// Whether the tensor is a scalar constant with this integer.
    pub fn is_integer(&self, tensor: usize, value: i64) -> bool {
        self.integer(tensor) == Some(value)
    }

    /// Returns the integer of a constant without dimensions.
    pub fn integer(&self, tensor: usize) -> Option<i64> {
        let constant = self.constant(tensor)?;
        constant.dims().is_empty().then(|| constant.first_integer().ok()).flatten()
    }

    /// Returns the integers of a constant.
    pub fn integers(&self, tensor: usize) -> Option<&'a [i64]> {
        self.constant(tensor)?.require_integers().ok()
    }
}

/// Returns the inputs of an operator that has exactly two.
pub fn two_inputs(node: &Node) -> Option<[usize; 2]> {
    match node.inputs[..] {
        [Some(a), Some(b)] => Some([a, b]),
        _ => None,
    }
}

/// Returns the inputs of an operator that has exactly three.
pub fn three_inputs(node: &Node) -> Option<[usize; 3]> {
    match node.inputs[..] {
        [Some(a), Some(b), Some(c)] => Some([a, b, c]),
        _ => None,
    }
}
