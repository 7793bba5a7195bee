//! Activation functions fused into other operators.

use crate::infer::tflite::error::InterpreterError;

use super::OperatorSpec;

/// Activation applied to each output value: `ActivationFunctionType` of the schema. Google's kernels support no others
/// either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The identity.
    None,
    /// Replaces negative values by 0.
    Relu,
    /// Clips to -1..1.
    ReluN1To1,
    /// Clips to 0..6.
    Relu6,
}

impl Activation {
    /// Parses the activation in option `slot` of a call.
    pub fn from_option(call: &OperatorSpec, slot: usize) -> Result<Activation, InterpreterError> {
        Ok(match call.options.map_or(Ok(0), |options| options.i8(slot, 0))? {
            0 => Activation::None,
            1 => Activation::Relu,
            2 => Activation::ReluN1To1,
            3 => Activation::Relu6,
            other => return Err(call.unsupported(&format!("activation {other}"))),
        })
    }

    /// Applies the activation in place.
    pub fn apply(self, values: &mut [f32]) {
        match self {
            Activation::None => {}
            Activation::Relu => values.iter_mut().for_each(|value| *value = value.max(0.0)),
            Activation::ReluN1To1 => values.iter_mut().for_each(|value| *value = value.clamp(-1.0, 1.0)),
            Activation::Relu6 => values.iter_mut().for_each(|value| *value = value.clamp(0.0, 6.0)),
        }
    }
}
