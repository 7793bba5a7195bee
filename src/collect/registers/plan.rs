//! Which reads fetch a set of points: neighbours joined into few requests, no value ever split. Pure.

use super::{Span, Unit};

/// Bits and bytes are cheaper than words: this many in the place of one.
const BITS_PER_WORD: u16 = 16;
const BYTES_PER_WORD: u16 = 2;
/// And this many bits for each word of gap.
const BITS_PER_GAP: u16 = 8;
/// What fills more than this share of a request is worth one of its own.
const SCATTERED_SHARE: u16 = 4;

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
    /// The widest gap that is read over to save a request, in words; eight times as many bits. `None` is the
    /// protocol's own.
    pub max_gap: Option<u16>,
    /// The longest joined read, in words; sixteen times as many bits. The protocol's own limit holds beside it.
    pub max_words: u16,
    /// Whether blocks that lie apart may share a request where the protocol has such requests.
    pub gathers: bool,
    /// Stretches that no joined read may touch.
    pub holes: Vec<Span>,
}

impl Rules {
    /// Nothing learnt yet.
    pub fn new(max_gap: Option<u16>) -> Rules {
        Rules { max_gap, max_words: u16::MAX, gathers: true, holes: Vec::new() }
    }

    /// Nothing learnt any more.
    pub fn forget(&mut self) {
        *self = Rules::new(self.max_gap);
    }

    /// The longest joined read and the widest gap in it, in cells of the space of `span`.
    fn limits(&self, span: Span) -> (u16, u32) {
        let gap = self.max_gap.unwrap_or(span.space.default_gap());
        let (len, gap) = match span.space.unit() {
            Unit::Bit => (self.max_words.saturating_mul(BITS_PER_WORD), gap.saturating_mul(BITS_PER_GAP)),
            Unit::Byte => (self.max_words.saturating_mul(BYTES_PER_WORD), gap.saturating_mul(BYTES_PER_WORD)),
            Unit::Word => (self.max_words, gap),
            Unit::Wide(_) => (1, 0),
        };
        (len.min(span.space.max_len()), gap.into())
    }

    fn has_hole_in(&self, span: Span) -> bool {
        self.holes.iter().any(|hole| hole.overlaps(span))
    }
}

/// The length of a span in words, as `Rules::max_words` counts.
pub fn words(span: Span) -> u16 {
    match span.space.unit() {
        Unit::Bit => span.len / BITS_PER_WORD,
        Unit::Byte => span.len / BYTES_PER_WORD,
        Unit::Word | Unit::Wide(_) => span.len,
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
    let is_allowed =
        point.space == block.span.space && is_near && !(block.span != point && rules.has_hole_in(wider));
    if is_allowed {
        block.span = wider;
        block.members.push(index);
    }
    is_allowed
}

/// Puts short blocks that lie apart into one request each time, as far as protocol and rules allow. Every inner list is
/// one request; a list of one is a read like any other.
pub fn gather(blocks: Vec<Block>, rules: &Rules) -> Vec<Vec<Block>> {
    let mut requests: Vec<Vec<Block>> = Vec::new();
    for block in blocks {
        let shared = requests.iter_mut().find(|request| may_share(request, &block, rules));
        match shared {
            Some(request) => request.push(block),
            None => requests.push(vec![block]),
        }
    }
    requests
}

fn may_share(request: &[Block], block: &Block, rules: &Rules) -> bool {
    let most = block.span.space.max_scattered();
    let fits = |one: &Block| {
        let span = one.span;
        // Words that begin in the middle of one cannot be named by themselves.
        let is_even =
            span.space.unit() != Unit::Byte || (span.start.is_multiple_of(2) && span.len.is_multiple_of(2));
        is_even && span.len <= (most / SCATTERED_SHARE).max(1) && !rules.has_hole_in(span)
    };
    let is_alike = |one: &Block| {
        one.span.space.unit() == block.span.space.unit()
            && one.span.space.max_scattered() == most
            && fits(one)
    };
    let total: u16 = request.iter().map(|one| one.span.len).fold(block.span.len, u16::saturating_add);
    rules.gathers && total <= most && fits(block) && request.iter().all(is_alike)
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
