//! A loaded model: what it takes and gives, and running it.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::{Fault, Refused, RunError};
use super::fold;
use super::graph::{Graph, Slot};
use super::limits::{Budget, Limits};
use super::run::Run;
use super::schema;
use super::tensor::Tensor;
use super::workspace::Workspace;

/// A model that can be run: immutable, to be shared between threads. Each runner has a [`Workspace`] of its own.
#[derive(Debug)]
pub struct Model {
    graphs: Vec<Graph>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    limits: Limits,
}

/// An input or output. Its values are real numbers, also where the model computes with quantised ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// As the converter named it; often without meaning to a user.
    pub name: String,
    /// `None` where the model takes any length. Of an output, only what is known without running it.
    pub dims: Vec<Option<usize>>,
}

impl Model {
    /// Reads a model and prepares it to be run. Takes no more memory and time than `limits` say, whatever the bytes are.
    pub fn load(bytes: &[u8], limits: Limits) -> Result<Model, Refused> {
        Model::load_as(bytes, limits, true)
    }

    /// The same, with recurrent layers as the loops they are written as.
    #[cfg(test)]
    pub(super) fn load_loops(bytes: &[u8], limits: Limits) -> Result<Model, Refused> {
        Model::load_as(bytes, limits, false)
    }

    /// How many loops there are, and how many of them are layers.
    #[cfg(test)]
    pub(super) fn loops(&self) -> (usize, usize) {
        let nodes = self.graphs.iter().flat_map(|graph| &graph.nodes);
        let loops = nodes.filter_map(|node| match &node.kernel {
            super::ops::Kernel::While { layer, .. } => Some(layer.is_some()),
            _ => None,
        });
        loops.fold((0, 0), |(all, layers), is_layer| (all + 1, layers + usize::from(is_layer)))
    }

    fn load_as(bytes: &[u8], limits: Limits, has_layers: bool) -> Result<Model, Refused> {
        let mut workspace = Workspace::new();
        let scratch = &mut workspace.scratch;
        scratch.budget = Budget::new(&limits, 1);
        let mut graphs = schema::read(bytes, &limits, &mut scratch.budget)?;
        for graph in &mut graphs {
            fold::constants(graph, scratch)?;
            graph.plan();
        }
        if has_layers {
            fold::layers(&mut graphs, &mut scratch.budget)?;
        }
        graphs.iter_mut().for_each(Graph::shrink);
        let main = &graphs[0];
        if main.inputs.is_empty() || main.outputs.is_empty() {
            return Err(Refused::Inconsistent("it has no inputs or no outputs".to_owned()));
        }
        let is_taken = |slot: &Slot| slot.kind.is_real() || slot.grid.is_some();
        if let Some(slot) = main.inputs.iter().map(|slot| &main.slots[*slot]).find(|slot| !is_taken(slot)) {
            return Err(Refused::Unsupported(vec![format!(
                "input `{}`, which is no real numbers",
                slot.name
            )]));
        }
        let ports = |slots: &[usize]| slots.iter().map(|slot| Port::of(&main.slots[*slot])).collect();
        let (inputs, outputs) = (ports(&main.inputs), ports(&main.outputs));
        Ok(Model { inputs, outputs, graphs, limits })
    }

    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// Whether the leading dimension of every input is free, so that many windows can be given to one run.
    pub fn is_batched(&self) -> bool {
        self.inputs.iter().all(|port| port.dims.first() == Some(&None))
    }

    /// Bytes it takes in memory, as long as it is loaded.
    pub fn bytes(&self) -> usize {
        let mut counted = HashSet::new();
        let ports = self.inputs.len() + self.outputs.len();
        let graphs: usize = self.graphs.iter().map(|graph| graph.bytes(&mut counted)).sum();
        size_of::<Model>() + ports * size_of::<Port>() + graphs
    }

    /// The work of the last run in that workspace, if it was of this model and of one window; in the unit of `Limits::work`.
    pub fn worked(&self, workspace: &Workspace) -> usize {
        self.limits.work.saturating_sub(workspace.scratch.budget.work_left())
    }

    /// The outputs for these inputs. Nothing is remembered: recurrent layers begin from zeros, and noise that a model draws
    /// is zero, so that the same inputs always have the same outputs.
    pub fn run(&self, workspace: &mut Workspace, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, RunError> {
        if inputs.len() != self.inputs.len() {
            return Err(RunError::Inputs { expected: self.inputs.len(), given: inputs.len() });
        }
        for (port, input) in self.inputs.iter().zip(&inputs) {
            port.check(input)?;
        }
        let windows = if self.is_batched() { inputs[0].dims().first().copied().unwrap_or(1) } else { 1 };
        workspace.scratch.budget = Budget::new(&self.limits, windows);
        let inputs = inputs.into_iter().map(Arc::new).collect();
        let outputs = Run { graphs: &self.graphs, workspace }.graph(0, inputs, 0)?;
        let own = |value: Arc<Tensor>| Ok(Arc::unwrap_or_clone(value));
        outputs.into_iter().map(own).collect::<Result<_, Fault>>().map_err(RunError::from)
    }
}

impl Port {
    fn of(slot: &Slot) -> Port {
        Port { name: slot.name.clone(), dims: slot.dims.clone() }
    }

    fn check(&self, input: &Tensor) -> Result<(), RunError> {
        let fits = |(taken, given): (&Option<usize>, &usize)| taken.is_none_or(|taken| taken == *given);
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
