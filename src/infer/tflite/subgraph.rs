//! Model graph after parsing: subgraphs of operators over numbered tensors. Immutable; values of a run live elsewhere.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::constant_tensors::{FakeQuant, TensorType};
use super::ops::Kernel;
use super::tensor::Tensor;

/// One subgraph: the model itself, or the condition or body of a loop.
#[derive(Debug, Default)]
pub struct Subgraph {
    /// Descriptions of all tensors; their index is the tensor number.
    pub tensors: Vec<TensorInfo>,
    /// Values of constant tensors, by tensor number.
    pub constants: Vec<Option<Arc<Tensor>>>,
    /// Tensor numbers of the inputs, in the order of a call.
    pub inputs: Vec<usize>,
    /// Tensor numbers of the outputs, in the order of the result.
    pub outputs: Vec<usize>,
    /// Operators in the order in which they run.
    pub nodes: Vec<Node>,
    /// Number of 4-byte values that operators have precomputed for every run.
    pub prepared_values: usize,
}

/// Description of a tensor in the file.
#[derive(Debug)]
pub struct TensorInfo {
    /// Name given by the converter, cut at 256 bytes.
    pub name: String,
    /// Number format in the file.
    pub kind: TensorType,
    /// Dimensions; `None` where any length is accepted.
    pub dims: Vec<Option<usize>>,
    /// Grid to which computed values are rounded; `None` if the tensor is not quantised.
    pub fake_quant: Option<FakeQuant>,
}

/// An operator and the tensors it reads and writes.
#[derive(Debug)]
pub struct Node {
    /// Name of the operator, for errors.
    pub name: Cow<'static, str>,
    /// Operation with its parsed options and prepared weights.
    pub kernel: Kernel,
    /// Input tensors; `None` where an optional input is missing.
    pub inputs: Vec<Option<usize>>,
    /// Numbers of the output tensors.
    pub outputs: Vec<usize>,
    /// Tensors that no later operator reads.
    pub releases: Vec<usize>,
}

impl Subgraph {
    /// Frees spare capacity of constants: buffers of a load are as large as the next power of two.
    pub fn shrink_to_fit(&mut self) {
        self.constants.iter_mut().flatten().filter_map(Arc::get_mut).for_each(Tensor::shrink_to_fit);
    }

    /// Returns the memory size in bytes without the constants in `counted`, and adds its own constants to it.
    pub fn memory_bytes(&self, counted: &mut HashSet<*const Tensor>) -> usize {
        let new = self.constants.iter().flatten().filter(|constant| counted.insert(Arc::as_ptr(constant)));
        let constants: usize = new.map(|constant| constant.memory_bytes()).sum();
        let of_slot =
            |slot: &TensorInfo| slot.name.capacity() + slot.dims.capacity() * size_of::<Option<usize>>();
        let of_node = |node: &Node| {
            let indices = node.outputs.capacity() + node.releases.capacity();
            node.name.len()
                + node.inputs.capacity() * size_of::<Option<usize>>()
                + indices * size_of::<usize>()
        };
        let tables = self.tensors.capacity() * size_of::<TensorInfo>()
            + self.constants.capacity() * size_of::<Option<Arc<Tensor>>>()
            + self.nodes.capacity() * size_of::<Node>();
        constants
            + tables
            + self.prepared_values * size_of::<f32>()
            + self.tensors.iter().map(of_slot).sum::<usize>()
            + self.nodes.iter().map(of_node).sum::<usize>()
    }

    /// Determines after which operator each tensor can be released. Call it whenever `nodes` changed.
    pub fn plan_releases(&mut self) {
        let mut last = vec![None; self.tensors.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            // A tensor that is written and never read is released at once.
            for tensor in node.outputs.iter().chain(node.inputs.iter().flatten()) {
                last[*tensor] = Some(at);
            }
        }
        for tensor in &self.outputs {
            last[*tensor] = None;
        }
        self.nodes.iter_mut().for_each(|node| node.releases.clear());
        for (tensor, at) in last.into_iter().enumerate() {
            if let Some(at) = at {
                self.nodes[at].releases.push(tensor);
            }
        }
    }
}
