//! Operators: one enum of all supported kernels, read from the file once and run many times.
//!
//! Each family has a file with its options, parsing and arithmetic. Shapes are computed while running and never
//! inferred beforehand, so free dimensions, loops and lists need no special case. Names as `tfl.add` are those of the
//! operator reference of TensorFlow Lite, <https://www.tensorflow.org/mlir/tfl_ops>.

mod activation;
pub mod binary;
mod concat;
mod conv2d;
mod depthwise_conv2d;
mod fully_connected;
mod gather;
mod lstm;
mod pad;
mod pool;
mod reduce;
mod reshape;
mod reverse;
mod slice;
mod softmax;
mod space_to_batch;
mod split;
mod tensor_list;
mod transpose;
mod transpose_conv;
pub mod unary;

use std::sync::Arc;

use super::builtin_operator as opcode;
use super::error::InterpreterError;
use super::flatbuffer::FlatbufferTable;
use super::limits::ResourceBudget;
use super::recurrent::FusedLoop;
use super::tensor::Tensor;
use super::workspace::Scratch;

use activation::Activation;

/// An operator as written in the file.
pub struct OperatorSpec<'a> {
    /// Code of the operator, as in `builtin_operator`.
    pub code: i32,
    /// Name of the operator; for a custom operator its custom name.
    pub name: &'a str,
    /// Table of the operator's options; `None` if the file has none.
    pub options: Option<FlatbufferTable<'a>>,
    /// Numbers of the input tensors; `None` where an optional input is missing.
    pub inputs: &'a [Option<usize>],
    /// Number of subgraphs in the model.
    pub subgraph_count: usize,
}

/// An operator with its options.
#[derive(Debug)]
pub enum Kernel {
    Binary(binary::BinaryKernel),
    BatchToSpaceNd,
    Concatenation {
        axis: i64,
    },
    Conv2d(conv2d::Conv2d),
    FullyConnected(fully_connected::FullyConnected),
    DepthwiseConv2d(depthwise_conv2d::DepthwiseConv2d),
    ExpandDims,
    Fill,
    Gather {
        axis: i64,
    },
    /// Values are real numbers already; where the output is quantised they are rounded when stored.
    Identity,
    TensorListReserve,
    TensorListSetItem,
    TensorListStack,
    Lstm(lstm::Lstm),
    Unary(unary::UnaryOp),
    /// Random noise, replaced by zeros: a sampling model returns its mean, and scores do not change between runs.
    RandomNormal,
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
    SpaceToBatchNd,
    Softmax(softmax::Softmax),
    Split {
        /// Number of outputs.
        count: usize,
    },
    Squeeze {
        dims: Vec<i64>,
    },
    StridedSlice(slice::StridedSlice),
    Tile,
    Transpose,
    TransposeConv(transpose_conv::TransposeConv),
    Unpack {
        axis: i64,
    },
    /// A loop over two subgraphs, executed by the interpreter, which owns them; or fused, if it is a recurrent layer.
    While {
        /// Subgraph that maps the loop values to one truth value.
        condition: usize,
        /// Subgraph that maps the loop values to those of the next iteration.
        body: usize,
        /// The layer that replaces both, if the loop is one.
        layer: Option<Box<FusedLoop>>,
    },
}

