//! CONV_2D; converters write one-dimensional convolutions as CONV_2D too.

use std::borrow::Cow;

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::limits::ResourceBudget;
use crate::infer::tflite::matmul::{PackedWeights, StridedRows};
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::activation::Activation;
use super::fully_connected;
use super::pool::FilterAxis;
use super::{Inputs, OperatorSpec};

/// `tfl.conv_2d`: `[images, height, width, in]` by weights `[out, height, width, in]` and an optional bias `[out]`.
#[derive(Debug)]
pub struct Conv2d {
    is_same: bool,
    /// Strides and dilations over rows and columns.
    steps: [usize; 2],
    dilations: [usize; 2],
    activation: Activation,
    weights: Option<PackedWeights>,
}

/// One convolution with known image sizes.
struct ConvPass<'a> {
    rows: FilterAxis,
    columns: FilterAxis,
    image: [usize; 4],
    weights: &'a PackedWeights,
}

impl Conv2d {
    /// Parses padding, strides, dilations and activation.
    pub fn read(call: &OperatorSpec) -> Result<Conv2d, InterpreterError> {
        Ok(Conv2d {
            is_same: call.options.map_or(Ok(0), |options| options.i8(0, 0))? == 0,
            steps: [call.size(2, 0)?, call.size(1, 0)?],
            dilations: [call.size(5, 1)?, call.size(4, 1)?],
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

    /// Returns `[images, height, width, out]`; the spatial dimensions follow from padding and strides.
    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
        let (from, kernel) = (inputs.get(0)?, inputs.get(1)?);
        let (image, [_, height, width, depth]) = (from.shape().as_nhwc()?, kernel.shape().as_nhwc()?);
        if height == 0 || width == 0 || depth == 0 || depth != image[3] {
            return Err(format!("{:?} by weights of {:?}", from.shape(), kernel.shape()).into());
        }
        let weights = match &self.weights {
            Some(weights) => Cow::Borrowed(weights),
            None => Cow::Owned(packed(kernel, &mut scratch.budget)?),
        };
        let stride = |at: usize, size| FilterAxis {
            step: self.steps[at],
            size,
            dilation: self.dilations[at],
            is_same: self.is_same,
        };
        let pass = ConvPass { rows: stride(0, height), columns: stride(1, width), image, weights: &weights };
        let (rows, columns) =
            (pass.rows.output_and_padding(image[1]).0, pass.columns.output_and_padding(image[2]).0);
        let shape = Shape::from_dims(&[image[0], rows, columns, weights.columns()])?;
        scratch.budget.charge_work(&[shape.count()?, weights.depth() + 2])?;
        let places = Shape::from_dims(&shape[..3])?.count()?;
        let mut out = fully_connected::bias_rows(inputs.optional(2), (places, weights.columns()), scratch)?;
        pass.run(from.require_floats()?, &mut out, scratch)?;
        self.activation.apply(&mut out);
        Tensor::new_floats(shape, out)
    }
}

/// Packs weights from `[out, height, width, in]`.
fn packed(weights: &Tensor, budget: &mut ResourceBudget) -> Result<PackedWeights, InterpreterError> {
    let [columns, height, width, depth] = weights.shape().as_nhwc()?;
    let (values, depth) = (weights.require_floats()?, height * width * depth);
    PackedWeights::from_rows(
        depth,
        (0..columns).map(|column| &values[column * depth..(column + 1) * depth]),
        budget,
    )
}

impl ConvPass<'_> {
    /// Adds the result to `out`, line by line.
    fn run(&self, values: &[f32], out: &mut [f32], scratch: &mut Scratch) -> Result<(), InterpreterError> {
        let [images, height, width, channels] = self.image;
        let ((lines, top), (places, left)) =
            (self.rows.output_and_padding(height), self.columns.output_and_padding(width));
        let line = places * self.weights.columns();
        if line == 0 {
            return Ok(());
        }
        // In one dimension the terms of adjacent positions overlap in a padded line.
        let is_flat = self.rows.size == 1 && self.columns.dilation == 1;
        let stride = if is_flat { self.columns.step * channels } else { self.weights.depth() };
        let length = (places - 1) * stride + self.weights.depth();
        scratch.budget.charge_work(&[images, lines, length])?;
        let mut terms = scratch.floats(length)?;
        for (at, out) in out.chunks_exact_mut(line).enumerate().take(images * lines) {
            let (image, row) = (at / lines, at % lines);
            terms.clear();
            if is_flat {
                let y = row * self.rows.step;
                let from = &values[(image * height + y) * width * channels..][..width * channels];
                self.line(from, left * channels, length, &mut terms);
            } else {
                let from = &values[image * height * width * channels..][..height * width * channels];
                self.windows(from, (row, top), (places, left), &mut terms);
            }
            self.weights.multiply(
                StridedRows { values: &terms, stride, count: places },
                out,
                self.weights.columns(),
            );
        }
        scratch.recycle_floats(terms);
        Ok(())
    }

    /// Copies a line with zeros on both sides, `length` long in total.
    fn line(&self, from: &[f32], before: usize, length: usize, terms: &mut Vec<f32>) {
        terms.resize(before, 0.0);
        let kept = from.len().min(length.saturating_sub(before));
        terms.extend_from_slice(&from[..kept]);
        terms.resize(length, 0.0);
    }

    /// Gathers the terms of each position of one line, adjacent to each other.
    fn windows(
        &self,
        from: &[f32],
        (row, top): (usize, usize),
        (places, left): (usize, usize),
        terms: &mut Vec<f32>,
    ) {
        let [_, height, width, channels] = self.image;
        for place in 0..places {
            for i in 0..self.rows.size {
                let y =
                    (row * self.rows.step + i * self.rows.dilation).checked_sub(top).filter(|y| *y < height);
                for j in 0..self.columns.size {
                    let x = (place * self.columns.step + j * self.columns.dilation).checked_sub(left);
                    match y.zip(x.filter(|x| *x < width)) {
                        Some((y, x)) => {
                            terms.extend_from_slice(&from[(y * width + x) * channels..][..channels])
                        }
                        None => terms.resize(terms.len() + channels, 0.0),
                    }
                }
            }
        }
    }
}
