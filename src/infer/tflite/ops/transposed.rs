//! TRANSPOSE_CONV: each value spreads over as many places as the kernel has.

use std::borrow::Cow;

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::limits::Budget;
use crate::infer::tflite::matrix::{Rows, Weights};
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::activation::Activation;
use super::dense;
use super::{Call, Inputs};

#[derive(Debug)]
pub struct Transposed {
    is_same: bool,
    /// Over rows and columns of the output.
    steps: [usize; 2],
    activation: Activation,
    weights: Option<Weights>,
}

impl Transposed {
    pub fn read(call: &Call) -> Result<Transposed, Fault> {
        Ok(Transposed {
            is_same: call.options.map_or(Ok(0), |options| options.i8(0, 0))? == 0,
            steps: [call.size(2, 0)?, call.size(1, 0)?],
            activation: Activation::at(call, 3)?,
            weights: None,
        })
    }

    /// Makes constant weights ready once.
    pub fn prepare(&mut self, inputs: &Inputs, budget: &mut Budget) -> Result<usize, Fault> {
        self.weights = inputs.constant(1).map(|weights| packed(weights, budget)).transpose()?;
        Ok(self.weights.as_ref().map_or(0, Weights::size))
    }

    /// The shape of the output is its first input.
    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
        let (shape, kernel, from) = (inputs.get(0)?.as_shape()?, inputs.get(1)?, inputs.get(2)?);
        let ([images, _, _, channels], [_, height, width, depth]) =
            (from.shape().image()?, kernel.shape().image()?);
        let into = shape.image()?;
        let is_empty = height == 0 || width == 0 || depth == 0;
        if is_empty || depth != channels || into[0] != images || into[3] != kernel.dims()[0] {
            return Err(format!("{:?} by weights of {:?} to {shape:?}", from.shape(), kernel.shape()).into());
        }
        let weights = match &self.weights {
            Some(weights) => Cow::Borrowed(weights),
            None => Cow::Owned(packed(kernel, &mut scratch.budget)?),
        };
        let places = Shape::of(&shape[..3])?.count()?;
        shape.count()?;
        scratch.budget.work(&[from.weight(), weights.columns()])?;
        let mut out = dense::biased(inputs.optional(3), (places, into[3]), scratch)?;
        self.spread(from, (&weights, [height, width]), (&mut out, into), scratch)?;
        self.activation.apply(&mut out);
        Tensor::of_floats(shape, out)
    }

    fn spread(
        &self,
        from: &Tensor,
        (weights, kernel): (&Weights, [usize; 2]),
        (out, into): (&mut [f32], [usize; 4]),
        scratch: &mut Scratch,
    ) -> Result<(), Fault> {
        let ([images, height, width, channels], values) = (from.shape().image()?, from.reals()?);
        let top = self.pad(height, kernel[0], into[1], self.steps[0]);
        let left = self.pad(width, kernel[1], into[2], self.steps[1]);
        if into[3] == 0 || width == 0 {
            return Ok(());
        }
        let mut spread = scratch.zeros(Shape::of(&[width, weights.columns()])?.count()?)?;
        let size = into[1] * into[2] * into[3];
        for (image, y) in (0..images).flat_map(|image| (0..height).map(move |y| (image, y))) {
            spread.fill(0.0);
            let line = &values[(image * height + y) * width * channels..][..width * channels];
            weights.multiply(
                Rows { values: line, stride: channels, count: width },
                &mut spread,
                weights.columns(),
            );
            let out = &mut out[image * size..][..size];
            // Of one value and one row of the kernel, all places lie side by side.
            let row_size = kernel[1] * into[3];
            for (at, cells) in spread.chunks_exact(row_size).enumerate() {
                let (x, i) = (at / kernel[0], at % kernel[0]);
                let Some(row) = (y * self.steps[0] + i).checked_sub(top).filter(|row| *row < into[1]) else {
                    continue;
                };
                let first = x * self.steps[1];
                let (skipped, column) = (left.saturating_sub(first), first.saturating_sub(left));
                let count = kernel[1].saturating_sub(skipped).min(into[2].saturating_sub(column));
                let (start, size) = ((row * into[2] + column.min(into[2])) * into[3], count * into[3]);
                let sums = out[start..start + size].iter_mut();
                sums.zip(&cells[skipped.min(kernel[1]) * into[3]..]).for_each(|(sum, value)| *sum += value);
            }
        }
        scratch.give(spread);
        Ok(())
    }

    /// How many places the first value begins before the output.
    fn pad(&self, length: usize, kernel: usize, into: usize, step: usize) -> usize {
        if !self.is_same {
            return 0;
        }
        (length.saturating_sub(1) * step + kernel).saturating_sub(into) / 2
    }
}

/// Weights lie as `[out, height, width, in]`; the columns of a product are `[height, width, out]`.
fn packed(weights: &Tensor, budget: &mut Budget) -> Result<Weights, Fault> {
    let [outs, height, width, depth] = weights.shape().image()?;
    let (values, cells) = (weights.reals()?, height * width);
    let rows = (0..cells * outs).map(|column| {
        let (cell, out) = (column / outs, column % outs);
        &values[(out * cells + cell) * depth..][..depth]
    });
    Weights::of(depth, rows, budget)
}
