//! Planning of reads: joins neighbouring points into few requests and never splits a value. Pure.

use super::{CellUnit, RegisterAddress, RegisterRange, ScatteredReads};

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

/// Limits on reads: configured ones, and those learned from what the device did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadRules {
    /// The widest gap that is read over to save a request, in words; eight times as many bits. `None` means the
    /// protocol's default.
    pub max_gap: Option<u16>,
    /// The longest joined reads. The protocol's own limits also apply.
    pub longest: LongestReads,
    /// The most separate blocks in one request, where the protocol supports such requests.
    pub max_shared: usize,
    /// Ranges that no joined read may touch.
    pub holes: Vec<RegisterRange>,
    /// Ranges that no joined read may touch and that share no request.
    pub alone: Vec<RegisterRange>,
    /// Places that no joined read may cross: it ends before one or begins at it.
    pub boundaries: Vec<RegisterAddress>,
}

/// The longest joined reads, each in cells of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongestReads {
    pub bits: u16,
    pub bytes: u16,
    pub words: u16,
}

impl LongestReads {
    /// No limits but those of the protocol.
    pub const UNLIMITED: LongestReads = LongestReads { bits: u16::MAX, bytes: u16::MAX, words: u16::MAX };

    /// Lowers the limit for the unit of a span to the span's length.
    fn lower_to(&mut self, span: RegisterRange) {
        let limit = match span.space.unit {
            CellUnit::Bit => &mut self.bits,
            CellUnit::Byte => &mut self.bytes,
            CellUnit::Word => &mut self.words,
            CellUnit::Wide(_) => return,
        };
        *limit = span.len.min(*limit);
    }
}

impl ReadRules {
    /// Rules without anything learned.
    pub fn new(max_gap: Option<u16>) -> ReadRules {
        ReadRules {
            max_gap,
            longest: LongestReads::UNLIMITED,
            max_shared: usize::MAX,
            holes: Vec::new(),
            alone: Vec::new(),
            boundaries: Vec::new(),
        }
    }

    /// Learns from a request that was not answered while both its parts were: it reached over registers that do not exist or
    /// cannot be read, or it was too long. `is_too_long` says that the device named the length.
    pub fn learn_from_parts(
        &mut self,
        request: &[ReadBlock],
        parts: &[Vec<ReadBlock>; 2],
        is_too_long: bool,
        points: &[RegisterRange],
    ) {
        let [block] = request else { return self.share_at_most(parts) };
        let gaps = gaps(block, points);
        if is_too_long || gaps.is_empty() {
            let longer = parts.iter().flatten().map(|part| part.span).max_by_key(|span| span.len);
            longer.into_iter().for_each(|span| self.longest.lower_to(span));
        } else {
            self.holes.extend(gaps);
        }
    }

    /// Makes the next plan ask for the two parts of a request as requests of their own.
    pub fn divide(&mut self, request: &[ReadBlock], parts: &[Vec<ReadBlock>; 2]) {
        match request {
            [_] => {
                let later = parts[1].iter().map(|block| block.span);
                self.boundaries
                    .extend(later.map(|span| RegisterAddress { space: span.space, offset: span.start }));
            }
            _ => self.share_at_most(parts),
        }
    }

    fn share_at_most(&mut self, parts: &[Vec<ReadBlock>; 2]) {
        self.max_shared = parts[0].len().max(parts[1].len()).min(self.max_shared);
    }

    /// Discards everything learned.
    pub fn forget(&mut self) {
        *self = ReadRules::new(self.max_gap);
    }

    /// The longest joined read and the widest gap in it, in cells of the space of `span`.
    fn limits(&self, span: RegisterRange) -> (u16, u32) {
        let gap = self.max_gap.unwrap_or(span.space.default_gap);
        let LongestReads { bits, bytes, words } = self.longest;
        let (len, gap) = match span.space.unit {
            CellUnit::Bit => (bits, gap.saturating_mul(BITS_PER_GAP)),
            CellUnit::Byte => (bytes, gap.saturating_mul(BYTES_PER_WORD)),
            CellUnit::Word => (words, gap),
            CellUnit::Wide(_) => (1, 0),
        };
        (len.min(span.space.max_len), gap.into())
    }

    fn has_hole_in(&self, span: RegisterRange) -> bool {
        self.holes.iter().chain(&self.alone).any(|hole| hole.overlaps(span))
    }

    fn is_alone(&self, block: &ReadBlock) -> bool {
        self.alone.iter().any(|range| range.overlaps(block.span))
    }

    fn has_boundary_in(&self, span: RegisterRange) -> bool {
        let is_inside = |place: &RegisterAddress| {
            place.space == span.space && span.start < place.offset && place.offset < span.end()
        };
        self.boundaries.iter().any(is_inside)
    }
}

/// The two parts of a request, each with half of its blocks, or of the points of its only block. `None` where all points of it
/// are the same registers.
pub fn halves(request: &[ReadBlock], points: &[RegisterRange]) -> Option<[Vec<ReadBlock>; 2]> {
    let [block] = request else {
        let (first, second) = request.split_at(request.len() / 2);
        return Some([first.to_vec(), second.to_vec()]);
    };
    if block.members.iter().all(|member| points[*member] == block.span) {
        return None;
    }
    let (first, second) = block.members.split_at(block.members.len() / 2);
    Some([first, second].map(|members| vec![block_of(members, points)]))
}

/// The block of members, which are in order of address and at least one.
fn block_of(members: &[usize], points: &[RegisterRange]) -> ReadBlock {
    let first = points[members[0]];
    let end = members.iter().map(|member| points[*member].end()).max().unwrap_or(first.end());
    // A part of a block is not longer than the block.
    let len = u16::try_from(end - first.start).unwrap_or(u16::MAX);
    ReadBlock { span: RegisterRange { len, ..first }, members: members.to_vec() }
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
    let Some(len) = u16::try_from(len).ok().filter(|len| *len <= limit.max(block.span.len)) else {
        return false;
    };
    let wider = RegisterRange { len, ..block.span };
    let is_near = point.start <= block.span.end() + gap;
    let is_allowed = point.space == block.span.space
        && is_near
        && !(block.span != point && rules.has_hole_in(wider))
        && !rules.has_boundary_in(wider);
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
    request.len() < rules.max_shared
        && are_limits_the_same
        && !rules.is_alone(block)
        && !request.iter().any(|one| rules.is_alone(one))
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
