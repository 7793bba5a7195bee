//! A model after reading: subgraphs of operators over numbered tensors. Immutable; values of a run live elsewhere.

use std::borrow::Cow;
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
