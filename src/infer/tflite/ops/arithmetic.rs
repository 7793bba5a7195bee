//! Operators of two operands, with broadcasting: ADD, DIV, LESS, LOGICAL_AND, MAXIMUM, MINIMUM, MUL, SQUARED_DIFFERENCE, SUB.

use std::sync::Arc;

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::{Data, Tensor};
use crate::infer::tflite::walk;
use crate::infer::tflite::workspace::Scratch;

use super::activation::Activation;
use super::{Call, Inputs};

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Add,
    Divide,
    Maximum,
    Minimum,
    Multiply,
    SquaredDifference,
    Subtract,
    Less,
    And,
}

#[derive(Debug, Clone, Copy)]
pub struct Arithmetic {
    of: Of,
    activation: Activation,
}

impl Arithmetic {
    pub fn read(call: &Call) -> Result<Arithmetic, Fault> {
        let of = match call.code {
            0 => Of::Add,
            18 => Of::Multiply,
            41 => Of::Subtract,
            42 => Of::Divide,
            55 => Of::Maximum,
            57 => Of::Minimum,
            99 => Of::SquaredDifference,
            58 => Of::Less,
            _ => Of::And,
        };
        let has_activation = matches!(of, Of::Add | Of::Divide | Of::Multiply | Of::Subtract);
        let activation = if has_activation { Activation::at(call, 0)? } else { Activation::None };
        Ok(Arithmetic { of, activation })
    }

    /// Which one, if it has no activation.
    pub fn plain(&self) -> Option<Of> {
        (self.activation == Activation::None).then_some(self.of)
    }

    /// In place where nobody else holds the first operand and the second broadcasts to it by repetition.
    pub fn run(
        &self,
        mut first: Arc<Tensor>,
        inputs: &Inputs,
        scratch: &mut Scratch,
    ) -> Result<Arc<Tensor>, Fault> {
        let second = inputs.get(1)?;
        let is_real = !matches!(self.of, Of::Less | Of::And);
        if is_real
            && first.shape().ends_with(second.shape())
            && let Some(other) = second.values()
            && let Some(own) = Arc::get_mut(&mut first).and_then(Tensor::floats_mut)
        {
            scratch.budget.work(&[own.len()])?;
            match self.of {
                Of::Divide => change(own, other, |x, y| x / y),
                Of::Maximum => change(own, other, f32::max),
                Of::Minimum => change(own, other, f32::min),
                Of::Multiply => change(own, other, |x, y| x * y),
                Of::SquaredDifference => change(own, other, squared_difference),
                Of::Subtract => change(own, other, |x, y| x - y),
                Of::Add | Of::Less | Of::And => change(own, other, |x, y| x + y),
            }
            self.activation.apply(own);
            return Ok(first);
        }
        let result = self.combined(&first, second, scratch)?;
        scratch.recycle(first);
        Ok(Arc::new(result))
    }

    fn combined(&self, a: &Tensor, b: &Tensor, scratch: &mut Scratch) -> Result<Tensor, Fault> {
        let shape = walk::broadcast(a.shape(), b.shape())?;
        match (a.data(), b.data()) {
            (Data::Floats(x), Data::Floats(y)) => {
                let (a, b) = ((&x[..], a.shape()), (&y[..], b.shape()));
                self.reals(a, b, shape, scratch)
            }
            (Data::Integers(x), Data::Integers(y)) => {
                let (a, b) = ((&x[..], a.shape()), (&y[..], b.shape()));
                let mut out = scratch.integers(shape.count()?)?;
                match self.of {
                    Of::Add => combine(a, b, &shape, &mut out, i64::wrapping_add),
                    Of::Multiply => combine(a, b, &shape, &mut out, i64::wrapping_mul),
                    Of::Subtract => combine(a, b, &shape, &mut out, i64::wrapping_sub),
                    Of::Less => combine(a, b, &shape, &mut out, |x, y| i64::from(x < y)),
                    Of::And => combine(a, b, &shape, &mut out, |x, y| i64::from(x != 0 && y != 0)),
                    _ => return Err("it is not supported of integers".into()),
                }
                Tensor::of_integers(shape, out)
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
    ) -> Result<Tensor, Fault> {
        let count = shape.count()?;
        if self.of == Of::Less {
            let mut out = scratch.integers(count)?;
            combine(a, b, &shape, &mut out, |x, y| i64::from(x < y));
            return Tensor::of_integers(shape, out);
        }
        let mut out = scratch.floats(count)?;
        match self.of {
            Of::Add => combine(a, b, &shape, &mut out, |x, y| x + y),
            Of::Divide => combine(a, b, &shape, &mut out, |x, y| x / y),
            Of::Maximum => combine(a, b, &shape, &mut out, f32::max),
            Of::Minimum => combine(a, b, &shape, &mut out, f32::min),
            Of::Multiply => combine(a, b, &shape, &mut out, |x, y| x * y),
            Of::SquaredDifference => combine(a, b, &shape, &mut out, squared_difference),
            Of::Subtract => combine(a, b, &shape, &mut out, |x, y| x - y),
            Of::Less | Of::And => return Err("its operands are no truth values".into()),
        }
        self.activation.apply(&mut out);
        Tensor::of_floats(shape, out)
    }
}

fn squared_difference(x: f32, y: f32) -> f32 {
    (x - y) * (x - y)
}

/// Makes each value `f` of itself and of what lies over it, which is repeated.
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
        let (of_a, of_b) = (walk::strides_within(of_a, shape), walk::strides_within(of_b, shape));
        walk::each_pair(shape, &of_a, &of_b, |at_a, at_b| out.push(f(a[at_a], b[at_b])));
    }
}
