//! The operators: one enum of everything supported, read from the file once, and run many times.
//!
//! Each family has a file with its options, its reading and its arithmetic. Shapes are computed here and now: nothing is
//! inferred beforehand, so free dimensions, loops and lists need no special case.

mod activation;
pub mod arithmetic;
mod batches;
mod convolution;
mod dense;
mod depthwise;
mod gather;
mod join;
mod list;
mod lstm;
pub mod map;
mod pad;
mod pool;
mod reduce;
mod reshape;
mod reverse;
mod slice;
mod softmax;
mod split;
mod transpose;
mod transposed;

use std::sync::Arc;

use super::error::Fault;
use super::flatbuffer::Table;
use super::limits::Budget;
use super::recurrent::Turns;
use super::tensor::Tensor;
use super::workspace::Scratch;

use activation::Activation;

/// An operator as the file has it.
pub struct Call<'a> {
    pub code: i32,
    /// Of the operator, or of the custom one that it stands for.
    pub name: &'a str,
    pub options: Option<Table<'a>>,
    pub inputs: &'a [Option<usize>],
    /// How many subgraphs there are.
    pub graphs: usize,
}

/// An operator with its options.
#[derive(Debug)]
pub enum Kernel {
    Arithmetic(arithmetic::Arithmetic),
    BatchesToSpace,
    Concatenation {
        axis: i64,
    },
    Convolution(convolution::Convolution),
    Dense(dense::Dense),
    Depthwise(depthwise::Depthwise),
    ExpandDims,
    Fill,
    Gather {
        axis: i64,
    },
    /// Values are real numbers already; where the output is quantised they are rounded when it is kept.
    Identity,
    ListReserve,
    ListSetItem,
    ListStack,
    Lstm(lstm::Lstm),
    Map(map::Map),
    /// Noise, which is zero here: what a sampling model gives is its mean, and a score does not change from run to run.
    Noise,
    Pack {
        axis: i64,
    },
    Pad,
    Pool(pool::Pool),
    Reduction(reduce::Reduction),
    Reshape {
        dims: Vec<i64>,
    },
    Reverse,
    Shape,
    Slice,
    SpaceToBatches,
    Softmax(softmax::Softmax),
    Split {
        count: usize,
    },
    Squeeze {
        dims: Vec<i64>,
    },
    StridedSlice(slice::Strided),
    Tile,
    Transpose,
    TransposedConvolution(transposed::Transposed),
    Unpack {
        axis: i64,
    },
    /// Two subgraphs, run by the run loop, which owns them; or at once, where they are a recurrent layer.
    While {
        condition: usize,
        body: usize,
        layer: Option<Box<Turns>>,
    },
}

impl Kernel {
    /// The operator a call names. `Unsupported` where we have none, or not with these options.
    pub fn read(call: &Call) -> Result<Kernel, Fault> {
        let i32_at = |slot| call.options.map_or(Ok(0), |options| options.i32(slot, 0));
        let axis_at = |slot| i32_at(slot).map(i64::from);
        Ok(match call.code {
            0 | 18 | 41 | 42 | 55 | 57 | 58 | 86 | 99 => {
                Kernel::Arithmetic(arithmetic::Arithmetic::read(call)?)
            }
            1 | 17 => Kernel::Pool(pool::Pool::read(call)?),
            2 if Activation::at(call, 1)? == Activation::None => Kernel::Concatenation { axis: axis_at(0)? },
            // Google's kernel takes none either.
            2 => return Err(call.unsupported("an activation")),
            3 => Kernel::Convolution(convolution::Convolution::read(call)?),
            4 => Kernel::Depthwise(depthwise::Depthwise::read(call)?),
            6 | 114 => Kernel::Identity,
            9 => Kernel::Dense(dense::Dense::read(call)?),
            14 | 19 | 20 | 21 | 28 | 47 | 59 | 73 | 75 | 76 | 92 | 98 | 101 | 111 | 117 => {
                Kernel::Map(map::Map::read(call)?)
            }
            22 => Kernel::Reshape { dims: dims_at(call, 0)? },
            25 => Kernel::Softmax(softmax::Softmax::read(call)?),
            34 => Kernel::Pad,
            36 if i32_at(1)? == 0 => Kernel::Gather { axis: axis_at(0)? },
            36 => return Err(call.unsupported("batch dimensions")),
            37 => Kernel::BatchesToSpace,
            38 => Kernel::SpaceToBatches,
            39 => Kernel::Transpose,
            40 | 74 | 81 | 82 => Kernel::Reduction(reduce::Reduction::read(call)?),
            43 => Kernel::Squeeze { dims: dims_at(call, 0)? },
            44 => Kernel::Lstm(lstm::Lstm::read(call)?),
            45 => Kernel::StridedSlice(slice::Strided::read(call)?),
            49 => Kernel::Split { count: call.size(0, 0)? },
            65 => Kernel::Slice,
            67 => Kernel::TransposedConvolution(transposed::Transposed::read(call)?),
            69 => Kernel::Tile,
            70 => Kernel::ExpandDims,
            77 => Kernel::Shape,
            83 => Kernel::Pack { axis: axis_at(1)? },
            88 => Kernel::Unpack { axis: axis_at(1)? },
            94 => Kernel::Fill,
            105 => Kernel::Reverse,
            119 => Kernel::While { condition: call.graph(0)?, body: call.graph(1)?, layer: None },
            146 => Kernel::Noise,
            32 => match call.name {
                "FlexTensorListReserve" => Kernel::ListReserve,
                "FlexTensorListSetItem" => Kernel::ListSetItem,
                "FlexTensorListStack" => Kernel::ListStack,
                _ => return Err(Fault::Unsupported(call.name.to_owned())),
            },
            _ => return Err(Fault::Unsupported(call.name.to_owned())),
        })
    }