impl Kernel {
    /// Parses an operator call. `Unsupported` if the operator, or one of its options, is not implemented.
    pub fn read(call: &OperatorSpec) -> Result<Kernel, InterpreterError> {
        Ok(match call.code {
            opcode::ADD
            | opcode::MUL
            | opcode::SUB
            | opcode::DIV
            | opcode::MAXIMUM
            | opcode::MINIMUM
            | opcode::LESS
            | opcode::LOGICAL_AND
            | opcode::SQUARED_DIFFERENCE => Kernel::Binary(binary::BinaryKernel::read(call)?),
            opcode::AVERAGE_POOL_2D | opcode::MAX_POOL_2D => Kernel::Pool(pool::Pool::read(call)?),
            opcode::CONV_2D => Kernel::Conv2d(conv2d::Conv2d::read(call)?),
            opcode::DEPTHWISE_CONV_2D => {
                Kernel::DepthwiseConv2d(depthwise_conv2d::DepthwiseConv2d::read(call)?)
            }
            opcode::DEQUANTIZE | opcode::QUANTIZE => Kernel::Identity,
            opcode::FULLY_CONNECTED => Kernel::FullyConnected(fully_connected::FullyConnected::read(call)?),
            opcode::LOGISTIC
            | opcode::RELU
            | opcode::RELU_N1_TO_1
            | opcode::RELU6
            | opcode::TANH
            | opcode::EXP
            | opcode::NEG
            | opcode::LOG
            | opcode::SQRT
            | opcode::RSQRT
            | opcode::SQUARE
            | opcode::LEAKY_RELU
            | opcode::ABS
            | opcode::ELU
            | opcode::HARD_SWISH => Kernel::Unary(unary::UnaryOp::read(call)?),
            opcode::SOFTMAX => Kernel::Softmax(softmax::Softmax::read(call)?),
            opcode::MEAN | opcode::SUM | opcode::REDUCE_PROD | opcode::REDUCE_MAX => {
                Kernel::Reduction(reduce::Reduction::read(call)?)
            }
            opcode::UNIDIRECTIONAL_SEQUENCE_LSTM => Kernel::Lstm(lstm::Lstm::read(call)?),
            opcode::TRANSPOSE_CONV => Kernel::TransposeConv(transpose_conv::TransposeConv::read(call)?),
            opcode::WHILE => Kernel::While { condition: call.graph(0)?, body: call.graph(1)?, layer: None },
            _ => Kernel::read_array_operator(call)?,
        })
    }

    /// Parses a call that moves, makes or reshapes values without computing on them.
    fn read_array_operator(call: &OperatorSpec) -> Result<Kernel, InterpreterError> {
        let i32_at = |slot| call.options.map_or(Ok(0), |options| options.i32(slot, 0));
        let axis_at = |slot| i32_at(slot).map(i64::from);
        Ok(match call.code {
            opcode::CONCATENATION if Activation::from_option(call, 1)? == Activation::None => {
                Kernel::Concatenation { axis: axis_at(0)? }
            }
            // Google's kernel supports no activation here either.
            opcode::CONCATENATION => return Err(call.unsupported("an activation")),
            opcode::RESHAPE => Kernel::Reshape { dims: dims_at(call, 0)? },
            opcode::PAD => Kernel::Pad,
            opcode::GATHER if i32_at(1)? == 0 => Kernel::Gather { axis: axis_at(0)? },
            opcode::GATHER => return Err(call.unsupported("batch dimensions")),
            opcode::BATCH_TO_SPACE_ND => Kernel::BatchToSpaceNd,
            opcode::SPACE_TO_BATCH_ND => Kernel::SpaceToBatchNd,
            opcode::TRANSPOSE => Kernel::Transpose,
            opcode::SQUEEZE => Kernel::Squeeze { dims: dims_at(call, 0)? },
            opcode::STRIDED_SLICE => Kernel::StridedSlice(slice::StridedSlice::read(call)?),
            opcode::SPLIT => Kernel::Split { count: call.size(0, 0)? },
            opcode::SLICE => Kernel::Slice,
            opcode::TILE => Kernel::Tile,
            opcode::EXPAND_DIMS => Kernel::ExpandDims,
            opcode::SHAPE => Kernel::Shape,
            opcode::PACK => Kernel::Pack { axis: axis_at(1)? },
            opcode::UNPACK => Kernel::Unpack { axis: axis_at(1)? },
            opcode::FILL => Kernel::Fill,
            opcode::REVERSE_V2 => Kernel::Reverse,
            opcode::RANDOM_STANDARD_NORMAL => Kernel::RandomNormal,
            opcode::CUSTOM => match call.name {
                "FlexTensorListReserve" => Kernel::TensorListReserve,
                "FlexTensorListSetItem" => Kernel::TensorListSetItem,
                "FlexTensorListStack" => Kernel::TensorListStack,
                _ => return Err(InterpreterError::Unsupported(call.name.to_owned())),
            },
            _ => return Err(InterpreterError::Unsupported(call.name.to_owned())),
        })
    }

