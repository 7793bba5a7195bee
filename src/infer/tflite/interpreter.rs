//! Interpreter: runs operators in order and loops, and releases values as soon as nothing reads them.

use std::sync::Arc;

use super::error::InterpreterError;
use super::ops::{self, Inputs, Kernel};
use super::subgraph::{Node, Subgraph};
use super::tensor::{Tensor, TensorData};
use super::workspace::{Frame, Scratch, Workspace};

/// Maximum nesting of loops: converters do not nest them, and each level takes stack.
const MAX_LOOP_DEPTH: usize = 8;

/// One run of a model.
pub struct Interpreter<'a> {
    /// All subgraphs of the model; number 0 is the model itself.
    pub graphs: &'a [Subgraph],
    /// Buffers, frames and the budget of this run.
    pub workspace: &'a mut Workspace,
}

impl Interpreter<'_> {
    /// Runs subgraph `index` on these inputs and returns its outputs.
    pub fn run_subgraph(
        &mut self,
        index: usize,
        inputs: Vec<Arc<Tensor>>,
        depth: usize,
    ) -> Result<Vec<Arc<Tensor>>, InterpreterError> {
        let graphs = self.graphs;
        let graph = graphs.get(index).ok_or("a loop names a graph that is not there")?;
        if depth == MAX_LOOP_DEPTH {
            return Err(InterpreterError::Limit("nested loops"));
        }
        if inputs.len() != graph.inputs.len() {
            return Err("a loop has other values than its graphs take".into());
        }
        self.workspace.scratch.budget.charge_work(&[graph.tensors.len()])?;
        let mut frame = self.workspace.frames.pop().unwrap_or_default();
        frame.resize(graph.tensors.len(), None);
        let done = self.run_nodes(graph, &mut frame, inputs, depth);
        for value in frame.drain(..).flatten() {
            self.workspace.scratch.budget.release_elements(value.element_count());
            self.workspace.scratch.recycle(value);
        }
        self.workspace.frames.push(frame);
        done
    }

    fn run_nodes(
        &mut self,
        graph: &Subgraph,
        frame: &mut Frame,
        inputs: Vec<Arc<Tensor>>,
        depth: usize,
    ) -> Result<Vec<Arc<Tensor>>, InterpreterError> {
        for (slot, value) in graph.inputs.iter().zip(inputs) {
            store(graph, frame, &mut self.workspace.scratch, (*slot, value))?;
        }
        let mut outputs = Vec::new();
        for node in &graph.nodes {
            let budget = &mut self.workspace.scratch.budget;
            budget.charge_step()?;
            budget.charge_work(&[1 + node.inputs.len() + node.outputs.len() + node.releases.len()])?;
            self.run_node(graph, node, frame, (&mut outputs, depth))
                .map_err(|fault| fault.in_operator(&node.name))?;
            if outputs.len() != node.outputs.len() {
                return Err(
                    InterpreterError::from("it has another number of outputs").in_operator(&node.name)
                );
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

    fn run_node(
        &mut self,
        graph: &Subgraph,
        node: &Node,
        frame: &mut Frame,
        (outputs, depth): (&mut Vec<Arc<Tensor>>, usize),
    ) -> Result<(), InterpreterError> {
        if let Kernel::While { condition, body, layer } = &node.kernel {
            let state = node.inputs.iter().map(|slot| {
                let slot = slot.ok_or("it has an input that is left out")?;
                let value = graph.constants[slot].as_ref().or(frame[slot].as_ref());
                value.cloned().ok_or(InterpreterError::from("it has an input that is never computed"))
            });
            let state = state.collect::<Result<Vec<_>, _>>()?;
            let at_once = match layer {
                Some(layer) => layer.run(&state, &mut self.workspace.scratch)?,
                None => None,
            };
            *outputs = match at_once {
                Some(values) => values,
                None => self.run_loop((*condition, *body), state, depth)?,
            };
            return Ok(());
        }
        let scratch = &mut self.workspace.scratch;
        if node.kernel.runs_in_place() {
            let first = take_first_input(graph, frame, node, scratch)?;
            let inputs = Inputs { indices: &node.inputs, constants: &graph.constants, values: frame };
            outputs.push(ops::run_in_place(&node.kernel, first, &inputs, scratch)?);
            return Ok(());
        }
        let inputs = Inputs { indices: &node.inputs, constants: &graph.constants, values: frame };
        ops::run(&node.kernel, &inputs, scratch, outputs)
    }

    /// Runs a loop: `body` computes the next values while `condition` holds.
    fn run_loop(
        &mut self,
        (condition, body): (usize, usize),
        mut state: Vec<Arc<Tensor>>,
        depth: usize,
    ) -> Result<Vec<Arc<Tensor>>, InterpreterError> {
        loop {
            self.workspace.scratch.budget.charge_step()?;
            let goes_on = self.run_subgraph(condition, state.clone(), depth + 1)?;
            if goes_on.first().ok_or("its condition gives nothing")?.first_integer()? == 0 {
                return Ok(state);
            }
            state = self.run_subgraph(body, state, depth + 1)?;
        }
    }
}

/// Returns the first input of a node by value; unshared if nothing reads it afterwards, so that it can change in place.
fn take_first_input(
    graph: &Subgraph,
    frame: &mut Frame,
    node: &Node,
    scratch: &mut Scratch,
) -> Result<Arc<Tensor>, InterpreterError> {
    let missing = || InterpreterError::from("its first input is missing");
    let slot = node.inputs.first().copied().flatten().ok_or_else(missing)?;
    if let Some(constant) = &graph.constants[slot] {
        return Ok(constant.clone());
    }
    let is_read_once = node.inputs.iter().filter(|other| **other == Some(slot)).count() == 1;
    if is_read_once && node.releases.contains(&slot) {
        let value = frame[slot].take().ok_or_else(missing)?;
        scratch.budget.release_elements(value.element_count());
        return Ok(value);
    }
    frame[slot].clone().ok_or_else(missing)
}

/// Stores an output for later operators, rounded to the grid of its tensor if that is quantised.
fn store(
    graph: &Subgraph,
    frame: &mut Frame,
    scratch: &mut Scratch,
    (slot, mut value): (usize, Arc<Tensor>),
) -> Result<(), InterpreterError> {
    let weight = value.element_count();
    if graph.tensors[slot].fake_quant.is_some() || matches!(value.data(), TensorData::List(_)) {
        scratch.budget.charge_work(&[weight])?;
    }
    if let Some(grid) = &graph.tensors[slot].fake_quant
        && let Some(values) = Arc::make_mut(&mut value).as_floats_mut()
    {
        grid.round(values);
    }
    scratch.budget.hold_elements(weight)?;
    release(frame, scratch, slot);
    frame[slot] = Some(value);
    Ok(())
}

fn release(frame: &mut Frame, scratch: &mut Scratch, slot: usize) {
    if let Some(value) = frame[slot].take() {
        scratch.budget.release_elements(value.element_count());
        scratch.recycle(value);
    }
}
