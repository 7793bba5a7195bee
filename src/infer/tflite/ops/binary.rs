//! Binary operators with broadcasting: ADD, DIV, LESS, LOGICAL_AND, MAXIMUM, MINIMUM, MUL, SQUARED_DIFFERENCE, SUB.

use std::sync::Arc;

use crate::infer::tflite::builtin_operator as opcode;
use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::strides;
use crate::infer::tflite::tensor::{Tensor, TensorData};
use crate::infer::tflite::workspace::Scratch;

use super::activation::Activation;
use super::{Inputs, OperatorSpec};

/// Operation of a binary operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `tfl.add`: x + y; integers wrap around.
    Add,
    /// `tfl.div`: x / y, real numbers only.
    Divide,
    /// `tfl.maximum`, real numbers only.
    Maximum,
    /// `tfl.minimum`, real numbers only.
    Minimum,
    /// `tfl.mul`: x · y; integers wrap around.
    Multiply,
    /// `tfl.squared_difference`: (x − y)², real numbers only.
    SquaredDifference,
    /// `tfl.sub`: x − y; integers wrap around.
    Subtract,
    /// `tfl.less`: 1 where x < y, otherwise 0.
    Less,
    /// `tfl.logical_and` of truth values, held as integers.
    LogicalAnd,
}

/// An operation on two tensors, whose shapes are broadcast as in numpy, and its fused activation.
#[derive(Debug, Clone, Copy)]
pub struct BinaryKernel {
    op: BinaryOp,
    activation: Activation,
}

impl BinaryKernel {
    /// Parses the operation, and the activation of those that can have one.
    pub fn read(call: &OperatorSpec) -> Result<BinaryKernel, InterpreterError> {
        let op = match call.code {
            opcode::ADD => BinaryOp::Add,
            opcode::MUL => BinaryOp::Multiply,
            opcode::SUB => BinaryOp::Subtract,
            opcode::DIV => BinaryOp::Divide,
            opcode::MAXIMUM => BinaryOp::Maximum,
            opcode::MINIMUM => BinaryOp::Minimum,
            opcode::SQUARED_DIFFERENCE => BinaryOp::SquaredDifference,
            opcode::LESS => BinaryOp::Less,
            opcode::LOGICAL_AND => BinaryOp::LogicalAnd,
            _ => return Err(InterpreterError::Unsupported(call.name.to_owned())),
        };
        let has_activation =
            matches!(op, BinaryOp::Add | BinaryOp::Divide | BinaryOp::Multiply | BinaryOp::Subtract);
        let activation = if has_activation { Activation::from_option(call, 0)? } else { Activation::None };
        Ok(BinaryKernel { op, activation })
    }

    /// Returns the operation if the operator has no activation.
    pub fn op_without_activation(&self) -> Option<BinaryOp> {
        (self.activation == Activation::None).then_some(self.op)
    }

    /// Runs in place if the first operand is not shared and the second broadcasts to it by repetition.
    pub fn run(
        &self,
        mut first: Arc<Tensor>,
        inputs: &Inputs,
        scratch: &mut Scratch,
    ) -> Result<Arc<Tensor>, InterpreterError> {
        let second = inputs.get(1)?;
        let is_real = !matches!(self.op, BinaryOp::Less | BinaryOp::LogicalAnd);
        if is_real
            && first.shape().ends_with(second.shape())
            && let Some(other) = second.as_floats()
            && let Some(own) = Arc::get_mut(&mut first).and_then(Tensor::as_floats_mut)
        {
            scratch.budget.charge_work(&[own.len()])?;
            match self.op {
                BinaryOp::Divide => change(own, other, |x, y| x / y),
                BinaryOp::Maximum => change(own, other, f32::max),
                BinaryOp::Minimum => change(own, other, f32::min),
                BinaryOp::Multiply => change(own, other, |x, y| x * y),
                BinaryOp::SquaredDifference => change(own, other, squared_difference),
                BinaryOp::Subtract => change(own, other, |x, y| x - y),
                BinaryOp::Add | BinaryOp::Less | BinaryOp::LogicalAnd => change(own, other, |x, y| x + y),
            }
            self.activation.apply(own);
            return Ok(first);
        }
        let result = self.combined(&first, second, scratch)?;
        scratch.recycle(first);
        Ok(Arc::new(result))
    }

