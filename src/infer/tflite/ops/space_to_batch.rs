//! SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, which converters emit around dilated convolutions.

use crate::infer::tflite::error::InterpreterError;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

/// SPACE_TO_BATCH_ND: pads space with zeros by `margins`, then turns each position within a block into a batch.
pub fn space_to_batch(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let (from, blocks, margins) = operands(inputs)?;
    let mut shape = *from.shape();
    for (at, block) in blocks.iter().enumerate() {
        let padded =
            shape[at + 1].checked_add(margins[2 * at]).and_then(|dim| dim.checked_add(margins[2 * at + 1]));
        let padded =
            padded.filter(|dim| dim.is_multiple_of(*block)).ok_or("space is not a number of blocks")?;
        shape[at + 1] = padded / block;
        shape[0] = shape[0].checked_mul(*block).ok_or(InterpreterError::Limit("elements"))?;
    }
    let mut out = scratch.zeros(shape.count()?)?;
    let moved =
        SpaceToBatchLayout { blocks: &blocks, margins: &margins, spread: from.shape(), batches: &shape };
    let values = from.require_floats()?;
    moved.charge(scratch)?;
    moved.each(|spread, packed, width| {
        out[packed..packed + width].copy_from_slice(&values[spread..spread + width]);
    });
    Tensor::new_floats(shape, out)
}

/// BATCH_TO_SPACE_ND: the inverse; `crops` are removed from space afterwards.
pub fn batch_to_space(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, InterpreterError> {
    let (from, blocks, crops) = operands(inputs)?;
    let mut shape = *from.shape();
    for (at, block) in blocks.iter().enumerate() {
        if !shape[0].is_multiple_of(*block) {
            return Err("batches are not a number of blocks".into());
        }
        shape[0] /= block;
        let grown = shape[at + 1].checked_mul(*block).ok_or(InterpreterError::Limit("elements"))?;
        let cut = grown.checked_sub(crops[2 * at]).and_then(|dim| dim.checked_sub(crops[2 * at + 1]));
        shape[at + 1] = cut.ok_or("more is cut off than is there")?;
    }
    let mut out = scratch.zeros(shape.count()?)?;
    let moved =
        SpaceToBatchLayout { blocks: &blocks, margins: &crops, spread: &shape, batches: from.shape() };
    let values = from.require_floats()?;
    moved.charge(scratch)?;
    moved.each(|spread, packed, width| {
        out[spread..spread + width].copy_from_slice(&values[packed..packed + width]);
    });
    Tensor::new_floats(shape, out)
}

/// Returns the tensor, the block sizes and two margins per block dimension.
fn operands<'a>(inputs: &Inputs<'a>) -> Result<(&'a Tensor, Shape, Vec<usize>), InterpreterError> {
    let (from, blocks) = (inputs.get(0)?, inputs.get(1)?.as_shape()?);
    let margins = inputs.get(2)?.require_integers()?.iter();
    let margins = margins.map(|size| usize::try_from(*size).map_err(|_| "a margin is negative".into()));
    let margins = margins.collect::<Result<Vec<_>, InterpreterError>>()?;
    if blocks.len() >= from.dims().len() || margins.len() != 2 * blocks.len() || blocks.contains(&0) {
        return Err("its blocks do not fit its dimensions".into());
    }
    Ok((from, blocks, margins))
}

/// Maps offsets in space to offsets in batches.
struct SpaceToBatchLayout<'a> {
    blocks: &'a [usize],
    margins: &'a [usize],
    spread: &'a Shape,
    batches: &'a Shape,
}

impl SpaceToBatchLayout<'_> {
    /// Charges a cell like sixteen values, even if it has fewer.
    fn charge(&self, scratch: &mut Scratch) -> Result<(), InterpreterError> {
        let cells: usize = self.spread[..=self.blocks.len()].iter().product();
        scratch.budget.charge_work(&[cells, 16])
    }

    /// Calls `visit` with the offset in space, the offset in batches, and the number of adjacent values.
    fn each(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let spatial = self.blocks.len();
        let width = self.spread.outer_and_inner(spatial).1;
        let cells: usize = self.spread[..=spatial].iter().product();
        if width == 0 {
            return;
        }
        for cell in 0..cells {
            let (mut rest, mut block, mut packed) = (cell, 0, 0);
            let (mut weight, mut stride) = (1, 1);
            for at in (0..spatial).rev() {
                let place = rest % self.spread[at + 1] + self.margins[2 * at];
                rest /= self.spread[at + 1];
                packed += place / self.blocks[at] * stride;
                stride *= self.batches[at + 1];
                block += place % self.blocks[at] * weight;
                weight *= self.blocks[at];
            }
            let image = block * self.spread[0] + rest;
            visit(cell * width, (image * stride + packed) * width, width);
        }
    }
}
