//! SOFTMAX over the last dimension.

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::{Inputs, OperatorSpec};

/// `tfl.softmax`: exp(beta · x), normalised so that the values of the last dimension sum to 1.
#[derive(Debug, Clone, Copy)]
pub struct Softmax {
    /// Factor applied to the values before the softmax.
    beta: f32,
}

impl Softmax {
    /// Parses `beta`.
    pub fn read(call: &OperatorSpec) -> Result<Softmax, InterpreterError> {
        Ok(Softmax { beta: call.options.map_or(Ok(0.0), |options| options.f32(0, 0.0))? })
    }

    /// Returns a tensor of the input's shape. The largest value is subtracted first, so that nothing overflows.
    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
        let from = inputs.get(0)?;
        let (values, width) = (from.require_floats()?, *from.dims().last().ok_or("it has no dimensions")?);
        // A transcendental function costs as much as eight multiplications.
        scratch.budget.charge_work(&[values.len(), 8])?;
        let mut out = scratch.floats(values.len())?;
        out.extend_from_slice(values);
        for row in out.chunks_exact_mut(width.max(1)) {
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter_mut().for_each(|x| *x = ((*x - most) * self.beta).exp());
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|x| *x /= sum);
        }
        Tensor::new_floats(*from.shape(), out)
    }
}
