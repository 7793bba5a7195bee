//! A loaded model: its inputs, outputs and execution.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::error::{InterpreterError, LoadError, RunError};
use super::interpreter::Interpreter;
use super::limits::{ModelLimits, ResourceBudget};
use super::optimize;
use super::schema;
use super::subgraph::{Subgraph, TensorInfo};
use super::tensor::Tensor;
use super::workspace::Workspace;

/// A runnable model: immutable, shareable between threads. Each runner has a [`Workspace`] of its own.
#[derive(Debug)]
pub struct Model {
    graphs: Vec<Subgraph>,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    limits: ModelLimits,
}

/// An input or output. Its values are real numbers, even where the model computes with quantised ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name given by the converter, often meaningless to a user.
    pub name: String,
    /// Dimensions; `None` where the model accepts any length. For an output, only what is known without running it.
    pub dims: Vec<Option<usize>>,
}

impl Model {
    /// Loads a model and prepares it to run. Memory and time stay within `limits`, whatever the bytes are.
    pub fn load(bytes: &[u8], limits: ModelLimits) -> Result<Model, LoadError> {
        Model::load_as(bytes, limits, true)
    }

    /// Loads a model without fusing loops into recurrent layers.
    #[cfg(test)]
    pub(super) fn load_without_fusion(bytes: &[u8], limits: ModelLimits) -> Result<Model, LoadError> {
        Model::load_as(bytes, limits, false)
    }

    /// Returns the number of loops, and how many of them are fused layers.
    #[cfg(test)]
    pub(super) fn loops(&self) -> (usize, usize) {
        let nodes = self.graphs.iter().flat_map(|graph| &graph.nodes);
        let loops = nodes.filter_map(|node| match &node.kernel {
            super::ops::Kernel::While { layer, .. } => Some(layer.is_some()),
            _ => None,
        });
        loops.fold((0, 0), |(all, layers), is_layer| (all + 1, layers + usize::from(is_layer)))
    }

    fn load_as(bytes: &[u8], limits: ModelLimits, has_layers: bool) -> Result<Model, LoadError> {
        let mut workspace = Workspace::new();
        let scratch = &mut workspace.scratch;
        scratch.budget = ResourceBudget::new(&limits, 1);
        let mut graphs = schema::read(bytes, &limits, &mut scratch.budget)?;
        for graph in &mut graphs {
            optimize::fold_constants(graph, scratch)?;
            graph.plan_releases();
        }
        if has_layers {
            optimize::fuse_recurrent_loops(&mut graphs, &mut scratch.budget)?;
        }
        graphs.iter_mut().for_each(Subgraph::shrink_to_fit);
        let main = &graphs[0];
        if main.inputs.is_empty() || main.outputs.is_empty() {
            return Err(LoadError::Inconsistent("it has no inputs or no outputs".to_owned()));
        }
        let is_taken = |slot: &TensorInfo| slot.kind.is_real() || slot.fake_quant.is_some();
        if let Some(slot) = main.inputs.iter().map(|slot| &main.tensors[*slot]).find(|slot| !is_taken(slot)) {
            return Err(LoadError::Unsupported(vec![format!(
                "input `{}`, which is no real numbers",
                slot.name
            )]));
        }
        let ports = |slots: &[usize]| slots.iter().map(|slot| TensorSpec::of(&main.tensors[*slot])).collect();
        let (inputs, outputs) = (ports(&main.inputs), ports(&main.outputs));
        Ok(Model { inputs, outputs, graphs, limits })
    }

    /// Returns the names of the operators that run, each once, in alphabetical order. Those of constants are not among them.
    pub fn operators(&self) -> Vec<String> {
        let nodes = self.graphs.iter().flat_map(|graph| &graph.nodes);
        nodes.map(|node| node.name.to_string()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Returns the inputs in the order that [`Model::run`] takes them; at least one.
    pub fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    /// Returns the outputs in the order that [`Model::run`] returns them; at least one.
    pub fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    /// Whether the leading dimension of every input is free, so that one run can take many windows.
    pub fn is_batched(&self) -> bool {
        self.inputs.iter().all(|port| port.dims.first() == Some(&None))
    }

    /// Returns the memory size in bytes while loaded.
    pub fn memory_bytes(&self) -> usize {
        let mut counted = HashSet::new();
        let ports = self.inputs.len() + self.outputs.len();
        let graphs: usize = self.graphs.iter().map(|graph| graph.memory_bytes(&mut counted)).sum();
        size_of::<Model>() + ports * size_of::<TensorSpec>() + graphs
    }

    /// Returns the work of the last run in that workspace, in the unit of `ModelLimits::work`, if it was a run of this
    /// model with one window.
    pub fn last_run_work(&self, workspace: &Workspace) -> usize {
        self.limits.work.saturating_sub(workspace.scratch.budget.work_left())
    }

    /// Runs the model and returns its outputs. No state is kept: recurrent layers start from zeros and random noise is
    /// zero, so that equal inputs always give equal outputs.
    pub fn run(&self, workspace: &mut Workspace, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, RunError> {
        if inputs.len() != self.inputs.len() {
            return Err(RunError::Inputs { expected: self.inputs.len(), given: inputs.len() });
        }
        for (port, input) in self.inputs.iter().zip(&inputs) {
            port.check(input)?;
        }
        let windows = if self.is_batched() { inputs[0].dims().first().copied().unwrap_or(1) } else { 1 };
        workspace.scratch.budget = ResourceBudget::new(&self.limits, windows);
        let inputs = inputs.into_iter().map(Arc::new).collect();
        let outputs = Interpreter { graphs: &self.graphs, workspace }.run_subgraph(0, inputs, 0)?;
        let own = |value: Arc<Tensor>| Ok(Arc::unwrap_or_clone(value));
        outputs.into_iter().map(own).collect::<Result<_, InterpreterError>>().map_err(RunError::from)
    }
}

impl TensorSpec {
    fn of(slot: &TensorInfo) -> TensorSpec {
        TensorSpec { name: slot.name.clone(), dims: slot.dims.clone() }
    }

    fn check(&self, input: &Tensor) -> Result<(), RunError> {
        let fits = |(taken, shape): (&Option<usize>, &usize)| taken.is_none_or(|taken| taken == *shape);
        let is_same = input.dims().len() == self.dims.len() && self.dims.iter().zip(input.dims()).all(fits);
        if is_same {
            return Ok(());
        }
        let dims = self.dims.iter().map(|dim| dim.map_or_else(|| "any".to_owned(), |dim| dim.to_string()));
        Err(RunError::Dims {
            name: self.name.clone(),
            expected: format!("[{}]", dims.collect::<Vec<_>>().join(", ")),
            given: input.dims().to_vec(),
        })
    }
}
