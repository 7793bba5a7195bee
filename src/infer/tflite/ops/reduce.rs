//! REDUCE_PROD of integers: converters compute sizes with it.

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

/// The product of all values. Products along some of the dimensions are not supported.
pub fn product(keep: bool, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
    let (from, axes) = (inputs.get(0)?, inputs.get(1)?.integers()?);
    scratch.budget.work(&[from.weight(), axes.len().max(1)])?;
    let rank = from.dims().len();
    let mut reduced = axes.iter().map(|axis| from.shape().axis(*axis)).collect::<Result<Vec<_>, Fault>>()?;
    reduced.sort_unstable();
    reduced.dedup();
    if reduced.len() != rank {
        return Err("products along some dimensions are not supported".into());
    }
    let product = from.integers()?.iter().fold(1i64, |product, value| product.wrapping_mul(*value));
    let shape = if keep { Shape::of(&vec![1; rank])? } else { Shape::default() };
    Tensor::of_integers(shape, vec![product])
}
