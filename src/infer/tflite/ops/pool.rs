//! AVERAGE_POOL_2D and MAX_POOL_2D.

use crate::infer::tflite::builtin_operator as opcode;
use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::activation::Activation;
use super::{Inputs, OperatorSpec};

/// Movement of a fixed-size window over one dimension.
#[derive(Debug, Clone, Copy)]
pub struct FilterAxis {
    /// Distance between adjacent positions of the window, in values; at least 1.
    pub step: usize,
    /// Number of taps of the window; at least 1.
    pub size: usize,
    /// Distance between adjacent taps of the window.
    pub dilation: usize,
    /// SAME padding: the window may start before and end after the values, which gives one position per stride.
    pub is_same: bool,
}

impl FilterAxis {
    /// Returns the number of window positions over `length` values, and the padding before the first value.
    pub fn output_and_padding(&self, length: usize) -> (usize, usize) {
        let extent = (self.size - 1) * self.dilation + 1;
        if self.is_same {
            let places = length.div_ceil(self.step);
            let needed = places.saturating_sub(1) * self.step + extent;
            (places, needed.saturating_sub(length) / 2)
        } else {
            ((length + self.step).saturating_sub(extent) / self.step, 0)
        }
    }

    /// Returns which tap of the window covers which value at `place`: only values in 0..length, in order.
    pub fn taps(
        &self,
        place: usize,
        pad: usize,
        length: usize,
    ) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (start, dilation) = (place * self.step, self.dilation);
        (0..self.size)
            .filter_map(move |part| Some((part, (start + part * dilation).checked_sub(pad)?)))
            .take_while(move |(_, at)| *at < length)
    }
}

/// `tfl.average_pool_2d` or `tfl.max_pool_2d`, with the window, its strides and the activation.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    is_max: bool,
    rows: FilterAxis,
    columns: FilterAxis,
    activation: Activation,
}

impl Pool {
    /// Parses padding, strides, window and activation.
    pub fn read(call: &OperatorSpec) -> Result<Pool, InterpreterError> {
        let is_same = call.options.map_or(Ok(0), |options| options.i8(0, 0))? == 0;
        let stride = |step, size| {
            let (step, size) = (call.size(step, 0)?, call.size(size, 0)?);
            Ok::<_, InterpreterError>(FilterAxis { step, size, dilation: 1, is_same })
        };
        Ok(Pool {
            is_max: call.code == opcode::MAX_POOL_2D,
            columns: stride(1, 3)?,
            rows: stride(2, 4)?,
            activation: Activation::from_option(call, 5)?,
        })
    }

    /// Takes and returns `[images, height, width, channels]`. An average counts only the values within the image.
    pub fn run(&self, inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
        let from = inputs.get(0)?;
        let ([images, height, width, channels], values) = (from.shape().as_nhwc()?, from.require_floats()?);
        let ((rows, top), (columns, left)) =
            (self.rows.output_and_padding(height), self.columns.output_and_padding(width));
        let shape = Shape::from_dims(&[images, rows, columns, channels])?;
        let count = shape.count()?;
        // One window position costs more than its channels.
        scratch.budget.charge_work(&[count, self.rows.size, self.columns.size, 2])?;
        let mut out = scratch.floats(count)?;
        for (image, row) in (0..images).flat_map(|image| (0..rows).map(move |row| (image, row))) {
            for column in 0..columns {
                let start = out.len();
                out.resize(start + channels, if self.is_max { f32::MIN } else { 0.0 });
                let cell = &mut out[start..];
                let mut seen = 0;
                for (_, y) in self.rows.taps(row, top, height) {
                    for (_, x) in self.columns.taps(column, left, width) {
                        let at = ((image * height + y) * width + x) * channels;
                        self.take(cell, &values[at..at + channels]);
                        seen += 1;
                    }
                }
                if !self.is_max && seen > 1 {
                    cell.iter_mut().for_each(|sum| *sum /= seen as f32);
                }
            }
        }
        self.activation.apply(&mut out);
        Tensor::new_floats(shape, out)
    }

    fn take(&self, cell: &mut [f32], values: &[f32]) {
        for (kept, value) in cell.iter_mut().zip(values) {
            *kept = if self.is_max { kept.max(*value) } else { *kept + value };
        }
    }
}
