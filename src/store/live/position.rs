//! Feed position: which committed rows a reader has received, from the log and from the snapshots read before the log.
//! It survives restarts.

use crate::domain::Micros;
use crate::domain::time::Day;

/// Sort key of a row in a history: by day, within a day by stream and time.
pub type HistoryKey = (Day, i32, i64);

/// A key after every row.
pub const HISTORY_END: HistoryKey = (Day(i32::MAX), i32::MAX, i64::MAX);

/// Maximum parts in which a history is read; each resumption adds one.
pub const MAX_HISTORY_PARTS: usize = 16;

const VERSION: u8 = 1;

/// Returns the sort key of a stream's row in a history; `ts` is in microseconds and decides the day.
pub fn key(stream: i32, ts: i64) -> HistoryKey {
    (Micros(ts).day(), stream, ts)
}

/// Position of a reader that has every row of the records before `seq`, the first `row` rows of record `seq`, and the
/// history described by `covered`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedPosition {
    pub seq: u64,
    pub row: u32,
    pub covered: HistoryCoverage,
}

/// The parts of a history that were read. Of each part the reader has every row in the snapshot of that moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryCoverage {
    /// Start of the history, microseconds.
    pub since: i64,
    /// Parts in order; the last one is covered as far as it has been read.
    parts: Vec<CoveredPart>,
}

/// A part from the end of the previous part up to `upto`, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CoveredPart {
    upto: HistoryKey,
    /// The snapshot contains every record up to this one.
    seq: u64,
}

impl HistoryCoverage {
    /// Creates the coverage of a history from `since` on, of which nothing is read.
    pub fn since(since: Micros) -> Self {
        Self { since: since.0, parts: Vec::new() }
    }

    /// Whether there is no history, or only one that no longer matters.
    pub fn is_none(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns the key of the last row read; `None` before the first.
    pub fn last(&self) -> Option<HistoryKey> {
        self.parts.last().map(|part| part.upto)
    }

    /// Whether part of the history is still unread.
    pub fn is_open(&self) -> bool {
        self.last().is_some_and(|last| last < HISTORY_END)
    }

    /// Whether the limit of parts is reached, so that the history cannot be resumed again.
    pub fn is_full(&self) -> bool {
        self.parts.len() >= MAX_HISTORY_PARTS
    }

    /// Records that the rows up to `upto` were read in a snapshot with the records up to `seq`.
    pub fn add(&mut self, upto: HistoryKey, seq: u64) {
        match self.parts.last_mut() {
            Some(part) if part.seq == seq => part.upto = upto,
            _ => self.parts.push(CoveredPart { upto, seq }),
        }
    }

    /// Whether a row of record `seq` was included when its part of the history was read.
    pub fn has(&self, seq: u64, stream: i32, ts: i64) -> bool {
        if ts < self.since {
            return false;
        }
        let key = key(stream, ts);
        self.parts.iter().find(|part| key <= part.upto).is_some_and(|part| seq <= part.seq)
    }

    /// Clears a complete history when no record from `seq` on can be part of it.
    pub fn prune(&mut self, seq: u64) {
        if !self.is_open() && self.parts.iter().all(|part| part.seq < seq) {
            self.parts.clear();
        }
    }
}

impl FeedPosition {
    /// Returns the position of a reader that has every record before `seq`, and no history.
    pub fn from_seq(seq: u64) -> FeedPosition {
        FeedPosition { seq, ..FeedPosition::default() }
    }

    /// Encodes the position for a client's cursor: a version byte, then little-endian numbers.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend(self.seq.to_le_bytes());
        out.extend(self.row.to_le_bytes());
        if !self.covered.is_none() {
            out.extend(self.covered.since.to_le_bytes());
            for CoveredPart { upto: (day, stream, ts), seq } in &self.covered.parts {
                out.extend(day.0.to_le_bytes());
                out.extend(stream.to_le_bytes());
                out.extend(ts.to_le_bytes());
                out.extend(seq.to_le_bytes());
            }
        }
        out
    }

    /// The inverse of `encode`; `None` for any other bytes.
    pub fn decode(bytes: &[u8]) -> Option<FeedPosition> {
        let mut rest = bytes;
        if take::<1>(&mut rest)? != [VERSION] {
            return None;
        }
        let (seq, row) = (u64::from_le_bytes(take(&mut rest)?), u32::from_le_bytes(take(&mut rest)?));
        let mut covered = HistoryCoverage::default();
        if !rest.is_empty() {
            covered.since = i64::from_le_bytes(take(&mut rest)?);
            while !rest.is_empty() {
                let day = Day(i32::from_le_bytes(take(&mut rest)?));
                let (stream, ts) =
                    (i32::from_le_bytes(take(&mut rest)?), i64::from_le_bytes(take(&mut rest)?));
                let part = CoveredPart { upto: (day, stream, ts), seq: u64::from_le_bytes(take(&mut rest)?) };
                covered.parts.push(part);
            }
        }
        let is_ordered = covered.parts.windows(2).all(|w| w[0].upto < w[1].upto);
        let is_sound = is_ordered && covered.parts.len() <= MAX_HISTORY_PARTS && (seq, row) != (0, 0);
        is_sound.then_some(FeedPosition { seq, row, covered })
    }

    /// Returns the newest record that the position refers to.
    pub fn newest(&self) -> u64 {
        let before = if self.row > 0 { self.seq } else { self.seq.saturating_sub(1) };
        self.covered.parts.iter().map(|part| part.seq).fold(before, u64::max)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
#[path = "position_tests.rs"]
mod tests;
