//! Elementwise functions: ABS, ELU, EXP, HARD_SWISH, LEAKY_RELU, LOG, LOGISTIC, NEG, RELU and its variants, RSQRT,
//! SQRT, SQUARE, TANH.

use std::sync::Arc;

use crate::infer::tflite::builtin_operator as opcode;
use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::simd_functions::SimdFunction;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::OperatorSpec;
use super::activation::Activation;

/// A function of each value of a real tensor; the shape stays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum UnaryOp {
    Abs,
    /// x, or exp(x) − 1 where x is negative.
    Elu,
    Exp,
    /// x · clamp(x + 3, 0, 6) / 6.
    HardSwish,
    /// Leaky ReLU with the slope for negative values.
    LeakyRelu(f32),
    /// Natural logarithm.
    Log,
    /// 1 / (1 + exp(−x)).
    Logistic,
    Neg,
    /// An activation that other operators can also have fused.
    Activation(Activation),
    Sqrt,
    /// Reciprocal square root.
    Rsqrt,
    Square,
    Tanh,
}

/// Worst-case cost of such a function in multiplications, charged as work.
const FUNCTION_COST: usize = 8;

impl UnaryOp {
    /// Parses the function; of all options only the slope of LEAKY_RELU is read.
    pub fn read(call: &OperatorSpec) -> Result<UnaryOp, InterpreterError> {
        Ok(match call.code {
            opcode::LOGISTIC => UnaryOp::Logistic,
            opcode::RELU => UnaryOp::Activation(Activation::Relu),
            opcode::RELU_N1_TO_1 => UnaryOp::Activation(Activation::ReluN1To1),
            opcode::RELU6 => UnaryOp::Activation(Activation::Relu6),
            opcode::TANH => UnaryOp::Tanh,
            opcode::EXP => UnaryOp::Exp,
            opcode::NEG => UnaryOp::Neg,
            opcode::LOG => UnaryOp::Log,
            opcode::SQRT => UnaryOp::Sqrt,
            opcode::RSQRT => UnaryOp::Rsqrt,
            opcode::SQUARE => UnaryOp::Square,
            opcode::LEAKY_RELU => {
                UnaryOp::LeakyRelu(call.options.map_or(Ok(0.0), |options| options.f32(0, 0.0))?)
            }
            opcode::ABS => UnaryOp::Abs,
            opcode::HARD_SWISH => UnaryOp::HardSwish,
            opcode::ELU => UnaryOp::Elu,
            _ => return Err(InterpreterError::Unsupported(call.name.to_owned())),
        })
    }

    /// Runs in place if the operand is not shared.
    pub fn run(&self, operand: Arc<Tensor>, scratch: &mut Scratch) -> Result<Arc<Tensor>, InterpreterError> {
        scratch.budget.charge_work(&[operand.require_floats()?.len(), FUNCTION_COST])?;
        let mut result = match Arc::try_unwrap(operand) {
            Ok(own) => own,
            Err(shared) => {
                let mut copy = scratch.floats(shared.require_floats()?.len())?;
                copy.extend_from_slice(shared.require_floats()?);
                Tensor::new_floats(*shared.shape(), copy)?
            }
        };
        if let Some(values) = result.as_floats_mut() {
            self.apply(values);
        }
        Ok(Arc::new(result))
    }

    fn apply(self, values: &mut [f32]) {
        match self {
            UnaryOp::Abs => each(values, f32::abs),
            UnaryOp::Elu => SimdFunction::Elu.apply(values),
            UnaryOp::Exp => each(values, f32::exp),
            UnaryOp::HardSwish => each(values, |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0),
            UnaryOp::LeakyRelu(slope) => each(values, |x| if x < 0.0 { slope * x } else { x }),
            UnaryOp::Log => each(values, f32::ln),
            UnaryOp::Logistic => SimdFunction::Logistic.apply(values),
            UnaryOp::Neg => each(values, |x| -x),
            UnaryOp::Activation(activation) => activation.apply(values),
            UnaryOp::Sqrt => each(values, f32::sqrt),
            UnaryOp::Rsqrt => each(values, |x| 1.0 / x.sqrt()),
            UnaryOp::Square => each(values, |x| x * x),
            UnaryOp::Tanh => SimdFunction::Tanh.apply(values),
        }
    }
}

fn each(values: &mut [f32], f: impl Fn(f32) -> f32) {
    values.iter_mut().for_each(|x| *x = f(*x));
}