    /// Makes what it can ready for every run; how many values it keeps for that.
    pub fn prepare(&mut self, inputs: &Inputs, budget: &mut Budget) -> Result<usize, Fault> {
        match self {
            Kernel::Convolution(convolution) => convolution.prepare(inputs, budget),
            Kernel::Dense(dense) => dense.prepare(inputs, budget),
            Kernel::Lstm(lstm) => lstm.prepare(inputs, budget),
            Kernel::TransposedConvolution(transposed) => transposed.prepare(inputs, budget),
            _ => Ok(0),
        }
    }

    /// Whether it takes its first input by value, to change it in place; run by [`run_on`], the others by [`run`].
    pub fn takes_first(&self) -> bool {
        matches!(
            self,
            Kernel::Arithmetic(_)
                | Kernel::ExpandDims
                | Kernel::Identity
                | Kernel::ListSetItem
                | Kernel::Map(_)
                | Kernel::Reshape { .. }
                | Kernel::Squeeze { .. }
        )
    }

    /// Whether it can be run at load, where its inputs are known: it needs no subgraph and makes no list.
    pub fn is_pure(&self) -> bool {
        !matches!(
            self,
            Kernel::ListReserve
                | Kernel::ListSetItem
                | Kernel::ListStack
                | Kernel::Noise
                | Kernel::While { .. }
        )
    }
}

impl Call<'_> {
    /// That this operator is not supported with this option.
    fn unsupported(&self, option: &str) -> Fault {
        Fault::Unsupported(format!("{} with {option}", self.name))
    }

    /// The option in `slot`: a length from 1 to 65,536.
    fn size(&self, slot: usize, default: i32) -> Result<usize, Fault> {
        let size = self.options.map_or(Ok(default), |options| options.i32(slot, default))?;
        let found = usize::try_from(size).ok().filter(|size| (1..=65_536).contains(size));
        found.ok_or_else(|| Fault::from(format!("an option is `{size}`")))
    }

    /// The subgraph that the option in `slot` names.
    fn graph(&self, slot: usize) -> Result<usize, Fault> {
        let index = self.options.map_or(Ok(0), |options| options.index(slot))?;
        if index < self.graphs { Ok(index) } else { Err("it names a graph that is not there".into()) }
    }
}

fn dims_at(call: &Call, slot: usize) -> Result<Vec<i64>, Fault> {
    let dims = call.options.map_or(Ok(Vec::new()), |options| options.ints(slot))?;
    Ok(dims.into_iter().map(i64::from).collect())
}

/// The tensors that an operator reads.
pub struct Inputs<'a> {
    pub slots: &'a [Option<usize>],
    pub constants: &'a [Option<Arc<Tensor>>],
    pub values: &'a [Option<Arc<Tensor>>],
}

