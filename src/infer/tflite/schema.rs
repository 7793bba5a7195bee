//! TensorFlow Lite schema, version 3: parses a file into graphs in which every index is in range.
//!
//! Slot numbers are the order of fields in TensorFlow's schema.fbs (Model, SubGraph, Tensor, Buffer, Operator,
//! OperatorCode).

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::builtin_operator as opcode;
use super::constant_tensors::{self, FakeQuant, QuantizationParameters, TensorType};
use super::error::{InterpreterError, LoadError};
use super::flatbuffer::FlatbufferTable;
use super::limits::{ModelLimits, ResourceBudget};
use super::operator_names;
use super::ops::{Kernel, OperatorSpec};
use super::shape::{MAX_RANK, Shape};
use super::subgraph::{Node, Subgraph, TensorInfo};
use super::tensor::{Tensor, TensorData};

/// Operators that read variables, which an initialiser outside the file would have written.
const VARIABLE_OPERATORS: [i32; 4] =
    [opcode::CALL_ONCE, opcode::VAR_HANDLE, opcode::READ_VARIABLE, opcode::ASSIGN_VARIABLE];
/// Maximum number of unsupported operators named in an error: more than any converted model has.
const MAX_REPORTED_OPERATORS: usize = 64;

struct ModelReader<'a> {
    bytes: &'a [u8],
    buffers: Vec<FlatbufferTable<'a>>,
    operator_codes: Vec<(i32, String)>,
    subgraph_count: usize,
    /// Remaining allowance of tensors and operators.
    tensors_left: usize,
    budget: &'a mut ResourceBudget,
    /// Names without duplicates, at most `MAX_REPORTED_OPERATORS`: fifty thousand operators may share one code.
    unsupported: BTreeSet<String>,
    has_variables: bool,
}

/// Reads the subgraphs of a file, the main graph first, and charges their values to `budget`.
pub fn read(
    bytes: &[u8],
    limits: &ModelLimits,
    budget: &mut ResourceBudget,
) -> Result<Vec<Subgraph>, LoadError> {
    if bytes.len() > limits.bytes {
        return Err(LoadError::Limit("bytes"));
    }
    if bytes.get(4..8) != Some(b"TFL3") {
        return Err(LoadError::NotTflite);
    }
    let allowance = Cell::new(bytes.len().saturating_mul(2));
    let model = FlatbufferTable::root(bytes, &allowance)?;
    let most = limits.tensors;
    let graphs = model.tables(2, most)?;
    let mut file = ModelReader {
        bytes,
        buffers: model.tables(4, most)?,
        operator_codes: read_operator_codes(&model, most)?,
        subgraph_count: graphs.len(),
        tensors_left: most,
        budget,
        unsupported: BTreeSet::new(),
        has_variables: false,
    };
    let read: Result<Vec<Subgraph>, InterpreterError> =
        graphs.into_iter().map(|graph| file.read_subgraph(graph)).collect();
    let read = read?;
    if file.has_variables {
        return Err(LoadError::Variables);
    }
    match file.unsupported.is_empty() {
        true if read.is_empty() => Err(LoadError::Inconsistent("it has no graph".to_owned())),
        true => Ok(read),
        false => Err(LoadError::Unsupported(file.unsupported.into_iter().collect())),
    }
}

/// Reads operator codes and custom names. The older field holds codes up to 127; the larger of both fields counts.
fn read_operator_codes(model: &FlatbufferTable, most: usize) -> Result<Vec<(i32, String)>, InterpreterError> {
    let read = |table: &FlatbufferTable| {
        let code = table.i32(3, 0)?.max(i32::from(table.i8(0, 0)?));
        Ok((code, if code == opcode::CUSTOM { table.name(1)? } else { String::new() }))
    };
    model.tables(1, most)?.iter().map(read).collect()
}