    fn combined(&self, a: &Tensor, b: &Tensor, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
        let shape = strides::broadcast_shape(a.shape(), b.shape())?;
        match (a.data(), b.data()) {
            (TensorData::Floats(x), TensorData::Floats(y)) => {
                let (a, b) = ((&x[..], a.shape()), (&y[..], b.shape()));
                self.reals(a, b, shape, scratch)
            }
            (TensorData::Integers(x), TensorData::Integers(y)) => {
                let (a, b) = ((&x[..], a.shape()), (&y[..], b.shape()));
                let mut out = scratch.integers(shape.count()?)?;
                match self.op {
                    BinaryOp::Add => combine(a, b, &shape, &mut out, i64::wrapping_add),
                    BinaryOp::Multiply => combine(a, b, &shape, &mut out, i64::wrapping_mul),
                    BinaryOp::Subtract => combine(a, b, &shape, &mut out, i64::wrapping_sub),
                    BinaryOp::Less => combine(a, b, &shape, &mut out, |x, y| i64::from(x < y)),
                    BinaryOp::LogicalAnd => {
                        combine(a, b, &shape, &mut out, |x, y| i64::from(x != 0 && y != 0))
                    }
                    _ => return Err("it is not supported of integers".into()),
                }
                Tensor::new_integers(shape, out)
            }
            _ => Err("its operands are of different kinds".into()),
        }
    }

    fn reals(
        &self,
        a: (&[f32], &Shape),
        b: (&[f32], &Shape),
        shape: Shape,
        scratch: &mut Scratch,
    ) -> Result<Tensor, InterpreterError> {
        let count = shape.count()?;
        if self.op == BinaryOp::Less {
            let mut out = scratch.integers(count)?;
            combine(a, b, &shape, &mut out, |x, y| i64::from(x < y));
            return Tensor::new_integers(shape, out);
        }
        let mut out = scratch.floats(count)?;
        match self.op {
            BinaryOp::Add => combine(a, b, &shape, &mut out, |x, y| x + y),
            BinaryOp::Divide => combine(a, b, &shape, &mut out, |x, y| x / y),
            BinaryOp::Maximum => combine(a, b, &shape, &mut out, f32::max),
            BinaryOp::Minimum => combine(a, b, &shape, &mut out, f32::min),
            BinaryOp::Multiply => combine(a, b, &shape, &mut out, |x, y| x * y),
            BinaryOp::SquaredDifference => combine(a, b, &shape, &mut out, squared_difference),
            BinaryOp::Subtract => combine(a, b, &shape, &mut out, |x, y| x - y),
            BinaryOp::Less | BinaryOp::LogicalAnd => return Err("its operands are no truth values".into()),
        }
        self.activation.apply(&mut out);
        Tensor::new_floats(shape, out)
    }
}

fn squared_difference(x: f32, y: f32) -> f32 {
    (x - y) * (x - y)
}

/// Replaces each value by `f` of itself and the value of `other` at its position, where `other` is repeated.
fn change(own: &mut [f32], other: &[f32], f: impl Fn(f32, f32) -> f32) {
    for part in own.chunks_exact_mut(other.len().max(1)) {
        part.iter_mut().zip(other).for_each(|(x, y)| *x = f(*x, *y));
    }
}

/// Appends `f` of every pair of operands in `shape`, to which both broadcast.
fn combine<T: Copy, U>(
    (a, of_a): (&[T], &Shape),
    (b, of_b): (&[T], &Shape),
    shape: &Shape,
    out: &mut Vec<U>,
    f: impl Fn(T, T) -> U,
) {
    if of_a == of_b {
        out.extend(a.iter().zip(b).map(|(x, y)| f(*x, *y)));
    } else if shape == of_a && b.len() == 1 {
        out.extend(a.iter().map(|x| f(*x, b[0])));
    } else if shape == of_b && a.len() == 1 {
        out.extend(b.iter().map(|y| f(a[0], *y)));
    } else if shape == of_a && of_a.ends_with(of_b) {
        a.chunks(b.len().max(1)).for_each(|row| out.extend(row.iter().zip(b).map(|(x, y)| f(*x, *y))));
    } else {
        let (of_a, of_b) = (strides::broadcast_strides(of_a, shape), strides::broadcast_strides(of_b, shape));
        strides::for_each_offset_pair(shape, &of_a, &of_b, |at_a, at_b| out.push(f(a[at_a], b[at_b])));
    }
}
