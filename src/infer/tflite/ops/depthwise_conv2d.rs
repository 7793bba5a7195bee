//! DEPTHWISE_CONV_2D: convolves each channel separately into one or several output channels.

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::activation::Activation;
use super::fully_connected;
use super::pool::FilterAxis;
use super::{Inputs, OperatorSpec};

/// `tfl.depthwise_conv_2d`: padding, strides, dilations and activation.
#[derive(Debug, Clone, Copy)]
pub struct DepthwiseConv2d {
    is_same: bool,
    /// Strides and dilations over rows and columns.
    steps: [usize; 2],
    dilations: [usize; 2],
    activation: Activation,
}

impl DepthwiseConv2d {
    /// Parses the options. The depth multiplier is not read: it follows from the shapes.
    pub fn read(call: &OperatorSpec) -> Result<DepthwiseConv2d, InterpreterError> {
        Ok(DepthwiseConv2d {
            is_same: call.options.map_or(Ok(0), |options| options.i8(0, 0))? == 0,
            steps: [call.size(2, 0)?, call.size(1, 0)?],
            dilations: [call.size(6, 1)?, call.size(5, 1)?],
            activation: Activation::from_option(call, 4)?,
        })
    }

    /// Runs the convolution. Weights are `[1, height, width, channel]`; output channels of one input channel are
    /// adjacent.
    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
        let (from, kernel) = (inputs.get(0)?, inputs.get(1)?);
        let (image, [_, height, width, outs]) = (from.shape().as_nhwc()?, kernel.shape().as_nhwc()?);
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
            FilterAxis { step, size, dilation, is_same: self.is_same }
        };
        let strides = [stride(0, height), stride(1, width)];
        let (rows, columns) =
            (strides[0].output_and_padding(image[1]).0, strides[1].output_and_padding(image[2]).0);
        let shape = Shape::from_dims(&[images, rows, columns, outs])?;
        // One kernel position costs more than its channels.
        scratch.budget.charge_work(&[shape.count()?, height, width, 4])?;
        let places = Shape::from_dims(&shape[..3])?.count()?;
        let mut out = fully_connected::bias_rows(inputs.optional(2), (places, outs), scratch)?;
        if !out.is_empty() {
            spread(
                (from.require_floats()?, image),
                (kernel.require_floats()?, strides),
                (rows, columns),
                &mut out,
            );
        }
        self.activation.apply(&mut out);
        Tensor::new_floats(shape, out)
    }
}

/// Adds to each output position the sum over its window of weights.
fn spread(
    (values, [_, height, width, channels]): (&[f32], [usize; 4]),
    (weights, [over_rows, over_columns]): (&[f32], [FilterAxis; 2]),
    (rows, columns): (usize, usize),
    out: &mut [f32],
) {
    let outs = weights.len() / (over_rows.size * over_columns.size);
    let (top, left) = (over_rows.output_and_padding(height).1, over_columns.output_and_padding(width).1);
    for (place, sums) in out.chunks_exact_mut(outs).enumerate() {
        let (image, row, column) = (place / (rows * columns), place / columns % rows, place % columns);
        for (i, y) in over_rows.taps(row, top, height) {
            for (j, x) in over_columns.taps(column, left, width) {
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
