//! Which reads fetch a set of points: neighbours joined into few requests, no value ever split. Pure.

use super::{Span, Unit};

/// Bits are cheaper than words: this many in the place of one.
pub const BITS_PER_WORD: u16 = 16;
/// And this many for each word of gap.
const BITS_PER_GAP: u32 = 8;

/// One read request and which of the points it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub span: Span,
    /// Indexes into the points given, in order of address.
    pub members: Vec<usize>,
}

/// What a device allows: configured, and learnt from its refusals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The widest gap that is read over to save a request, in words; eight times as many bits.
    pub max_gap: u16,
    /// The longest joined read, in words; sixteen times as many bits. The protocol's own limit holds beside it.
    pub max_words: u16,
    /// Stretches that no joined read may touch.
    pub holes: Vec<Span>,
}

impl Rules {
    /// Nothing learnt yet.
    pub fn new(max_gap: u16) -> Rules {
        Rules { max_gap, max_words: u16::MAX, holes: Vec::new() }
    }

    /// The longest joined read and the widest gap in it, in cells of the space of `span`.
    fn limits(&self, span: Span) -> (u16, u32) {
        let (len, gap) = match span.space.unit() {
            Unit::Bit => {
                (self.max_words.saturating_mul(BITS_PER_WORD), u32::from(self.max_gap) * BITS_PER_GAP)
            }
            Unit::Word => (self.max_words, u32::from(self.max_gap)),
        };
        (len.min(span.space.max_len()), gap)
    }
}

/// Joins neighbours as far as the rules allow. A point that lies in a hole is read alone.
pub fn coalesce(points: &[Span], rules: &Rules) -> Vec<Block> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|i| points[*i]);
    let mut blocks: Vec<Block> = Vec::new();
    for index in order {
        let point = points[index];
        let joined = blocks.last_mut().is_some_and(|block| join(block, index, point, rules));
        if !joined {
            blocks.push(Block { span: point, members: vec![index] });
        }
    }
    blocks
}

/// Adds the point to the block if it may; whether it did.
fn join(block: &mut Block, index: usize, point: Span, rules: &Rules) -> bool {
    let (limit, gap) = rules.limits(point);
    let len = point.end().max(block.span.end()) - block.span.start;
    let Some(len) = u16::try_from(len).ok().filter(|len| *len <= limit) else { return false };
    let wider = Span { len, ..block.span };
    let is_near = point.start <= block.span.end() + gap;
    let is_allowed = point.space == block.span.space
        && is_near
        && !(block.span != point && rules.holes.iter().any(|hole| hole.overlaps(wider)));
    if is_allowed {
        block.span = wider;
        block.members.push(index);
    }
    is_allowed
}

/// The stretches of a block that none of its members wants.
pub fn gaps(block: &Block, points: &[Span]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut reached = block.span.start;
    for point in block.members.iter().map(|i| points[*i]) {
        // A block is never longer than a u16 says.
        let len = u16::try_from(point.start.saturating_sub(reached)).unwrap_or(u16::MAX);
        if len > 0 {
            found.push(Span { space: point.space, start: reached, len });
        }
        reached = reached.max(point.end());
    }
    found
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