impl ModelReader<'_> {
    fn read_subgraph(&mut self, table: FlatbufferTable) -> Result<Subgraph, InterpreterError> {
        let tensors = table.tables(0, self.tensors_left)?;
        let nodes = table.tables(3, self.tensors_left)?;
        let left = self.tensors_left.checked_sub(tensors.len().max(nodes.len()));
        self.tensors_left = left.ok_or(InterpreterError::Limit("tensors"))?;
        let count = tensors.len();
        let mut graph = Subgraph {
            inputs: check_indices(table.ints(1)?, count)?,
            outputs: check_indices(table.ints(2)?, count)?,
            ..Subgraph::default()
        };
        for tensor in tensors {
            let (slot, constant) = self.read_tensor(tensor)?;
            graph.tensors.push(slot);
            graph.constants.push(constant);
        }
        for node in nodes {
            if let Some(node) = self.read_node(node, count)? {
                graph.nodes.push(node);
            }
        }
        Ok(graph)
    }

    fn read_tensor(
        &mut self,
        table: FlatbufferTable,
    ) -> Result<(TensorInfo, Option<Arc<Tensor>>), InterpreterError> {
        let (name, kind) = (table.name(3)?, TensorType::from_code(table.i8(1, 0)?));
        let quantisation = match table.table(4)? {
            Some(table) => QuantizationParameters {
                scales: table.floats(2)?,
                zeros: table.longs(3)?,
                axis: usize::try_from(table.i32(6, 0)?).map_err(|_| "a quantised axis is negative")?,
            },
            None => QuantizationParameters::default(),
        };
        // Without a signature the dimensions are fixed.
        let (dims, signature) = (table.ints(0)?, table.ints(7)?);
        if dims.len().max(signature.len()) > MAX_RANK {
            return Err("a tensor has more than eight dimensions".into());
        }
        let known = if signature.is_empty() { &dims } else { &signature };
        let grid = FakeQuant::from_parameters(kind, &quantisation);
        let slot = TensorInfo {
            name,
            kind,
            dims: known.iter().map(|dim| usize::try_from(*dim).ok()).collect(),
            fake_quant: grid,
        };
        let constant = match self.buffer(table.index(2)?)? {
            Some(bytes) => {
                let dims: Vec<i64> = dims.iter().map(|dim| i64::from(*dim)).collect();
                let shape = Shape::from_signed(&dims)?;
                let most = self.budget.elements_left();
                let value = constant_tensors::read_constant((kind, shape), &quantisation, bytes, most);
                Some(value.map_err(|fault| fault.in_operator(&slot.name))?)
            }
            // A tensor without values has no bytes either.
            None if table.index(2)? != 0 && dims == [0] => Some(empty(kind)?),
            None => None,
        };
        if let Some(constant) = &constant {
            self.budget.hold_elements(constant.element_count())?;
        }
        Ok((slot, constant.map(Arc::new)))
    }

    /// Returns the bytes of a buffer: from its table, or from elsewhere in the file if it exceeds a flatbuffer's size.
    fn buffer(&self, index: usize) -> Result<Option<&[u8]>, InterpreterError> {
        // The first buffer means "none".
        if index == 0 {
            return Ok(None);
        }
        let table = self.buffers.get(index).ok_or("a tensor names a buffer that is not there")?;
        let inside = table.bytes(0)?;
        if !inside.is_empty() {
            return Ok(Some(inside));
        }
        let (start, size) = (table.u64(1)?, table.u64(2)?);
        if start <= 1 {
            return Ok(None);
        }
        let end = start.checked_add(size).and_then(|end| usize::try_from(end).ok());
        let found = end.and_then(|end| self.bytes.get(usize::try_from(start).ok()?..end));
        found.map(Some).ok_or_else(|| "a buffer is out of the file".into())
    }

    /// Reads an operator. `None` if it is not supported, which is recorded.
    fn read_node(
        &mut self,
        table: FlatbufferTable,
        tensors: usize,
    ) -> Result<Option<Node>, InterpreterError> {
        let (code, custom) = self
            .operator_codes
            .get(table.index(0)?)
            .ok_or("an operator has a code that is not in the file")?;
        let inputs = table.ints(1)?;
        let inputs = inputs.into_iter().map(|index| match index {
            -1 => Ok(None),
            index => check_index(index, tensors).map(Some),
        });
        let inputs = inputs.collect::<Result<Vec<_>, InterpreterError>>()?;
        let outputs = check_indices(table.ints(2)?, tensors)?;
        self.budget.hold_elements(inputs.len() + outputs.len())?;
        let name =
            if *code == opcode::CUSTOM { Cow::Owned(custom.clone()) } else { operator_names::name(*code) };
        let call = OperatorSpec {
            code: *code,
            name: &name,
            options: table.table(4)?,
            inputs: &inputs,
            subgraph_count: self.subgraph_count,
        };
        match Kernel::read(&call) {
            Ok(kernel) => Ok(Some(Node { name, kernel, inputs, outputs, releases: Vec::new() })),
            Err(InterpreterError::Unsupported(name)) => {
                self.has_variables |= VARIABLE_OPERATORS.contains(code);
                if self.unsupported.len() < MAX_REPORTED_OPERATORS {
                    self.unsupported.insert(name);
                }
                Ok(None)
            }
            Err(fault) => Err(fault.in_operator(&name)),
        }
    }
}

fn empty(kind: TensorType) -> Result<Tensor, InterpreterError> {
    let data = if kind.is_real() { TensorData::Floats(Vec::new()) } else { TensorData::Integers(Vec::new()) };
    Tensor::new(Shape::from_dims(&[0])?, data)
}

fn check_index(index: i32, count: usize) -> Result<usize, InterpreterError> {
    let found = usize::try_from(index).ok().filter(|index| *index < count);
    found.ok_or_else(|| InterpreterError::from(format!("there is no tensor `{index}`")))
}

fn check_indices(indices: Vec<i32>, count: usize) -> Result<Vec<usize>, InterpreterError> {
    indices.into_iter().map(|index| check_index(index, count)).collect()
}
