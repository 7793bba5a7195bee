//! What of a graph does not depend on its inputs is computed once, when it is loaded.
//!
//! Weights of 16 bits are written as constants behind a DEQUANTIZE each; without this they would be converted in every run.

use std::sync::Arc;

use super::error::Fault;
use super::graph::Graph;
use super::limits::Budget;
use super::ops::{self, Inputs, Kernel};
use super::recurrent;
use super::tensor::Tensor;
use super::workspace::Scratch;

/// Replaces operators whose inputs are all constant by what they give. One that fails stays, and fails when it is run.
pub fn constants(graph: &mut Graph, scratch: &mut Scratch) -> Result<(), Fault> {
    let nodes = std::mem::take(&mut graph.nodes);
    for node in nodes {
        let is_constant = |slot: &Option<usize>| slot.is_none_or(|slot| graph.constants[slot].is_some());
        if !node.kernel.is_pure() || node.inputs.is_empty() || !node.inputs.iter().all(is_constant) {
            graph.nodes.push(node);
            continue;
        }
        let inputs = Inputs { slots: &node.inputs, constants: &graph.constants, values: &[] };
        let mut outputs: Vec<Arc<Tensor>> = Vec::new();
        let done = match inputs.shared(0) {
            Some(first) if node.kernel.takes_first() => {
                ops::run_on(&node.kernel, first, &inputs, scratch).map(|output| outputs.push(output))
            }
            _ => ops::run(&node.kernel, &inputs, scratch, &mut outputs),
        };
        match done {
            Ok(()) if outputs.len() == node.outputs.len() => {
                for (slot, mut value) in node.outputs.iter().zip(outputs) {
                    if let Some(grid) = &graph.slots[*slot].grid
                        && let Some(values) = Arc::make_mut(&mut value).floats_mut()
                    {
                        grid.round(values);
                    }
                    scratch.budget.hold(value.weight())?;
                    graph.constants[*slot] = Some(value);
                }
            }
            Err(Fault::Limit(what)) => return Err(Fault::Limit(what)),
            _ => graph.nodes.push(node),
        }
    }
    for node in &mut graph.nodes {
        let inputs = Inputs { slots: &node.inputs, constants: &graph.constants, values: &[] };
        let kept = node.kernel.prepare(&inputs, &mut scratch.budget);
        let kept = kept.map_err(|fault| fault.within(&node.name))?;
        scratch.budget.hold(kept)?;
        graph.prepared += kept;
    }
    Ok(())
}

/// Finds the loops that are recurrent layers. All graphs are folded by then.
pub fn layers(graphs: &mut [Graph], budget: &mut Budget) -> Result<(), Fault> {
    let mut found = Vec::new();
    for (at, graph) in graphs.iter().enumerate() {
        for (node, kernel) in graph.nodes.iter().map(|node| &node.kernel).enumerate() {
            let Kernel::While { condition, body, .. } = kernel else { continue };
            if let Some(turns) = recurrent::recognise(&graphs[*condition], &graphs[*body], budget)? {
                budget.hold(turns.layer.size())?;
                found.push((at, node, turns));
            }
        }
    }
    for (at, node, turns) in found {
        graphs[at].prepared += turns.layer.size();
        if let Kernel::While { layer, .. } = &mut graphs[at].nodes[node].kernel {
            *layer = Some(Box::new(turns));
        }
    }
    Ok(())
}
