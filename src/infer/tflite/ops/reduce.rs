//! MEAN, SUM, REDUCE_MAX and REDUCE_PROD.

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::{Data, Tensor};
use crate::infer::tflite::walk;
use crate::infer::tflite::workspace::Scratch;

use super::{Call, Inputs};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Maximum,
    Mean,
    Product,
    Sum,
}

#[derive(Debug, Clone, Copy)]
pub struct Reduction {
    of: Of,
    /// Whether dimensions that are reduced remain, one long.
    keep: bool,
}

impl Reduction {
    pub fn read(call: &Call) -> Result<Reduction, Fault> {
        let of = match call.code {
            40 => Of::Mean,
            74 => Of::Sum,
            81 => Of::Product,
            _ => Of::Maximum,
        };
        Ok(Reduction { of, keep: call.options.map_or(Ok(false), |options| options.bool(0))? })
    }

    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
        let (from, axes) = (inputs.get(0)?, inputs.get(1)?.integers()?);
        scratch.budget.work(&[from.weight(), axes.len().max(1)])?;
        let (mut kept, mut gone) = (*from.shape(), [false; 8]);
        for axis in axes {
            let axis = from.shape().axis(*axis)?;
            (kept[axis], gone[axis]) = (1, true);
        }
        let shape = if self.keep { kept } else { without(from.shape(), gone)? };
        match from.data() {
            Data::Floats(values) => {
                let mut out = scratch.floats(shape.count()?)?;
                self.reals(values, from.shape(), &kept, &mut out)?;
                Tensor::of_floats(shape, out)
            }
            Data::Integers(values) if self.of == Of::Product && kept.iter().all(|dim| *dim == 1) => {
                let product = values.iter().fold(1i64, |product, value| product.wrapping_mul(*value));
                Tensor::of_integers(shape, vec![product])
            }
            _ => Err("it is not supported of these integers".into()),
        }
    }

    /// The values of `kept`, to which each dimension of `shape` is reduced or not.
    fn reals(&self, values: &[f32], shape: &Shape, kept: &Shape, out: &mut Vec<f32>) -> Result<(), Fault> {
        let first = match self.of {
            Of::Maximum => f32::NEG_INFINITY,
            Of::Product => 1.0,
            Of::Mean | Of::Sum => 0.0,
        };
        let count = kept.count()?;
        out.resize(count, first);
        let mut values_left = values.iter();
        walk::each_offset(shape, &walk::strides_within(kept, shape), |at| {
            let Some(value) = values_left.next() else { return };
            out[at] = match self.of {
                Of::Maximum => out[at].max(*value),
                Of::Product => out[at] * value,
                Of::Mean | Of::Sum => out[at] + value,
            };
        });
        if self.of == Of::Mean {
            let each = (values.len() / count.max(1)) as f32;
            out.iter_mut().for_each(|sum| *sum /= each);
        }
        Ok(())
    }
}

fn without(shape: &Shape, gone: [bool; 8]) -> Result<Shape, Fault> {
    let mut left = Shape::default();
    for (dim, _) in shape.iter().zip(gone).filter(|(_, gone)| !gone) {
        left.push(*dim)?;
    }
    Ok(left)
}
