//! Which reads fetch a set of points: neighbours joined into few requests, no value ever split. Pure.

use super::address::Space;

/// Modbus Application Protocol V1.1b3, 6.3 and 6.4: at most 125 registers in one read.
pub const MAX_WORDS: u16 = 125;
/// The same, 6.1 and 6.2: at most 2000 coils or inputs, which is 125 times this.
pub const BITS_PER_WORD: u16 = 16;
/// Registers read although nobody wants them, to save a request.
pub const DEFAULT_MAX_GAP: u16 = 8;
/// Bits are cheaper than registers: this many for each register of gap.
const BITS_PER_GAP: u32 = 8;

/// Consecutive words or bits of one space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub space: Space,
    pub start: u16,
    /// At least 1; `start + len` is at most 65536.
    pub len: u16,
}

impl Span {
    /// The address after the last; a `u32` because it may be 65536.
    pub fn end(self) -> u32 {
        u32::from(self.start) + u32::from(self.len)
    }

    fn overlaps(self, other: Span) -> bool {
        self.space == other.space
            && u32::from(self.start) < other.end()
            && u32::from(other.start) < self.end()
    }
}

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
    /// The widest gap that is read over, in registers; eight times as many bits.
    pub max_gap: u16,
    /// The longest joined read, in registers; sixteen times as many bits.
    pub max_words: u16,
    /// Stretches that no joined read may touch.
    pub holes: Vec<Span>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_gap: DEFAULT_MAX_GAP, max_words: MAX_WORDS, holes: Vec::new() }
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
    let (limit, gap) = if point.space.is_bits() {
        (rules.max_words * BITS_PER_WORD, u32::from(rules.max_gap) * BITS_PER_GAP)
    } else {
        (rules.max_words, u32::from(rules.max_gap))
    };
    let len = point.end().max(block.span.end()) - u32::from(block.span.start);
    let Some(len) = u16::try_from(len).ok().filter(|len| *len <= limit) else { return false };
    let wider = Span { len, ..block.span };
    let is_near = u32::from(point.start) <= block.span.end() + gap;
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
    let mut reached = u32::from(block.span.start);
    for point in block.members.iter().map(|i| points[*i]) {
        // Within one block every distance is far below 65536.
        if let (Ok(start), Ok(len)) =
            (u16::try_from(reached), u16::try_from(u32::from(point.start).saturating_sub(reached)))
            && len > 0
        {
            found.push(Span { space: point.space, start, len });
        }
        reached = reached.max(point.end());
    }
    found
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
