//! Planning of reads: joins neighbouring points into few requests and never splits a value. Pure.

use super::{CellUnit, RegisterRange, ScatteredReads};

/// Bits and bytes are smaller than words: a request may hold this many in place of one word.
const BITS_PER_WORD: u16 = 16;
const BYTES_PER_WORD: u16 = 2;
/// Bits of gap that are allowed for each word of gap.
const BITS_PER_GAP: u16 = 8;
/// A block larger than a quarter of a request gets a request of its own.
const SCATTERED_SHARE: u16 = 4;

/// One read request and the points it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBlock {
    pub span: RegisterRange,
    /// Indexes into the points given, in order of address.
    pub members: Vec<usize>,
}

/// Limits on reads: configured ones, and those learned from the device's refusals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRules {
    /// The widest gap that is read over to save a request, in words; eight times as many bits. `None` means the
    /// protocol's default.
    pub max_gap: Option<u16>,
    /// The longest joined read, in words; sixteen times as many bits. The protocol's own limit also applies.
    pub max_words: u16,
    /// Whether separate blocks may share a request where the protocol supports it.
    pub allows_scattered: bool,
    /// Ranges that no joined read may touch.
    pub holes: Vec<RegisterRange>,
}

impl ReadRules {
    /// Rules without anything learned.
    pub fn new(max_gap: Option<u16>) -> ReadRules {
        ReadRules { max_gap, max_words: u16::MAX, allows_scattered: true, holes: Vec::new() }
    }

    /// Discards everything learned.
    pub fn forget(&mut self) {
        *self = ReadRules::new(self.max_gap);
    }

    /// The longest joined read and the widest gap in it, in cells of the space of `span`.
    fn limits(&self, span: RegisterRange) -> (u16, u32) {
        let gap = self.max_gap.unwrap_or(span.space.default_gap);
        let (len, gap) = match span.space.unit {
            CellUnit::Bit => (self.max_words.saturating_mul(BITS_PER_WORD), gap.saturating_mul(BITS_PER_GAP)),
            CellUnit::Byte => {
                (self.max_words.saturating_mul(BYTES_PER_WORD), gap.saturating_mul(BYTES_PER_WORD))
            }
            CellUnit::Word => (self.max_words, gap),
            CellUnit::Wide(_) => (1, 0),
        };
        (len.min(span.space.max_len), gap.into())
    }

    fn has_hole_in(&self, span: RegisterRange) -> bool {
        self.holes.iter().any(|hole| hole.overlaps(span))
    }
}

/// Length of a span in words, as counted in `ReadRules::max_words`.
pub fn words(span: RegisterRange) -> u16 {
    match span.space.unit {
        CellUnit::Bit => span.len / BITS_PER_WORD,
        CellUnit::Byte => span.len / BYTES_PER_WORD,
        CellUnit::Word | CellUnit::Wide(_) => span.len,
    }
}

/// Joins neighbours as far as the rules allow. A point that lies in a hole is read alone.
pub fn coalesce(points: &[RegisterRange], rules: &ReadRules) -> Vec<ReadBlock> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|i| points[*i]);
    let mut blocks: Vec<ReadBlock> = Vec::new();
    for index in order {
        let point = points[index];
        let joined = blocks.last_mut().is_some_and(|block| join(block, index, point, rules));
        if !joined {
            blocks.push(ReadBlock { span: point, members: vec![index] });
        }
    }
    blocks
}

/// Adds the point to the block if the rules allow it; returns whether it did.
fn join(block: &mut ReadBlock, index: usize, point: RegisterRange, rules: &ReadRules) -> bool {
    let (limit, gap) = rules.limits(point);
    let len = point.end().max(block.span.end()) - block.span.start;
    let Some(len) = u16::try_from(len).ok().filter(|len| *len <= limit) else { return false };
    let wider = RegisterRange { len, ..block.span };
    let is_near = point.start <= block.span.end() + gap;
    let is_allowed =
        point.space == block.span.space && is_near && !(block.span != point && rules.has_hole_in(wider));
    if is_allowed {
        block.span = wider;
        block.members.push(index);
    }
    is_allowed
}

/// Puts short separate blocks into shared requests, as far as the protocol and the rules allow. Every inner list is
/// one request; a list of one is an ordinary read.
pub fn pack_requests(blocks: Vec<ReadBlock>, rules: &ReadRules) -> Vec<Vec<ReadBlock>> {
    let mut requests: Vec<Vec<ReadBlock>> = Vec::new();
    for block in blocks {
        let shared = requests.iter_mut().find(|request| may_share(request, &block, rules));
        match shared {
            Some(request) => request.push(block),
            None => requests.push(vec![block]),
        }
    }
    requests
}

fn may_share(request: &[ReadBlock], block: &ReadBlock, rules: &ReadRules) -> bool {
    let scattered = block.span.space.scattered;
    let are_limits_the_same = request.iter().all(|one| one.span.space.scattered == scattered);
    rules.allows_scattered
        && are_limits_the_same
        && match scattered {
            ScatteredReads::Unsupported => false,
            ScatteredReads::Cells(most) => may_share_cells(request, block, most, rules),
            // A range that the device refuses spoils no other, so that holes are of no interest.
            ScatteredReads::Ranges { max_ranges, max_bytes } => {
                let spans = request.iter().chain([block]).map(|one| one.span);
                request.len() < usize::from(max_ranges)
                    && spans.map(bytes).fold(0, u16::saturating_add) <= max_bytes
            }
        }
}

fn may_share_cells(request: &[ReadBlock], block: &ReadBlock, most: u16, rules: &ReadRules) -> bool {
    let fits = |one: &ReadBlock| {
        let span = one.span;
        // Words that begin in the middle of a word have no name of their own.
        let is_even =
            span.space.unit != CellUnit::Byte || (span.start.is_multiple_of(2) && span.len.is_multiple_of(2));
        is_even && span.len <= (most / SCATTERED_SHARE).max(1) && !rules.has_hole_in(span)
    };
    let is_alike = |one: &ReadBlock| one.span.space.unit == block.span.space.unit && fits(one);
    let total: u16 = request.iter().map(|one| one.span.len).fold(block.span.len, u16::saturating_add);
    total <= most && fits(block) && request.iter().all(is_alike)
}

/// Length of a span in bytes.
fn bytes(span: RegisterRange) -> u16 {
    match span.space.unit {
        CellUnit::Bit => span.len.div_ceil(8),
        CellUnit::Byte => span.len,
        CellUnit::Word => span.len.saturating_mul(BYTES_PER_WORD),
        CellUnit::Wide(width) => span.len.saturating_mul(u16::from(width)).saturating_mul(BYTES_PER_WORD),
    }
}

/// Ranges of a block that no member needs.
pub fn gaps(block: &ReadBlock, points: &[RegisterRange]) -> Vec<RegisterRange> {
    let mut found = Vec::new();
    let mut reached = block.span.start;
    for point in block.members.iter().map(|i| points[*i]) {
        // A block's length fits into a u16, so a gap's length does too.
        let len = u16::try_from(point.start.saturating_sub(reached)).unwrap_or(u16::MAX);
        if len > 0 {
            found.push(RegisterRange { space: point.space, start: reached, len });
        }
        reached = reached.max(point.end());
    }
    found
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
