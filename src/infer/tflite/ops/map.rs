//! Functions of each value by itself: ABS, ELU, EXP, HARD_SWISH, LEAKY_RELU, LOG, LOGISTIC, NEG, RELU and its kin, RSQRT,
//! SQRT, SQUARE, TANH.

use std::sync::Arc;

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::functions::Function;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::Call;
use super::activation::Activation;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Map {
    Absolute,
    Elu,
    Exp,
    HardSwish,
    /// With the slope of negative values.
    LeakyRelu(f32),
    Log,
    Logistic,
    Negative,
    /// What activations fused into other operators do.
    Of(Activation),
    Root,
    /// One by the square root.
    RootBelow,
    Square,
    Tanh,
}

/// How much slower than a multiplication such a function is, at the worst; charged as work.
const COST: usize = 8;

impl Map {
    pub fn read(call: &Call) -> Result<Map, Fault> {
        Ok(match call.code {
            14 => Map::Logistic,
            19 => Map::Of(Activation::Relu),
            20 => Map::Of(Activation::Clip),
            21 => Map::Of(Activation::Relu6),
            28 => Map::Tanh,
            47 => Map::Exp,
            59 => Map::Negative,
            73 => Map::Log,
            75 => Map::Root,
            76 => Map::RootBelow,
            92 => Map::Square,
            98 => Map::LeakyRelu(call.options.map_or(Ok(0.0), |options| options.f32(0, 0.0))?),
            101 => Map::Absolute,
            117 => Map::HardSwish,
            _ => Map::Elu,
        })
    }

    /// In place where nobody else holds the operand.
    pub fn run(&self, operand: Arc<Tensor>, scratch: &mut Scratch) -> Result<Arc<Tensor>, Fault> {
        scratch.budget.work(&[operand.reals()?.len(), COST])?;
        let mut result = match Arc::try_unwrap(operand) {
            Ok(own) => own,
            Err(shared) => {
                let mut copy = scratch.floats(shared.reals()?.len())?;
                copy.extend_from_slice(shared.reals()?);
                Tensor::of_floats(*shared.shape(), copy)?
            }
        };
        if let Some(values) = result.floats_mut() {
            self.apply(values);
        }
        Ok(Arc::new(result))
    }

    fn apply(self, values: &mut [f32]) {
        match self {
            Map::Absolute => each(values, f32::abs),
            Map::Elu => Function::Elu.apply(values),
            Map::Exp => each(values, f32::exp),
            Map::HardSwish => each(values, |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0),
            Map::LeakyRelu(slope) => each(values, |x| if x < 0.0 { slope * x } else { x }),
            Map::Log => each(values, f32::ln),
            Map::Logistic => Function::Logistic.apply(values),
            Map::Negative => each(values, |x| -x),
            Map::Of(activation) => activation.apply(values),
            Map::Root => each(values, f32::sqrt),
            Map::RootBelow => each(values, |x| 1.0 / x.sqrt()),
            Map::Square => each(values, |x| x * x),
            Map::Tanh => Function::Tanh.apply(values),
        }
    }
}

fn each(values: &mut [f32], f: impl Fn(f32) -> f32) {
    values.iter_mut().for_each(|x| *x = f(*x));
}
