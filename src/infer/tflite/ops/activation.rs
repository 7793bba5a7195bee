//! Activations that are fused into another operator.

use crate::infer::tflite::error::Fault;

use super::Call;

/// What happens to each value before it leaves its operator: `ActivationFunctionType` of the schema. Google's kernels know no
/// others either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    /// To -1..1.
    Clip,
    /// To 0..6.
    Relu6,
}

impl Activation {
    /// That in option `slot` of a call.
    pub fn at(call: &Call, slot: usize) -> Result<Activation, Fault> {
        Ok(match call.options.map_or(Ok(0), |options| options.i8(slot, 0))? {
            0 => Activation::None,
            1 => Activation::Relu,
            2 => Activation::Clip,
            3 => Activation::Relu6,
            other => return Err(call.unsupported(&format!("activation {other}"))),
        })
    }

    pub fn apply(self, values: &mut [f32]) {
        match self {
            Activation::None => {}
            Activation::Relu => values.iter_mut().for_each(|value| *value = value.max(0.0)),
            Activation::Clip => values.iter_mut().for_each(|value| *value = value.clamp(-1.0, 1.0)),
            Activation::Relu6 => values.iter_mut().for_each(|value| *value = value.clamp(0.0, 6.0)),
        }
    }
}
