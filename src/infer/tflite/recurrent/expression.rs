//! The body of a loop as expressions: what each tensor is computed from, asked backwards from the outputs.

use crate::infer::tflite::graph::{Graph, Node};
use crate::infer::tflite::ops::Kernel;
use crate::infer::tflite::ops::arithmetic::Of;
use crate::infer::tflite::ops::map::Map;
use crate::infer::tflite::tensor::Tensor;

/// A subgraph whose tensors are written once each, so that each is one expression of its inputs.
pub struct Expressions<'a> {
    pub graph: &'a Graph,
    /// By tensor: the operator that writes it, and as which output.
    written: Vec<Option<(&'a Node, usize)>>,
}

impl<'a> Expressions<'a> {
    /// `None` where tensors are written twice, or rounded because they are quantised.
    pub fn of(graph: &'a Graph) -> Option<Expressions<'a>> {
        let mut written: Vec<Option<(&Node, usize)>> = vec![None; graph.slots.len()];
        for node in &graph.nodes {
            for (at, tensor) in node.outputs.iter().enumerate() {
                let is_input = graph.inputs.contains(tensor) || graph.constants[*tensor].is_some();
                if is_input || graph.slots[*tensor].grid.is_some() || written[*tensor].is_some() {
                    return None;
                }
                written[*tensor] = Some((node, at));
            }
        }
        let is_free =
            |tensor: &usize| graph.slots[*tensor].grid.is_none() && graph.constants[*tensor].is_none();
        let is_first = |(at, input): (usize, &usize)| !graph.inputs[..at].contains(input);
        let are_apart = graph.inputs.iter().enumerate().all(is_first);
        (are_apart && graph.inputs.iter().all(is_free)).then_some(Expressions { graph, written })
    }

    pub fn constant(&self, tensor: usize) -> Option<&'a Tensor> {
        self.graph.constants[tensor].as_deref()
    }

    /// The operator that gives a tensor, and as which of its outputs.
    pub fn node(&self, tensor: usize) -> Option<(&'a Node, usize)> {
        self.written[tensor]
    }

    /// Both operands, if the tensor is this of two others with nothing added.
    pub fn operands(&self, tensor: usize, of: Of) -> Option<[usize; 2]> {
        let (node, _) = self.node(tensor)?;
        match &node.kernel {
            Kernel::Arithmetic(arithmetic) if arithmetic.plain() == Some(of) => operands(node),
            _ => None,
        }
    }

    /// The operands in the order in which `fits` takes the first; for operators where order is nothing.
    pub fn pair<T>(&self, tensor: usize, of: Of, fits: impl Fn(usize, usize) -> Option<T>) -> Option<T> {
        let [a, b] = self.operands(tensor, of)?;
        fits(a, b).or_else(|| fits(b, a))
    }

    /// The operand, if the tensor is this function of another.
    pub fn argument(&self, tensor: usize, map: Map) -> Option<usize> {
        let (node, _) = self.node(tensor)?;
        match &node.kernel {
            Kernel::Map(found) if *found == map => *node.inputs.first()?,
            _ => None,
        }
    }

    /// Whether the tensor is a constant of this one integer, without dimensions.
    pub fn is_integer(&self, tensor: usize, value: i64) -> bool {
        self.integer(tensor) == Some(value)
    }

    pub fn integer(&self, tensor: usize) -> Option<i64> {
        let constant = self.constant(tensor)?;
        constant.dims().is_empty().then(|| constant.integer().ok()).flatten()
    }

    /// The integers of a constant.
    pub fn integers(&self, tensor: usize) -> Option<&'a [i64]> {
        self.constant(tensor)?.integers().ok()
    }
}

/// The two inputs of an operator that has two.
pub fn operands(node: &Node) -> Option<[usize; 2]> {
    match node.inputs[..] {
        [Some(a), Some(b)] => Some([a, b]),
        _ => None,
    }
}

/// The three inputs of an operator that has three.
pub fn three(node: &Node) -> Option<[usize; 3]> {
    match node.inputs[..] {
        [Some(a), Some(b), Some(c)] => Some([a, b, c]),
        _ => None,
    }
}