impl<'a> Inputs<'a> {
    fn at(&self, position: usize) -> Option<&'a Arc<Tensor>> {
        let slot = self.slots.get(position).copied().flatten()?;
        let constant = self.constants.get(slot).and_then(Option::as_ref);
        constant.or_else(|| self.values.get(slot).and_then(Option::as_ref))
    }

    pub fn optional(&self, position: usize) -> Option<&'a Tensor> {
        self.at(position).map(|value| &**value)
    }

    pub fn get(&self, position: usize) -> Result<&'a Tensor, Fault> {
        self.optional(position).ok_or_else(|| format!("its input {position} is missing").into())
    }

    /// One that is the same in every run.
    fn constant(&self, position: usize) -> Option<&'a Tensor> {
        let slot = self.slots.get(position).copied().flatten()?;
        self.constants.get(slot)?.as_deref()
    }

    /// To be kept beyond the operator.
    pub fn shared(&self, position: usize) -> Option<Arc<Tensor>> {
        self.at(position).cloned()
    }

    fn len(&self) -> usize {
        self.slots.len()
    }

    fn all(&self) -> impl Iterator<Item = Result<&'a Tensor, Fault>> {
        (0..self.len()).map(|position| self.get(position))
    }
}

/// Runs an operator and appends its outputs.
pub fn run(
    kernel: &Kernel,
    inputs: &Inputs,
    scratch: &mut Scratch,
    outputs: &mut Vec<Arc<Tensor>>,
) -> Result<(), Fault> {
    let output = match kernel {
        Kernel::Split { count } => return split::split(*count, inputs, scratch, outputs),
        Kernel::Unpack { axis } => return split::unpack(*axis, inputs, scratch, outputs),
        Kernel::BatchesToSpace => batches::to_space(inputs, scratch)?,
        Kernel::Concatenation { axis } => join::concatenate(*axis, inputs, scratch)?,
        Kernel::Convolution(convolution) => convolution.run(inputs, scratch)?,
        Kernel::Dense(dense) => dense.run(inputs, scratch)?,
        Kernel::Depthwise(depthwise) => depthwise.run(inputs, scratch)?,
        Kernel::Fill => join::fill(inputs, scratch)?,
        Kernel::Gather { axis } => gather::run(*axis, inputs, scratch)?,
        Kernel::ListReserve => list::reserve(inputs, scratch)?,
        Kernel::ListStack => list::stack(inputs, scratch)?,
        Kernel::Lstm(lstm) => lstm.run(inputs, scratch)?,
        Kernel::Noise => {
            let shape = inputs.get(0)?.as_shape()?;
            Tensor::of_floats(shape, scratch.zeros(shape.count()?)?)?
        }
        Kernel::Pack { axis } => join::pack(*axis, inputs, scratch)?,
        Kernel::Pad => pad::run(inputs, scratch)?,
        Kernel::Pool(pool) => pool.run(inputs, scratch)?,
        Kernel::Reduction(reduction) => reduction.run(inputs, scratch)?,
        Kernel::Reverse => reverse::run(inputs, scratch)?,
        Kernel::Shape => reshape::shape(inputs)?,
        Kernel::Slice => slice::run(inputs, scratch)?,
        Kernel::Softmax(softmax) => softmax.run(inputs, scratch)?,
        Kernel::SpaceToBatches => batches::from_space(inputs, scratch)?,
        Kernel::StridedSlice(strided) => strided.run(inputs, scratch)?,
        Kernel::Tile => join::tile(inputs, scratch)?,
        Kernel::Transpose => transpose::run(inputs, scratch)?,
        Kernel::TransposedConvolution(transposed) => transposed.run(inputs, scratch)?,
        Kernel::Arithmetic(_)
        | Kernel::ExpandDims
        | Kernel::Identity
        | Kernel::ListSetItem
        | Kernel::Map(_)
        | Kernel::Reshape { .. }
        | Kernel::Squeeze { .. }
        | Kernel::While { .. } => return Err("it is not run this way".into()),
    };
    outputs.push(Arc::new(output));
    Ok(())
}

/// Runs an operator that takes its first input by value.
pub fn run_on(
    kernel: &Kernel,
    first: Arc<Tensor>,
    inputs: &Inputs,
    scratch: &mut Scratch,
) -> Result<Arc<Tensor>, Fault> {
    match kernel {
        Kernel::Arithmetic(arithmetic) => arithmetic.run(first, inputs, scratch),
        Kernel::ExpandDims => reshape::expand_dims(first, inputs, scratch),
        Kernel::Identity => Ok(first),
        Kernel::ListSetItem => list::set_item(first, inputs, scratch),
        Kernel::Map(map) => map.run(first, scratch),
        Kernel::Reshape { dims } => reshape::reshape(first, dims, inputs, scratch),
        Kernel::Squeeze { dims } => reshape::squeeze(first, dims, scratch),
        _ => Err("it is not run this way".into()),
    }
}

#[cfg(test)]
mod ops_tests;
