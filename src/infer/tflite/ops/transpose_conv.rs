//! TRANSPOSE_CONV: spreads each value over as many output positions as the kernel has.

use std::borrow::Cow;

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::limits::ResourceBudget;
use crate::infer::tflite::matmul::{PackedWeights, StridedRows};
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::activation::Activation;
use super::fully_connected;
use super::{Inputs, OperatorSpec};

/// `tfl.transpose_conv`: `[images, height, width, in]` by weights `[out, height, width, in]` and an optional bias.
#[derive(Debug)]
pub struct TransposeConv {
    is_same: bool,
    /// Strides over rows and columns of the output.
    steps: [usize; 2],
    activation: Activation,
    weights: Option<PackedWeights>,
}

impl TransposeConv {
    /// Parses padding, strides and activation.
    pub fn read(call: &OperatorSpec) -> Result<TransposeConv, InterpreterError> {
        Ok(TransposeConv {
            is_same: call.options.map_or(Ok(0), |options| options.i8(0, 0))? == 0,
            steps: [call.size(2, 0)?, call.size(1, 0)?],
            activation: Activation::from_option(call, 3)?,
            weights: None,
        })
    }

    /// Packs constant weights once, at load.
    pub fn prepare(
        &mut self,
        inputs: &Inputs,
        budget: &mut ResourceBudget,
    ) -> Result<usize, InterpreterError> {
        self.weights = inputs.constant(1).map(|weights| packed(weights, budget)).transpose()?;
        Ok(self.weights.as_ref().map_or(0, PackedWeights::size))
    }

    /// Runs the operator. Its first input is the shape of the output.
    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
        let (shape, kernel, from) = (inputs.get(0)?.as_shape()?, inputs.get(1)?, inputs.get(2)?);
        let ([images, _, _, channels], [_, height, width, depth]) =
            (from.shape().as_nhwc()?, kernel.shape().as_nhwc()?);
        let into = shape.as_nhwc()?;
        let is_empty = height == 0 || width == 0 || depth == 0;
        if is_empty || depth != channels || into[0] != images || into[3] != kernel.dims()[0] {
            return Err(format!("{:?} by weights of {:?} to {shape:?}", from.shape(), kernel.shape()).into());
        }
        let weights = match &self.weights {
            Some(weights) => Cow::Borrowed(weights),
            None => Cow::Owned(packed(kernel, &mut scratch.budget)?),
        };
        let places = Shape::from_dims(&shape[..3])?.count()?;
        shape.count()?;
        scratch.budget.charge_work(&[from.element_count(), weights.columns()])?;
        let mut out = fully_connected::bias_rows(inputs.optional(3), (places, into[3]), scratch)?;
        self.spread(from, (&weights, [height, width]), (&mut out, into), scratch)?;
        self.activation.apply(&mut out);
        Tensor::new_floats(shape, out)
    }

    fn spread(
        &self,
        from: &Tensor,
        (weights, kernel): (&PackedWeights, [usize; 2]),
        (out, into): (&mut [f32], [usize; 4]),
        scratch: &mut Scratch,
    ) -> Result<(), InterpreterError> {
        let ([images, height, width, channels], values) = (from.shape().as_nhwc()?, from.require_floats()?);
        let top = self.pad(height, kernel[0], into[1], self.steps[0]);
        let left = self.pad(width, kernel[1], into[2], self.steps[1]);
        if into[3] == 0 || width == 0 {
            return Ok(());
        }
        let mut spread = scratch.zeros(Shape::from_dims(&[width, weights.columns()])?.count()?)?;
        let size = into[1] * into[2] * into[3];
        for (image, y) in (0..images).flat_map(|image| (0..height).map(move |y| (image, y))) {
            spread.fill(0.0);
            let line = &values[(image * height + y) * width * channels..][..width * channels];
            weights.multiply(
                StridedRows { values: line, stride: channels, count: width },
                &mut spread,
                weights.columns(),
            );
            let out = &mut out[image * size..][..size];
            // All output positions of one value and one kernel row are adjacent.
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
        scratch.recycle_floats(spread);
        Ok(())
    }

    /// Returns the number of positions by which the first value starts before the output.
    fn pad(&self, length: usize, kernel: usize, into: usize, step: usize) -> usize {
        if !self.is_same {
            return 0;
        }
        (length.saturating_sub(1) * step + kernel).saturating_sub(into) / 2
    }
}

/// Packs weights from `[out, height, width, in]`; the columns of the product are `[height, width, out]`.
fn packed(weights: &Tensor, budget: &mut ResourceBudget) -> Result<PackedWeights, InterpreterError> {
    let [outs, height, width, depth] = weights.shape().as_nhwc()?;
    let (values, cells) = (weights.require_floats()?, height * width);
    let rows = (0..cells * outs).map(|column| {
        let (cell, out) = (column / outs, column % outs);
        &values[(out * cells + cell) * depth..][..depth]
    });
    PackedWeights::from_rows(depth, rows, budget)
}
