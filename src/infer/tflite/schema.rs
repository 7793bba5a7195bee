//! The tables of a TensorFlow Lite file, version 3: from bytes to graphs whose every index is in range.
//!
//! Slot numbers are the order of fields in TensorFlow's schema.fbs (Model, SubGraph, Tensor, Buffer, Operator, OperatorCode).

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::constants::{self, Grid, Kind, Quantisation};
use super::error::{Fault, Refused};
use super::flatbuffer::Table;
use super::graph::{Graph, Node, Slot};
use super::limits::{Budget, Limits};
use super::names;
use super::ops::{Call, Kernel};
use super::shape::{MAX_RANK, Shape};
use super::tensor::{Data, Tensor};

/// Operators that read what an initialiser outside of the file would have written.
const VARIABLES: [i32; 4] = [129, 142, 143, 144];
const CUSTOM: i32 = 32;
/// Operators that are not supported and are named in a refusal: more than any model has that a converter made.
const MAX_TOLD: usize = 64;

struct File<'a> {
    bytes: &'a [u8],
    buffers: Vec<Table<'a>>,
    operators: Vec<(i32, String)>,
    graphs: usize,
    /// Tensors and operators that may still come.
    tensors: usize,
    budget: &'a mut Budget,
    /// By name, each once, the first `MAX_TOLD` of them: fifty thousand operators may all be of one code.
    unsupported: BTreeSet<String>,
    has_variables: bool,
}

/// The subgraphs of a file, the model itself first. What they hold is charged to `budget`.
pub fn read(bytes: &[u8], limits: &Limits, budget: &mut Budget) -> Result<Vec<Graph>, Refused> {
    if bytes.len() > limits.bytes {
        return Err(Refused::Limit("bytes"));
    }
    if bytes.get(4..8) != Some(b"TFL3") {
        return Err(Refused::NotTflite);
    }
    let allowance = Cell::new(bytes.len().saturating_mul(2));
    let model = Table::root(bytes, &allowance)?;
    let most = limits.tensors;
    let graphs = model.tables(2, most)?;
    let mut file = File {
        bytes,
        buffers: model.tables(4, most)?,
        operators: operators(&model, most)?,
        graphs: graphs.len(),
        tensors: most,
        budget,
        unsupported: BTreeSet::new(),
        has_variables: false,
    };
    let read: Result<Vec<Graph>, Fault> = graphs.into_iter().map(|graph| file.graph(graph)).collect();
    let read = read?;
    if file.has_variables {
        return Err(Refused::Variables);
    }
    match file.unsupported.is_empty() {
        true if read.is_empty() => Err(Refused::Inconsistent("it has no graph".to_owned())),
        true => Ok(read),
        false => Err(Refused::Unsupported(file.unsupported.into_iter().collect())),
    }
}

/// Codes with the names of custom ones. The field for codes up to 127 came first; the larger of both is meant.
fn operators(model: &Table, most: usize) -> Result<Vec<(i32, String)>, Fault> {
    let read = |table: &Table| {
        let code = table.i32(3, 0)?.max(i32::from(table.i8(0, 0)?));
        Ok((code, if code == CUSTOM { table.name(1)? } else { String::new() }))
    };
    model.tables(1, most)?.iter().map(read).collect()
}

