//! A model after reading: subgraphs of operators over numbered tensors. Immutable; values of a run live elsewhere.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::constants::{Grid, Kind};
use super::ops::Kernel;
use super::tensor::Tensor;

/// One subgraph: the model itself, or the condition or body of a loop.
#[derive(Debug, Default)]
pub struct Graph {
    pub slots: Vec<Slot>,
    /// By number of tensor, like `slots`.
    pub constants: Vec<Option<Arc<Tensor>>>,
    pub inputs: Vec<usize>,
    pub outputs: Vec<usize>,
    pub nodes: Vec<Node>,
    /// Values that operators have made ready for every run, each of 4 bytes.
    pub prepared: usize,
}

/// What the file says of one tensor.
#[derive(Debug)]
pub struct Slot {
    pub name: String,
    pub kind: Kind,
    /// `None` where any length is taken.
    pub dims: Vec<Option<usize>>,
    pub grid: Option<Grid>,
}

/// One operator and the tensors it reads and writes.
#[derive(Debug)]
pub struct Node {
    pub name: Cow<'static, str>,
    pub kernel: Kernel,
    /// `None` where an input is left out.
    pub inputs: Vec<Option<usize>>,
    pub outputs: Vec<usize>,
    /// Tensors that nobody reads after this operator.
    pub releases: Vec<usize>,
}

impl Graph {
    /// Gives back what constants hold beyond their values: buffers of a load are as large as the next power of two.
    pub fn shrink(&mut self) {
        self.constants.iter_mut().flatten().filter_map(Arc::get_mut).for_each(Tensor::shrink);
    }

    /// Bytes it takes in memory, but for constants in `counted`, to which its own are added.
    pub fn bytes(&self, counted: &mut HashSet<*const Tensor>) -> usize {
        let new = self.constants.iter().flatten().filter(|constant| counted.insert(Arc::as_ptr(constant)));
        let constants: usize = new.map(|constant| constant.bytes()).sum();
        let of_slot = |slot: &Slot| slot.name.capacity() + slot.dims.capacity() * size_of::<Option<usize>>();
        let of_node = |node: &Node| {
            let indices = node.outputs.capacity() + node.releases.capacity();
            node.name.len()
                + node.inputs.capacity() * size_of::<Option<usize>>()
                + indices * size_of::<usize>()
        };
        let tables = self.slots.capacity() * size_of::<Slot>()
            + self.constants.capacity() * size_of::<Option<Arc<Tensor>>>()
            + self.nodes.capacity() * size_of::<Node>();
        constants
            + tables
            + self.prepared * size_of::<f32>()
            + self.slots.iter().map(of_slot).sum::<usize>()
            + self.nodes.iter().map(of_node).sum::<usize>()
    }

    /// Finds out after which operator each tensor can be let go. To be called whenever `nodes` changed.
    pub fn plan(&mut self) {
        let mut last = vec![None; self.slots.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            // One that is written and never read goes at once.
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
