//! Constant folding and loop fusion at load: everything that does not depend on inputs is computed once.
//!
//! Converters write 16-bit weights as constants behind DEQUANTIZE; without folding, every run would convert them.

use std::sync::Arc;

use super::error::InterpreterError;
use super::limits::ResourceBudget;
use super::ops::{self, Inputs, Kernel};
use super::recurrent;
use super::subgraph::Subgraph;
use super::tensor::Tensor;
use super::workspace::Scratch;

/// Replaces operators with constant inputs by their results. An operator that fails stays, and fails when it is run.
pub fn fold_constants(graph: &mut Subgraph, scratch: &mut Scratch) -> Result<(), InterpreterError> {
    let nodes = std::mem::take(&mut graph.nodes);
    for node in nodes {
        let is_constant = |slot: &Option<usize>| slot.is_none_or(|slot| graph.constants[slot].is_some());
        if !node.kernel.is_pure() || node.inputs.is_empty() || !node.inputs.iter().all(is_constant) {
            graph.nodes.push(node);
            continue;
        }
        let inputs = Inputs { indices: &node.inputs, constants: &graph.constants, values: &[] };
        let mut outputs: Vec<Arc<Tensor>> = Vec::new();
        let done = match inputs.shared(0) {
            Some(first) if node.kernel.runs_in_place() => {
                ops::run_in_place(&node.kernel, first, &inputs, scratch).map(|output| outputs.push(output))
            }
            _ => ops::run(&node.kernel, &inputs, scratch, &mut outputs),
        };
        match done {
            Ok(()) if outputs.len() == node.outputs.len() => {
                for (slot, mut value) in node.outputs.iter().zip(outputs) {
                    if let Some(grid) = &graph.tensors[*slot].fake_quant
                        && let Some(values) = Arc::make_mut(&mut value).as_floats_mut()
                    {
                        grid.round(values);
                    }
                    scratch.budget.hold_elements(value.element_count())?;
                    graph.constants[*slot] = Some(value);
                }
            }
            Err(InterpreterError::Limit(what)) => return Err(InterpreterError::Limit(what)),
            _ => graph.nodes.push(node),
        }
    }
    for node in &mut graph.nodes {
        let inputs = Inputs { indices: &node.inputs, constants: &graph.constants, values: &[] };
        let kept = node.kernel.prepare(&inputs, &mut scratch.budget);
        let kept = kept.map_err(|fault| fault.in_operator(&node.name))?;
        scratch.budget.hold_elements(kept)?;
        graph.prepared_values += kept;
    }
    Ok(())
}

/// Fuses the loops that are recurrent layers. All graphs must be folded before.
pub fn fuse_recurrent_loops(
    graphs: &mut [Subgraph],
    budget: &mut ResourceBudget,
) -> Result<(), InterpreterError> {
    let mut found = Vec::new();
    for (at, graph) in graphs.iter().enumerate() {
        for (node, kernel) in graph.nodes.iter().map(|node| &node.kernel).enumerate() {
            let Kernel::While { condition, body, .. } = kernel else { continue };
            if let Some(fused_loop) =
                recurrent::match_recurrent_loop(&graphs[*condition], &graphs[*body], budget)?
            {
                budget.hold_elements(fused_loop.layer.size())?;
                found.push((at, node, fused_loop));
            }
        }
    }
    for (at, node, fused_loop) in found {
        graphs[at].prepared_values += fused_loop.layer.size();
        if let Kernel::While { layer, .. } = &mut graphs[at].nodes[node].kernel {
            *layer = Some(Box::new(fused_loop));
        }
    }
    Ok(())
}