    /// Precomputes what every run needs; returns how many values it keeps for that.
    pub fn prepare(
        &mut self,
        inputs: &Inputs,
        budget: &mut ResourceBudget,
    ) -> Result<usize, InterpreterError> {
        match self {
            Kernel::Conv2d(convolution) => convolution.prepare(inputs, budget),
            Kernel::FullyConnected(dense) => dense.prepare(inputs, budget),
            Kernel::Lstm(lstm) => lstm.prepare(inputs, budget),
            Kernel::TransposeConv(transposed) => transposed.prepare(inputs, budget),
            _ => Ok(0),
        }
    }

    /// Whether it takes its first input by value, to change it in place; [`run_in_place`] runs it, [`run`] the others.
    pub fn runs_in_place(&self) -> bool {
        matches!(
            self,
            Kernel::Binary(_)
                | Kernel::ExpandDims
                | Kernel::Identity
                | Kernel::TensorListSetItem
                | Kernel::Unary(_)
                | Kernel::Reshape { .. }
                | Kernel::Squeeze { .. }
        )
    }

    /// Whether it can be folded at load when its inputs are constant: it needs no subgraph and makes no list.
    pub fn is_pure(&self) -> bool {
        !matches!(
            self,
            Kernel::TensorListReserve
                | Kernel::TensorListSetItem
                | Kernel::TensorListStack
                | Kernel::RandomNormal
                | Kernel::While { .. }
        )
    }
}

impl OperatorSpec<'_> {
    /// Returns the error that this option of the operator is not supported.
    fn unsupported(&self, option: &str) -> InterpreterError {
        InterpreterError::Unsupported(format!("{} with {option}", self.name))
    }

    /// Returns the option in `slot`: a length from 1 to 65,536.
    fn size(&self, slot: usize, default: i32) -> Result<usize, InterpreterError> {
        let size = self.options.map_or(Ok(default), |options| options.i32(slot, default))?;
        let found = usize::try_from(size).ok().filter(|size| (1..=65_536).contains(size));
        found.ok_or_else(|| InterpreterError::from(format!("an option is `{size}`")))
    }

    /// Returns the index of the subgraph that the option in `slot` names.
    fn graph(&self, slot: usize) -> Result<usize, InterpreterError> {
        let index = self.options.map_or(Ok(0), |options| options.index(slot))?;
        if index < self.subgraph_count { Ok(index) } else { Err("it names a graph that is not there".into()) }
    }
}

fn dims_at(call: &OperatorSpec, slot: usize) -> Result<Vec<i64>, InterpreterError> {
    let dims = call.options.map_or(Ok(Vec::new()), |options| options.ints(slot))?;
    Ok(dims.into_iter().map(i64::from).collect())
}

/// Input tensors of an operator.
pub struct Inputs<'a> {
    /// Tensor numbers by position; `None` where an optional input is missing.
    pub indices: &'a [Option<usize>],
    /// Constants of the subgraph, by tensor number.
    pub constants: &'a [Option<Arc<Tensor>>],
    /// Values of the run, by tensor number.
    pub values: &'a [Option<Arc<Tensor>>],
}

impl<'a> Inputs<'a> {
    fn at(&self, position: usize) -> Option<&'a Arc<Tensor>> {
        let slot = self.indices.get(position).copied().flatten()?;
        let constant = self.constants.get(slot).and_then(Option::as_ref);
        constant.or_else(|| self.values.get(slot).and_then(Option::as_ref))
    }

    /// Returns an input; `None` if it is missing or has no value.
    pub fn optional(&self, position: usize) -> Option<&'a Tensor> {
        self.at(position).map(|value| &**value)
    }

    /// Returns an input that the operator must have.
    pub fn get(&self, position: usize) -> Result<&'a Tensor, InterpreterError> {
        self.optional(position).ok_or_else(|| format!("its input {position} is missing").into())
    }

    /// Returns an input that is the same in every run.
    fn constant(&self, position: usize) -> Option<&'a Tensor> {
        let slot = self.indices.get(position).copied().flatten()?;
        self.constants.get(slot)?.as_deref()
    }

    /// Returns an input to be kept beyond the operator.
    pub fn shared(&self, position: usize) -> Option<Arc<Tensor>> {
        self.at(position).cloned()
    }

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn all(&self) -> impl Iterator<Item = Result<&'a Tensor, InterpreterError>> {
        (0..self.len()).map(|position| self.get(position))
    }
}

