//! Running subgraphs: operators in their order, loops, and letting values go as soon as nobody reads them.

use std::sync::Arc;

use super::error::Fault;
use super::graph::{Graph, Node};
use super::ops::{self, Inputs, Kernel};
use super::tensor::{Data, Tensor};
use super::workspace::{Frame, Scratch, Workspace};

/// Loops in loops deeper than this are refused: no converter nests them, and each level takes stack.
const MAX_DEPTH: usize = 8;

/// A run of one model.
pub struct Run<'a> {
    pub graphs: &'a [Graph],
    pub workspace: &'a mut Workspace,
}

impl Run<'_> {
    /// The outputs of subgraph `index` for these inputs.
    pub fn graph(
        &mut self,
        index: usize,
        inputs: Vec<Arc<Tensor>>,
        depth: usize,
    ) -> Result<Vec<Arc<Tensor>>, Fault> {
        let graphs = self.graphs;
        let graph = graphs.get(index).ok_or("a loop names a graph that is not there")?;
        if depth == MAX_DEPTH {
            return Err(Fault::Limit("nested loops"));
        }
        if inputs.len() != graph.inputs.len() {
            return Err("a loop has other values than its graphs take".into());
        }
        self.workspace.scratch.budget.work(&[graph.slots.len()])?;
        let mut frame = self.workspace.frames.pop().unwrap_or_default();
        frame.resize(graph.slots.len(), None);
        let done = self.nodes(graph, &mut frame, inputs, depth);
        for value in frame.drain(..).flatten() {
            self.workspace.scratch.budget.release(value.weight());
            self.workspace.scratch.recycle(value);
        }
        self.workspace.frames.push(frame);
        done
    }

    fn nodes(
        &mut self,
        graph: &Graph,
        frame: &mut Frame,
        inputs: Vec<Arc<Tensor>>,
        depth: usize,
    ) -> Result<Vec<Arc<Tensor>>, Fault> {
        for (slot, value) in graph.inputs.iter().zip(inputs) {
            store(graph, frame, &mut self.workspace.scratch, (*slot, value))?;
        }
        let mut outputs = Vec::new();
        for node in &graph.nodes {
            let budget = &mut self.workspace.scratch.budget;
            budget.step()?;
            budget.work(&[1 + node.inputs.len() + node.outputs.len() + node.releases.len()])?;
            self.node(graph, node, frame, (&mut outputs, depth)).map_err(|fault| fault.within(&node.name))?;
            if outputs.len() != node.outputs.len() {
                return Err(Fault::from("it has another number of outputs").within(&node.name));
            }
            for output in node.outputs.iter().copied().zip(outputs.drain(..)) {
                store(graph, frame, &mut self.workspace.scratch, output)?;
            }
            for slot in &node.releases {
                release(frame, &mut self.workspace.scratch, *slot);
            }
        }
        let output = |slot: &usize| graph.constants[*slot].clone().or_else(|| frame[*slot].clone());
        graph.outputs.iter().map(|slot| output(slot).ok_or("an output is never computed".into())).collect()
    }

    fn node(
        &mut self,
        graph: &Graph,
        node: &Node,
        frame: &mut Frame,
        (outputs, depth): (&mut Vec<Arc<Tensor>>, usize),
    ) -> Result<(), Fault> {
        if let Kernel::While { condition, body, layer } = &node.kernel {
            let state = node.inputs.iter().map(|slot| {
                let slot = slot.ok_or("it has an input that is left out")?;
                let value = graph.constants[slot].as_ref().or(frame[slot].as_ref());
                value.cloned().ok_or(Fault::from("it has an input that is never computed"))
            });
            let state = state.collect::<Result<Vec<_>, _>>()?;
            let at_once = match layer {
                Some(layer) => layer.run(&state, &mut self.workspace.scratch)?,
                None => None,
            };
            *outputs = match at_once {
                Some(values) => values,
                None => self.turns((*condition, *body), state, depth)?,
            };
            return Ok(());
        }
        let scratch = &mut self.workspace.scratch;
        if node.kernel.takes_first() {
            let first = take(graph, frame, node, scratch)?;
            let inputs = Inputs { slots: &node.inputs, constants: &graph.constants, values: frame };
            outputs.push(ops::run_on(&node.kernel, first, &inputs, scratch)?);
            return Ok(());
        }
        let inputs = Inputs { slots: &node.inputs, constants: &graph.constants, values: frame };
        ops::run(&node.kernel, &inputs, scratch, outputs)
    }

    /// A loop: `body` turns its values into the next ones as long as `condition` says so.
    fn turns(
        &mut self,
        (condition, body): (usize, usize),
        mut state: Vec<Arc<Tensor>>,
        depth: usize,
    ) -> Result<Vec<Arc<Tensor>>, Fault> {
        loop {
            self.workspace.scratch.budget.step()?;
            let goes_on = self.graph(condition, state.clone(), depth + 1)?;
            if goes_on.first().ok_or("its condition gives nothing")?.integer()? == 0 {
                return Ok(state);
            }
            state = self.graph(body, state, depth + 1)?;
        }
    }
}

/// The first input of a node by value: its own where nobody reads it afterwards, so that it can be changed in place.
fn take(graph: &Graph, frame: &mut Frame, node: &Node, scratch: &mut Scratch) -> Result<Arc<Tensor>, Fault> {
    let missing = || Fault::from("its first input is missing");
    let slot = node.inputs.first().copied().flatten().ok_or_else(missing)?;
    if let Some(constant) = &graph.constants[slot] {
        return Ok(constant.clone());
    }
    let is_read_once = node.inputs.iter().filter(|other| **other == Some(slot)).count() == 1;
    if is_read_once && node.releases.contains(&slot) {
        let value = frame[slot].take().ok_or_else(missing)?;
        scratch.budget.release(value.weight());
        return Ok(value);
    }
    frame[slot].clone().ok_or_else(missing)
}

/// Keeps a value for the operators to come, on the grid of its tensor where that is quantised.
fn store(
    graph: &Graph,
    frame: &mut Frame,
    scratch: &mut Scratch,
    (slot, mut value): (usize, Arc<Tensor>),
) -> Result<(), Fault> {
    let weight = value.weight();
    if graph.slots[slot].grid.is_some() || matches!(value.data(), Data::List(_)) {
        scratch.budget.work(&[weight])?;
    }
    if let Some(grid) = &graph.slots[slot].grid
        && let Some(values) = Arc::make_mut(&mut value).floats_mut()
    {
        grid.round(values);
    }
    scratch.budget.hold(weight)?;
    release(frame, scratch, slot);
    frame[slot] = Some(value);
    Ok(())
}

fn release(frame: &mut Frame, scratch: &mut Scratch, slot: usize) {
    if let Some(value) = frame[slot].take() {
        scratch.budget.release(value.weight());
        scratch.recycle(value);
    }
}