impl File<'_> {
    fn graph(&mut self, table: Table) -> Result<Graph, Fault> {
        let tensors = table.tables(0, self.tensors)?;
        let nodes = table.tables(3, self.tensors)?;
        let left = self.tensors.checked_sub(tensors.len().max(nodes.len()));
        self.tensors = left.ok_or(Fault::Limit("tensors"))?;
        let count = tensors.len();
        let mut graph = Graph {
            inputs: indices(table.ints(1)?, count)?,
            outputs: indices(table.ints(2)?, count)?,
            ..Graph::default()
        };
        for tensor in tensors {
            let (slot, constant) = self.tensor(tensor)?;
            graph.slots.push(slot);
            graph.constants.push(constant);
        }
        for node in nodes {
            if let Some(node) = self.node(node, count)? {
                graph.nodes.push(node);
            }
        }
        Ok(graph)
    }

    fn tensor(&mut self, table: Table) -> Result<(Slot, Option<Arc<Tensor>>), Fault> {
        let (name, kind) = (table.name(3)?, Kind::of(table.i8(1, 0)?));
        let quantisation = match table.table(4)? {
            Some(table) => Quantisation {
                scales: table.floats(2)?,
                zeros: table.longs(3)?,
                axis: usize::try_from(table.i32(6, 0)?).map_err(|_| "a quantised axis is negative")?,
            },
            None => Quantisation::default(),
        };
        // A missing signature means that the dimensions are fixed.
        let (dims, signature) = (table.ints(0)?, table.ints(7)?);
        if dims.len().max(signature.len()) > MAX_RANK {
            return Err("a tensor has more than eight dimensions".into());
        }
        let known = if signature.is_empty() { &dims } else { &signature };
        let grid = Grid::of(kind, &quantisation);
        let slot =
            Slot { name, kind, dims: known.iter().map(|dim| usize::try_from(*dim).ok()).collect(), grid };
        let constant = match self.buffer(table.index(2)?)? {
            Some(bytes) => {
                let dims: Vec<i64> = dims.iter().map(|dim| i64::from(*dim)).collect();
                let shape = Shape::of_signed(&dims)?;
                let most = self.budget.left();
                let value = constants::read((kind, shape), &quantisation, bytes, most);
                Some(value.map_err(|fault| fault.within(&slot.name))?)
            }
            // One of no values has no bytes either.
            None if table.index(2)? != 0 && dims == [0] => Some(empty(kind)?),
            None => None,
        };
        if let Some(constant) = &constant {
            self.budget.hold(constant.weight())?;
        }
        Ok((slot, constant.map(Arc::new)))
    }

    /// The bytes of a buffer: in its table, or elsewhere in the file where it is larger than a flatbuffer may be.
    fn buffer(&self, index: usize) -> Result<Option<&[u8]>, Fault> {
        // The first buffer stands for "none".
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

    /// `None` where the operator is not supported, which is noted.
    fn node(&mut self, table: Table, tensors: usize) -> Result<Option<Node>, Fault> {
        let (code, custom) =
            self.operators.get(table.index(0)?).ok_or("an operator has a code that is not in the file")?;
        let inputs = table.ints(1)?;
        let inputs = inputs.into_iter().map(|index| match index {
            -1 => Ok(None),
            index => checked(index, tensors).map(Some),
        });
        let inputs = inputs.collect::<Result<Vec<_>, Fault>>()?;
        let outputs = indices(table.ints(2)?, tensors)?;
        self.budget.hold(inputs.len() + outputs.len())?;
        let name = if *code == CUSTOM { Cow::Owned(custom.clone()) } else { names::of(*code) };
        let call =
            Call { code: *code, name: &name, options: table.table(4)?, inputs: &inputs, graphs: self.graphs };
        match Kernel::read(&call) {
            Ok(kernel) => Ok(Some(Node { name, kernel, inputs, outputs, releases: Vec::new() })),
            Err(Fault::Unsupported(name)) => {
                self.has_variables |= VARIABLES.contains(code);
                if self.unsupported.len() < MAX_TOLD {
                    self.unsupported.insert(name);
                }
                Ok(None)
            }
            Err(fault) => Err(fault.within(&name)),
        }
    }
}

fn empty(kind: Kind) -> Result<Tensor, Fault> {
    let data = if kind.is_real() { Data::Floats(Vec::new()) } else { Data::Integers(Vec::new()) };
    Tensor::new(Shape::of(&[0])?, data)
}

fn checked(index: i32, count: usize) -> Result<usize, Fault> {
    let found = usize::try_from(index).ok().filter(|index| *index < count);
    found.ok_or_else(|| Fault::from(format!("there is no tensor `{index}`")))
}

fn indices(indices: Vec<i32>, count: usize) -> Result<Vec<usize>, Fault> {
    indices.into_iter().map(|index| checked(index, count)).collect()
}
