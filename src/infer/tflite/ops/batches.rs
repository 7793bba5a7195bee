//! SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, which converters put around dilated convolutions.

use crate::infer::tflite::error::Fault;
use crate::infer::tflite::shape::Shape;
use crate::infer::tflite::tensor::Tensor;
use crate::infer::tflite::workspace::Scratch;

use super::Inputs;

/// Each block of space becomes so many batches; `margins` are zeros around space, before that.
pub fn from_space(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
    let (from, blocks, margins) = operands(inputs)?;
    let mut shape = *from.shape();
    for (at, block) in blocks.iter().enumerate() {
        let padded =
            shape[at + 1].checked_add(margins[2 * at]).and_then(|dim| dim.checked_add(margins[2 * at + 1]));
        let padded =
            padded.filter(|dim| dim.is_multiple_of(*block)).ok_or("space is not a number of blocks")?;
        shape[at + 1] = padded / block;
        shape[0] = shape[0].checked_mul(*block).ok_or(Fault::Limit("elements"))?;
    }
    let mut out = scratch.zeros(shape.count()?)?;
    let moved = Moved { blocks: &blocks, margins: &margins, spread: from.shape(), batches: &shape };
    let values = from.reals()?;
    moved.charge(scratch)?;
    moved.each(|spread, packed, width| {
        out[packed..packed + width].copy_from_slice(&values[spread..spread + width]);
    });
    Tensor::of_floats(shape, out)
}

/// The way back; `crops` are taken off space afterwards.
pub fn to_space(inputs: &Inputs, scratch: &mut Scratch) -> Result<Tensor, Fault> {
    let (from, blocks, crops) = operands(inputs)?;
    let mut shape = *from.shape();
    for (at, block) in blocks.iter().enumerate() {
        if !shape[0].is_multiple_of(*block) {
            return Err("batches are not a number of blocks".into());
        }
        shape[0] /= block;
        let grown = shape[at + 1].checked_mul(*block).ok_or(Fault::Limit("elements"))?;
        let cut = grown.checked_sub(crops[2 * at]).and_then(|dim| dim.checked_sub(crops[2 * at + 1]));
        shape[at + 1] = cut.ok_or("more is cut off than is there")?;
    }
    let mut out = scratch.zeros(shape.count()?)?;
    let moved = Moved { blocks: &blocks, margins: &crops, spread: &shape, batches: from.shape() };
    let values = from.reals()?;
    moved.charge(scratch)?;
    moved.each(|spread, packed, width| {
        out[spread..spread + width].copy_from_slice(&values[packed..packed + width]);
    });
    Tensor::of_floats(shape, out)
}

/// The tensor, the blocks and twice as many margins.
fn operands<'a>(inputs: &Inputs<'a>) -> Result<(&'a Tensor, Shape, Vec<usize>), Fault> {
    let (from, blocks) = (inputs.get(0)?, inputs.get(1)?.as_shape()?);
    let margins = inputs.get(2)?.integers()?.iter();
    let margins = margins.map(|size| usize::try_from(*size).map_err(|_| "a margin is negative".into()));
    let margins = margins.collect::<Result<Vec<_>, Fault>>()?;
    if blocks.len() >= from.dims().len() || margins.len() != 2 * blocks.len() || blocks.contains(&0) {
        return Err("its blocks do not fit its dimensions".into());
    }
    Ok((from, blocks, margins))
}

/// Which value of space lies where in batches.
struct Moved<'a> {
    blocks: &'a [usize],
    margins: &'a [usize],
    spread: &'a Shape,
    batches: &'a Shape,
}

impl Moved<'_> {
    /// A cell costs as much as sixteen values, however few it has.
    fn charge(&self, scratch: &mut Scratch) -> Result<(), Fault> {
        let cells: usize = self.spread[..=self.blocks.len()].iter().product();
        scratch.budget.work(&[cells, 16])
    }

    /// Calls `visit` with the offset in space, the offset in batches, and how many values lie together.
    fn each(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let spatial = self.blocks.len();
        let width = self.spread.around(spatial).1;
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