/// Runs an operator and appends its outputs.
pub fn run(
    kernel: &Kernel,
    inputs: &Inputs,
    scratch: &mut Scratch,
    outputs: &mut Vec<Arc<Tensor>>,
) -> Result<(), InterpreterError> {
    let output = match kernel {
        Kernel::Split { count } => return split::split(*count, inputs, scratch, outputs),
        Kernel::Unpack { axis } => return split::unpack(*axis, inputs, scratch, outputs),
        Kernel::BatchToSpaceNd => space_to_batch::batch_to_space(inputs, scratch)?,
        Kernel::Concatenation { axis } => concat::concatenate(*axis, inputs, scratch)?,
        Kernel::Conv2d(convolution) => convolution.run(inputs, scratch)?,
        Kernel::FullyConnected(dense) => dense.run(inputs, scratch)?,
        Kernel::DepthwiseConv2d(depthwise) => depthwise.run(inputs, scratch)?,
        Kernel::Fill => concat::fill(inputs, scratch)?,
        Kernel::Gather { axis } => gather::run(*axis, inputs, scratch)?,
        Kernel::TensorListReserve => tensor_list::reserve(inputs, scratch)?,
        Kernel::TensorListStack => tensor_list::stack(inputs, scratch)?,
        Kernel::Lstm(lstm) => lstm.run(inputs, scratch)?,
        Kernel::RandomNormal => {
            let shape = inputs.get(0)?.as_shape()?;
            Tensor::new_floats(shape, scratch.zeros(shape.count()?)?)?
        }
        Kernel::Pack { axis } => concat::pack(*axis, inputs, scratch)?,
        Kernel::Pad => pad::run(inputs, scratch)?,
        Kernel::Pool(pool) => pool.run(inputs, scratch)?,
        Kernel::Reduction(reduction) => reduction.run(inputs, scratch)?,
        Kernel::Reverse => reverse::run(inputs, scratch)?,
        Kernel::Shape => reshape::shape(inputs)?,
        Kernel::Slice => slice::run(inputs, scratch)?,
        Kernel::Softmax(softmax) => softmax.run(inputs, scratch)?,
        Kernel::SpaceToBatchNd => space_to_batch::space_to_batch(inputs, scratch)?,
        Kernel::StridedSlice(strided) => strided.run(inputs, scratch)?,
        Kernel::Tile => concat::tile(inputs, scratch)?,
        Kernel::Transpose => transpose::run(inputs, scratch)?,
        Kernel::TransposeConv(transposed) => transposed.run(inputs, scratch)?,
        Kernel::Binary(_)
        | Kernel::ExpandDims
        | Kernel::Identity
        | Kernel::TensorListSetItem
        | Kernel::Unary(_)
        | Kernel::Reshape { .. }
        | Kernel::Squeeze { .. }
        | Kernel::While { .. } => return Err("it is not run this way".into()),
    };
    outputs.push(Arc::new(output));
    Ok(())
}

/// Runs an operator that takes its first input by value.
pub fn run_in_place(
    kernel: &Kernel,
    first: Arc<Tensor>,
    inputs: &Inputs,
    scratch: &mut Scratch,
) -> Result<Arc<Tensor>, InterpreterError> {
    match kernel {
        Kernel::Binary(arithmetic) => arithmetic.run(first, inputs, scratch),
        Kernel::ExpandDims => reshape::expand_dims(first, inputs, scratch),
        Kernel::Identity => Ok(first),
        Kernel::TensorListSetItem => tensor_list::set_item(first, inputs, scratch),
        Kernel::Unary(map) => map.run(first, scratch),
        Kernel::Reshape { dims } => reshape::reshape(first, dims, inputs, scratch),
        Kernel::Squeeze { dims } => reshape::squeeze(first, dims, scratch),
        _ => Err("it is not run this way".into()),
    }
}

#[cfg(test)]
mod ops_tests;
