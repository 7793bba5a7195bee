//! CONV_2D, which is also what one-dimensional convolutions become.

use std::borrow::Cow;

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::limits::Budget;
use crate::infer::tflite::matrix::{Rows, Weights};
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::activation::Activation;
use super::dense;
use super::pool::Stride;
use super::{Call, Inputs};

#[derive(Debug)]
pub struct Convolution {
    is_same: bool,
    /// Steps and dilations over rows and columns.
    steps: [usize; 2],
    dilations: [usize; 2],
    activation: Activation,
    weights: Option<Weights>,
}

/// One convolution over images whose size is known.
struct Pass<'a> {
    rows: Stride,
    columns: Stride,
    image: [usize; 4],
    weights: &'a Weights,
}

impl Convolution {
    pub fn read(call: &Call) -> Result<Convolution, Fault> {
        Ok(Convolution {
            is_same: call.options.map_or(Ok(0), |options| options.i8(0, 0))? == 0,
            steps: [call.size(2, 0)?, call.size(1, 0)?],
            dilations: [call.size(5, 1)?, call.size(4, 1)?],
            activation: Activation::at(call, 3)?,
            weights: None,
        })
    }

    /// Makes constant weights ready once.
    pub fn prepare(&mut self, inputs: &Inputs, budget: &mut Budget) -> Result<usize, Fault> {
        self.weights = inputs.constant(1).map(|weights| packed(weights, budget)).transpose()?;
        Ok(self.weights.as_ref().map_or(0, Weights::size))
    }

    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
        let (from, kernel) = (inputs.get(0)?, inputs.get(1)?);
        let (image, [_, height, width, depth]) = (from.shape().image()?, kernel.shape().image()?);
        if height == 0 || width == 0 || depth == 0 || depth != image[3] {
            return Err(format!("{:?} by weights of {:?}", from.shape(), kernel.shape()).into());
        }
        let weights = match &self.weights {
            Some(weights) => Cow::Borrowed(weights),
            None => Cow::Owned(packed(kernel, &mut scratch.budget)?),
        };
        let stride = |at: usize, size| Stride {
            step: self.steps[at],
            size,
            dilation: self.dilations[at],
            is_same: self.is_same,
        };
        let pass = Pass { rows: stride(0, height), columns: stride(1, width), image, weights: &weights };
        let (rows, columns) = (pass.rows.over(image[1]).0, pass.columns.over(image[2]).0);
        let shape = Shape::of(&[image[0], rows, columns, weights.columns()])?;
        scratch.budget.work(&[shape.count()?, weights.depth() + 2])?;
        let places = Shape::of(&shape[..3])?.count()?;
        let mut out = dense::biased(inputs.optional(2), (places, weights.columns()), scratch)?;
        pass.run(from.reals()?, &mut out, scratch)?;
        self.activation.apply(&mut out);
        Tensor::of_floats(shape, out)
    }
}

/// Weights lie as `[out, height, width, in]`.
fn packed(weights: &Tensor, budget: &mut Budget) -> Result<Weights, Fault> {
    let [columns, height, width, depth] = weights.shape().image()?;
    let (values, depth) = (weights.reals()?, height * width * depth);
    Weights::of(depth, (0..columns).map(|column| &values[column * depth..(column + 1) * depth]), budget)
}

impl Pass<'_> {
    /// Adds to `out`, line by line.
    fn run(&self, values: &[f32], out: &mut [f32], scratch: &mut Scratch) -> Result<(), Fault> {
        let [images, height, width, channels] = self.image;
        let ((lines, top), (places, left)) = (self.rows.over(height), self.columns.over(width));
        let line = places * self.weights.columns();
        if line == 0 {
            return Ok(());
        }
        // In one dimension the terms of neighbouring places overlap in a line with its margins.
        let is_flat = self.rows.size == 1 && self.columns.dilation == 1;
        let stride = if is_flat { self.columns.step * channels } else { self.weights.depth() };
        let length = (places - 1) * stride + self.weights.depth();
        scratch.budget.work(&[images, lines, length])?;
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
                Rows { values: &terms, stride, count: places },
                out,
                self.weights.columns(),
            );
        }
        scratch.give(terms);
        Ok(())
    }

    /// A line between zeros, `length` long.
    fn line(&self, from: &[f32], before: usize, length: usize, terms: &mut Vec<f32>) {
        terms.resize(before, 0.0);
        let kept = from.len().min(length.saturating_sub(before));
        terms.extend_from_slice(&from[..kept]);
        terms.resize(length, 0.0);
    }

    /// The terms of each place of one line, side by side.
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
