//! How far a reader is: which committed rows it has, of the log and of snapshots read before it. It survives restarts.

use crate::domain::Micros;
use crate::domain::time::Day;

/// A row's place in a history: by day, within a day by stream and time.
pub type Key = (Day, i32, i64);

/// The place after every row.
pub const END: Key = (Day(i32::MAX), i32::MAX, i64::MAX);

/// Parts that a history may be read in; each time it is taken up again adds one.
pub const MAX_PARTS: usize = 16;

const VERSION: u8 = 1;

pub fn key(stream: i32, ts: i64) -> Key {
    (Micros(ts).day(), stream, ts)
}

/// A reader has every row of the records before `seq`, the first `row` rows of that record, and what `covered` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Position {
    pub seq: u64,
    pub row: u32,
    pub covered: Covered,
}

/// What of a history was read, part by part: of a part every row that a snapshot of that moment had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Covered {
    /// Where the history begins, microseconds.
    pub since: i64,
    /// In order, the last one as far as it has been read.
    parts: Vec<Part>,
}

/// From the end of the part before up to `upto`, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    upto: Key,
    /// The snapshot has every record up to this one.
    seq: u64,
}

impl Covered {
    pub fn since(since: Micros) -> Self {
        Self { since: since.0, parts: Vec::new() }
    }

    /// Whether there is no history, or none that matters any more.
    pub fn is_none(&self) -> bool {
        self.parts.is_empty()
    }

    /// The last row read; `None` before the first.
    pub fn last(&self) -> Option<Key> {
        self.parts.last().map(|part| part.upto)
    }

    /// Whether there is more of the history to read.
    pub fn is_open(&self) -> bool {
        self.last().is_some_and(|last| last < END)
    }

    /// Whether the history may not be taken up again.
    pub fn is_full(&self) -> bool {
        self.parts.len() >= MAX_PARTS
    }

    /// The rows up to `upto` were read in a snapshot that has the records up to `seq`.
    pub fn add(&mut self, upto: Key, seq: u64) {
        match self.parts.last_mut() {
            Some(part) if part.seq == seq => part.upto = upto,
            _ => self.parts.push(Part { upto, seq }),
        }
    }

    /// Whether a row of record `seq` was there when its part of the history was read.
    pub fn has(&self, seq: u64, stream: i32, ts: i64) -> bool {
        if ts < self.since {
            return false;
        }
        let key = key(stream, ts);
        self.parts.iter().find(|part| key <= part.upto).is_some_and(|part| seq <= part.seq)
    }

    /// Forgets what no record from `seq` on can be part of.
    pub fn settle(&mut self, seq: u64) {
        if !self.is_open() && self.parts.iter().all(|part| part.seq < seq) {
            self.parts.clear();
        }
    }
}

impl Position {
    pub fn at(seq: u64) -> Position {
        Position { seq, ..Position::default() }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend(self.seq.to_le_bytes());
        out.extend(self.row.to_le_bytes());
        if !self.covered.is_none() {
            out.extend(self.covered.since.to_le_bytes());
            for Part { upto: (day, stream, ts), seq } in &self.covered.parts {
                out.extend(day.0.to_le_bytes());
                out.extend(stream.to_le_bytes());
                out.extend(ts.to_le_bytes());
                out.extend(seq.to_le_bytes());
            }
        }
        out
    }

    /// The inverse of `encode`; `None` for any other bytes.
    pub fn decode(bytes: &[u8]) -> Option<Position> {
        let mut rest = bytes;
        if take::<1>(&mut rest)? != [VERSION] {
            return None;
        }
        let (seq, row) = (u64::from_le_bytes(take(&mut rest)?), u32::from_le_bytes(take(&mut rest)?));
        let mut covered = Covered::default();
        if !rest.is_empty() {
            covered.since = i64::from_le_bytes(take(&mut rest)?);
            while !rest.is_empty() {
                let day = Day(i32::from_le_bytes(take(&mut rest)?));
                let (stream, ts) =
                    (i32::from_le_bytes(take(&mut rest)?), i64::from_le_bytes(take(&mut rest)?));
                let part = Part { upto: (day, stream, ts), seq: u64::from_le_bytes(take(&mut rest)?) };
                covered.parts.push(part);
            }
        }
        let is_ordered = covered.parts.windows(2).all(|w| w[0].upto < w[1].upto);
        let is_sound = is_ordered && covered.parts.len() <= MAX_PARTS && (seq, row) != (0, 0);
        is_sound.then_some(Position { seq, row, covered })
    }

    /// The newest record that it tells of.
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
