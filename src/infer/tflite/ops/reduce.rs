//! MEAN, SUM, REDUCE_MAX and REDUCE_PROD.

use crate::infer::tflite::builtin_operator as opcode;
use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::strides;
use crate::infer::tflite::tensor::{Tensor, TensorData};
use crate::infer::tflite::workspace::Scratch;

use super::{Inputs, OperatorSpec};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReduceOp {
    Maximum,
    Mean,
    Product,
    Sum,
}

/// `tfl.mean`, `tfl.sum`, `tfl.reduce_max` or `tfl.reduce_prod` over some dimensions.
#[derive(Debug, Clone, Copy)]
pub struct Reduction {
    op: ReduceOp,
    /// Whether reduced dimensions remain with length one.
    keep_dims: bool,
}

impl Reduction {
    /// Parses the operation, and whether reduced dimensions remain.
    pub fn read(call: &OperatorSpec) -> Result<Reduction, InterpreterError> {
        let op = match call.code {
            opcode::MEAN => ReduceOp::Mean,
            opcode::SUM => ReduceOp::Sum,
            opcode::REDUCE_PROD => ReduceOp::Product,
            opcode::REDUCE_MAX => ReduceOp::Maximum,
            _ => return Err(InterpreterError::Unsupported(call.name.to_owned())),
        };
        Ok(Reduction { op, keep_dims: call.options.map_or(Ok(false), |options| options.bool(0))? })
    }

    /// Reduces the dimensions that the second input lists; negative ones count from the end.
    ///
    /// Of integers only the product of all of them is supported: converters compute sizes by it.
    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
        let (from, axes) = (inputs.get(0)?, inputs.get(1)?.require_integers()?);
        scratch.budget.charge_work(&[from.element_count(), axes.len().max(1)])?;
        let (mut kept, mut gone) = (*from.shape(), [false; 8]);
        for axis in axes {
            let axis = from.shape().resolve_axis(*axis)?;
            (kept[axis], gone[axis]) = (1, true);
        }
        let shape = if self.keep_dims { kept } else { without(from.shape(), gone)? };
        match from.data() {
            TensorData::Floats(values) => {
                let mut out = scratch.floats(shape.count()?)?;
                self.reals(values, from.shape(), &kept, &mut out)?;
                Tensor::new_floats(shape, out)
            }
            TensorData::Integers(values)
                if self.op == ReduceOp::Product && kept.iter().all(|dim| *dim == 1) =>
            {
                let product = values.iter().fold(1i64, |product, value| product.wrapping_mul(*value));
                Tensor::new_integers(shape, vec![product])
            }
            _ => Err("it is not supported of these integers".into()),
        }
    }

    /// Reduces `values` to `kept`, dimension by dimension of `shape`.
    fn reals(
        &self,
        values: &[f32],
        shape: &Shape,
        kept: &Shape,
        out: &mut Vec<f32>,
    ) -> Result<(), InterpreterError> {
        let first = match self.op {
            ReduceOp::Maximum => f32::NEG_INFINITY,
            ReduceOp::Product => 1.0,
            ReduceOp::Mean | ReduceOp::Sum => 0.0,
        };
        let count = kept.count()?;
        out.resize(count, first);
        let mut values_left = values.iter();
        strides::for_each_offset(shape, &strides::broadcast_strides(kept, shape), |at| {
            let Some(value) = values_left.next() else { return };
            out[at] = match self.op {
                ReduceOp::Maximum => out[at].max(*value),
                ReduceOp::Product => out[at] * value,
                ReduceOp::Mean | ReduceOp::Sum => out[at] + value,
            };
        });
        if self.op == ReduceOp::Mean {
            let each = (values.len() / count.max(1)) as f32;
            out.iter_mut().for_each(|sum| *sum /= each);
        }
        Ok(())
    }
}

fn without(shape: &Shape, gone: [bool; 8]) -> Result<Shape, InterpreterError> {
    let mut left = Shape::default();
    for (dim, _) in shape.iter().zip(gone).filter(|(_, gone)| !gone) {
        left.push(*dim)?;
    }
    Ok(left)
}
