//! Functions of each value by itself: ELU, EXP, LEAKY_RELU, LOG, LOGISTIC, TANH.

use std::sync::Arc;

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::functions::Function;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::Call;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Map {
    Elu,
    Exp,
    /// With the slope of negative values.
    LeakyRelu(f32),
    Log,
    Logistic,
    Tanh,
}

/// How much slower than a multiplication such a function is, at the worst; charged as work.
const COST: usize = 8;

impl Map {
    pub fn read(call: &Call) -> Result<Map, Fault> {
        Ok(match call.code {
            14 => Map::Logistic,
            28 => Map::Tanh,
            47 => Map::Exp,
            73 => Map::Log,
            98 => Map::LeakyRelu(call.options.map_or(Ok(0.0), |options| options.f32(0, 0.0))?),
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
            Map::Elu => Function::Elu.apply(values),
            Map::Exp => values.iter_mut().for_each(|x| *x = x.exp()),
            Map::LeakyRelu(slope) => {
                values.iter_mut().for_each(|x| *x = if *x < 0.0 { slope * *x } else { *x })
            }
            Map::Log => values.iter_mut().for_each(|x| *x = x.ln()),
            Map::Logistic => Function::Logistic.apply(values),
            Map::Tanh => Function::Tanh.apply(values),
        }
    }
}
