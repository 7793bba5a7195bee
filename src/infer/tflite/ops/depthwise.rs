//! DEPTHWISE_CONV_2D: each channel is convolved by itself, into one or several.

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::activation::Activation;
use super::dense;
use super::pool::Stride;
use super::{Call, Inputs};

#[derive(Debug, Clone, Copy)]
pub struct Depthwise {
    is_same: bool,
    /// Steps and dilations over rows and columns.
    steps: [usize; 2],
    dilations: [usize; 2],
    activation: Activation,
}

impl Depthwise {
    pub fn read(call: &Call) -> Result<Depthwise, Fault> {
        Ok(Depthwise {
            is_same: call.options.map_or(Ok(0), |options| options.i8(0, 0))? == 0,
            steps: [call.size(2, 0)?, call.size(1, 0)?],
            dilations: [call.size(6, 1)?, call.size(5, 1)?],
            activation: Activation::at(call, 4)?,
        })
    }

    /// Weights lie as `[1, height, width, channel]`; the channels of one of the input's lie together.
    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
        let (from, kernel) = (inputs.get(0)?, inputs.get(1)?);
        let (image, [_, height, width, outs]) = (from.shape().image()?, kernel.shape().image()?);
        let [images, _, _, channels] = image;
        if height == 0
            || width == 0
            || channels == 0
            || !outs.is_multiple_of(channels)
            || kernel.dims()[0] != 1
        {
            return Err(format!("{:?} by weights of {:?}", from.shape(), kernel.shape()).into());
        }
        let stride = |at: usize, size| {
            let (step, dilation) = (self.steps[at], self.dilations[at]);
            Stride { step, size, dilation, is_same: self.is_same }
        };
        let strides = [stride(0, height), stride(1, width)];
        let (rows, columns) = (strides[0].over(image[1]).0, strides[1].over(image[2]).0);
        let shape = Shape::of(&[images, rows, columns, outs])?;
        // A place of the kernel costs more than its channels.
        scratch.budget.work(&[shape.count()?, height, width, 4])?;
        let places = Shape::of(&shape[..3])?.count()?;
        let mut out = dense::biased(inputs.optional(2), (places, outs), scratch)?;
        if !out.is_empty() {
            spread((from.reals()?, image), (kernel.reals()?, strides), (rows, columns), &mut out);
        }
        self.activation.apply(&mut out);
        Tensor::of_floats(shape, out)
    }
}

/// Adds to each place what the window of weights over it gives.
fn spread(
    (values, [_, height, width, channels]): (&[f32], [usize; 4]),
    (weights, [over_rows, over_columns]): (&[f32], [Stride; 2]),
    (rows, columns): (usize, usize),
    out: &mut [f32],
) {
    let outs = weights.len() / (over_rows.size * over_columns.size);
    let (top, left) = (over_rows.over(height).1, over_columns.over(width).1);
    for (place, sums) in out.chunks_exact_mut(outs).enumerate() {
        let (image, row, column) = (place / (rows * columns), place / columns % rows, place % columns);
        for (i, y) in over_rows.within(row, top, height) {
            for (j, x) in over_columns.within(column, left, width) {
                let values = &values[((image * height + y) * width + x) * channels..][..channels];
                let weights = &weights[(i * over_columns.size + j) * outs..][..outs];
                let own = sums.chunks_exact_mut(outs / channels).zip(weights.chunks_exact(outs / channels));
                for (value, (sums, weights)) in values.iter().zip(own) {
                    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
                }
            }
        }
    }
}
